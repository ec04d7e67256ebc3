"""The review that an application opens: when it is due in business time, and a page to root admins."""

from datetime import datetime, time, timedelta

from uuid_utils.compat import uuid7

from contracts.partners import ReviewView
from contracts.reviews import PageRaised
from services.partners.review.calendar import BusinessCalendar
from services.partners.review.clock import SlaPolicy, open_
from tests.benchmarks.monolith.once import Fact
from tests.benchmarks.monolith.partner_models import Partner
from tests.benchmarks.monolith.review_models import Page, PageDelivery, Review

ESCALATE_AFTER = timedelta(seconds=900)
OFFICE = BusinessCalendar("UTC", None, None, time(9), time(17), frozenset(range(5)))
SLA = SlaPolicy(OFFICE, 16 * 3600)
"""Gatehouse's own settings, and its arithmetic: a library is a library."""


def opened(partner: Partner, moment: datetime) -> tuple[Review, ReviewView]:
    """The first round, running."""
    clock = open_(SLA, 1, moment)
    review = Review(
        partner=partner,
        round=clock.round,
        opened_at=clock.opened_at,
        running_since=clock.running_since,
        warn_at=clock.warn_at,
        due_at=clock.due_at,
    )
    return review, clock.view()


def raised(partner: Partner, dossier_version: int, moment: datetime) -> tuple[Page, Fact]:
    """A page for this version, with its first delivery queued."""
    page = Page(
        id=uuid7(),
        partner=partner,
        dossier_version=dossier_version,
        raised_at=moment,
        escalate_at=moment + ESCALATE_AFTER,
    )
    page.deliveries = [PageDelivery(level=1, next_try_at=moment)]
    data = PageRaised(partner_id=partner.id, dossier_version=dossier_version, level=1)
    return page, Fact("page", page.id, 1, data)
