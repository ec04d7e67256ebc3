"""The review of a dossier: warnings and breaches of its deadline (S1.36), and the pages to root admins (S1.37).

What a timer says is a `system` command: only the service sends it to itself, and one that comes twice, late or too
early changes nothing.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Command, Contract, EventData, Query, Target
from contracts.partner_events import PartnerFact
from contracts.partners import COMMANDS, QUERIES, READERS, OfPartner
from contracts.roles import Role

Count = Annotated[int, Field(ge=1, lt=2**31)]


class PageState(StrEnum):
    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"


class Delivery(StrEnum):
    """Of a page's newest level: `failed` is tried again, `cancelled` was overtaken before it could be sent."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OfReview(OfPartner):
    """What a timer says of one round of a partner's review; a late word about an older round changes nothing."""

    system: ClassVar[bool] = True

    round: Count


class WarnReview(OfReview):
    """Most of the time for this round is used."""

    type: ClassVar[str] = "review.warn"


class BreachReview(OfReview):
    """All of the time for this round is used."""

    type: ClassVar[str] = "review.breach"


class EscalatePage(OfPartner):
    """Nobody acknowledged the page in time: page `level`, the one above."""

    type: ClassVar[str] = "page.escalate"
    system: ClassVar[bool] = True

    page_id: UUID
    level: Count

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="page", id=str(self.page_id)), *OfPartner.targets(self))


class AcknowledgePage(Command):
    """Somebody looks after it: no more escalation. Only allowlisted root admins."""

    type: ClassVar[str] = "page.acknowledge"
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    page_id: UUID

    def key(self) -> str:
        return str(self.page_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="page", id=self.key()),)


class ListPages(Query):
    """Pages by id, newest last."""

    type: ClassVar[str] = "page.list"
    topic: ClassVar[str] = QUERIES
    roles: ClassVar[frozenset[Role]] = READERS

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None
    state: Annotated[PageState, Field(strict=False)] | None = None


class PageView(Contract):
    """`level` is the newest that was paged, from 1; `delivery` and `tries` are that level's."""

    id: UUID
    partner_id: UUID
    dossier_version: int
    state: PageState
    level: int
    delivery: Delivery
    tries: int
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class PagePage(Contract):
    data: tuple[PageView, ...]
    has_more: bool


class ReviewFact(PartnerFact):
    """`used_seconds` of business time had passed in this round; pauses do not count."""

    round: int
    due_at: datetime
    used_seconds: int


class PartnerReviewWarned(ReviewFact):
    """A partner has been in review for most of the time there is; once a round."""

    type: ClassVar[str] = "partner.review_warned"


class PartnerReviewBreached(ReviewFact):
    """A partner has been in review for longer than promised; once a round."""

    type: ClassVar[str] = "partner.review_breached"


class PageFact(EventData):
    partner_id: UUID
    dossier_version: int
    level: int


class PageRaised(PageFact):
    """A dossier has arrived: root admins are to be told, once a version."""

    type: ClassVar[str] = "page.raised"


class PageEscalated(PageFact):
    """Nobody acknowledged in time: `level` is told too."""

    type: ClassVar[str] = "page.escalated"


class PageAcknowledged(PageFact):
    """The event's actor looks after it."""

    type: ClassVar[str] = "page.acknowledged"


class PageResolved(PageFact):
    """The partner was decided on, so there is nothing left to tell."""

    type: ClassVar[str] = "page.resolved"
