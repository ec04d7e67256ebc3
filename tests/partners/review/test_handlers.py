"""Timers may be late, early or there twice; root admins acknowledge (S1.36, S1.37)."""

from datetime import timedelta
from uuid import uuid4

import pytest

from contracts.message import Command
from contracts.partners import PartnerView
from contracts.reviews import AcknowledgePage, EscalatePage, PageState, PageView, PartnerReviewBreached
from contracts.roles import Role
from services.chassis import Outcome, Reply
from services.chassis.outcome import authorise
from services.partners.review.handlers import HANDLERS
from tests.partners.desk import ADA, ROOT, code, person
from tests.partners.review.reviewers import PAGING, ReviewOffice, sent_by_timers, told


def nothing_said(outcome: Outcome) -> bool:
    return isinstance(outcome, Reply) and (outcome.status, list(outcome.facts)) == (200, [])


def test_a_warning_comes_once_at_its_time() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()

    desk.later(790)
    assert nothing_said(desk.warn(partner_id))
    desk.later(7)
    assert nothing_said(desk.warn(partner_id))
    assert told(desk.warn(partner_id)) == ["partner.review_warned"]
    assert nothing_said(desk.warn(partner_id))
    assert nothing_said(desk.breach(partner_id))


def test_a_breach_says_when_it_was_due_and_what_was_used() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    due_at = desk.clock(partner_id).due_at
    desk.later(1_059)

    reply = desk.breach(partner_id)

    assert isinstance(reply, Reply)
    [fact] = reply.facts
    assert fact.data == PartnerReviewBreached(round=1, due_at=due_at, used_seconds=1_060)  # type: ignore[arg-type]
    assert (fact.aggregate_type, fact.aggregate_id, fact.version) == ("partner", partner_id, 2)
    assert nothing_said(desk.breach(partner_id))


def test_a_partner_that_is_overdue_says_so_and_its_etag_moves() -> None:  # S1.16
    desk = ReviewOffice()
    partner_id = desk.submitted()
    partner = desk.book.partners[partner_id]
    before = partner.view()
    desk.later(1_000)

    desk.breach(partner_id)

    after: PartnerView = partner.view()
    assert after.review
    assert after.review.breached
    assert after.version == before.version + 1
    assert after.updated_at > before.updated_at
    assert desk.book.changed_partners[partner_id] is partner


def test_a_warning_of_a_round_that_is_over_is_not_one_of_the_next() -> None:
    desk = ReviewOffice()
    partner_id = desk.submitted()
    desk.judge(partner_id)
    desk.refile(partner_id)
    desk.later(5_000)

    assert nothing_said(desk.warn(partner_id, 1))
    assert told(desk.warn(partner_id, 2)) == ["partner.review_warned"]


def test_a_timer_that_names_nobody_is_refused() -> None:
    desk = ReviewOffice()

    assert code(desk.warn(uuid4())) == "NOT_FOUND"
    assert code(desk.breach(uuid4())) == "NOT_FOUND"


def test_a_page_that_nobody_acknowledges_climbs_to_the_top_level_and_no_further() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())
    wait = PAGING.escalate_after.total_seconds()

    assert nothing_said(desk.escalate(page, 2))
    desk.later(wait)
    assert told(desk.escalate(page, 2)) == ["page.escalated"]
    assert (page.level, page.delivery, page.escalate_at) == (2, "queued", desk.now + PAGING.escalate_after)
    assert nothing_said(desk.escalate(page, 2))
    desk.later(wait)
    assert told(desk.escalate(page, 3)) == ["page.escalated"]
    assert page.escalate_at is None
    desk.later(wait)
    assert nothing_said(desk.escalate(page, 4))


def test_no_level_is_left_out() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())
    desk.later(10_000)

    assert nothing_said(desk.escalate(page, 3))


def test_an_acknowledged_page_climbs_no_further() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())

    reply = desk.acknowledge(page.id)

    assert told(reply) == ["page.acknowledged"]
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, PageView)
    assert (reply.body.state, reply.body.acknowledged_by) == (PageState.ACKNOWLEDGED, "root-1")
    desk.later(10_000)
    assert nothing_said(desk.escalate(page, 2))


def test_whoever_comes_first_looks_after_it() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())
    desk.acknowledge(page.id)

    again = desk.acknowledge(page.id, ADA)  # allowlisted too

    assert told(again) == []
    assert page.acknowledged_by == "root-1"
    assert page.version == 2


def test_only_root_admins_of_the_allowlist_acknowledge() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())
    impostor = person("root-99", Role.ROOT_ADMIN)

    assert code(desk.acknowledge(page.id, impostor)) == "ROOT_ADMIN_REQUIRED"
    assert authorise(AcknowledgePage(page_id=page.id), person("root-1", Role.OPS))
    assert not authorise(AcknowledgePage(page_id=page.id), ROOT)
    assert page.state is PageState.OPEN


def test_a_page_that_is_not_there_is_not_found() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())
    page.partner_id, partner_id = uuid4(), page.partner_id

    assert code(desk.acknowledge(uuid4())) == "NOT_FOUND"
    assert code(desk.run(page_of(page.id, partner_id), ROOT)) == "NOT_FOUND"


def page_of(page_id: object, partner_id: object) -> Command:
    return EscalatePage.model_validate({"page_id": page_id, "partner_id": partner_id, "level": 2})


def test_what_was_not_sent_is_not_sent_once_somebody_looks() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())

    desk.acknowledge(page.id)

    assert page.delivery == "cancelled"


def test_the_time_to_acknowledge_counts_from_the_arrival() -> None:
    desk = ReviewOffice()
    page = desk.page(desk.submitted())

    assert page.escalate_at == page.raised_at + timedelta(seconds=900)


@pytest.mark.parametrize("command", HANDLERS, ids=lambda command: command.type)
def test_what_timers_say_only_the_service_may_say(command: type[Command]) -> None:
    assert command.system is (command in sent_by_timers())
