"""A page: root admins are told that a dossier has arrived, once a version, until somebody says that they look (S1.37).

The page decides and records; who sends it is the courier. Methods that do not apply change nothing and return no fact.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.message import Target
from contracts.reviews import (
    Delivery,
    PageAcknowledged,
    PageEscalated,
    PageFact,
    PageRaised,
    PageResolved,
    PageState,
    PageView,
)
from services.chassis import Aggregate, Call, Fact


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """There are `levels` of people to page, each given `escalate_after` to acknowledge."""

    escalate_after: timedelta
    levels: int


@dataclass(kw_only=True, slots=True)
class Page(Aggregate):
    """`delivery` and `tries` are those of the newest level; the courier keeps them, this only starts them anew."""

    kind: ClassVar[str] = "page"

    partner_id: UUID
    dossier_version: int
    state: PageState = PageState.OPEN
    level: int = 1
    raised_at: datetime
    escalate_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by_issuer: str | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    delivery: Delivery = Delivery.QUEUED
    tries: int = 0

    @classmethod
    def raise_(cls, partner_id: UUID, dossier_version: int, call: Call, policy: PagePolicy) -> tuple["Page", Fact]:
        page = cls(id=uuid7(), partner_id=partner_id, dossier_version=dossier_version, raised_at=call.now)
        page._expect_answer(call, policy)
        return page, page._told(PageRaised)

    def escalate(self, level: int, call: Call, policy: PagePolicy) -> Fact | None:
        """Page `level` if it is the next one and the time of this one is up."""
        overdue = self.escalate_at is not None and self.escalate_at <= call.now
        if not overdue or level != self.level + 1 or level > policy.levels:
            return None
        self.level, self.delivery, self.tries = level, Delivery.QUEUED, 0
        self._expect_answer(call, policy)
        return self._told(PageEscalated)

    def acknowledge(self, call: Call) -> Fact | None:
        """The first who says so looks after it."""
        if self.state is not PageState.OPEN:
            return None
        self._settle(PageState.ACKNOWLEDGED)
        self.acknowledged_at = call.now
        self.acknowledged_by_issuer, self.acknowledged_by = call.actor.issuer, call.actor.subject
        return self._told(PageAcknowledged)

    def resolve(self, call: Call) -> Fact | None:
        if self.state is PageState.RESOLVED:
            return None
        self._settle(PageState.RESOLVED)
        self.resolved_at = call.now
        return self._told(PageResolved)

    def view(self) -> PageView:
        return PageView(
            id=self.id,
            partner_id=self.partner_id,
            dossier_version=self.dossier_version,
            state=self.state,
            level=self.level,
            delivery=self.delivery,
            tries=self.tries,
            raised_at=self.raised_at,
            acknowledged_at=self.acknowledged_at,
            acknowledged_by=self.acknowledged_by,
        )

    def _expect_answer(self, call: Call, policy: PagePolicy) -> None:
        self.escalate_at = call.now + policy.escalate_after if self.level < policy.levels else None

    def _settle(self, state: PageState) -> None:
        """Nobody is waited for any more; what was not sent yet is not sent."""
        self.state, self.escalate_at = state, None
        if self.delivery is not Delivery.SENT:
            self.delivery = Delivery.CANCELLED

    def _told(self, fact: type[PageFact]) -> Fact:
        data = fact(partner_id=self.partner_id, dossier_version=self.dossier_version, level=self.level)
        return self.record(data, Target(type="partner", id=str(self.partner_id)))
