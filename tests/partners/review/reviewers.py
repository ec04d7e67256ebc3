"""The office of `tests.partners.desk` with a review: three levels of people to page, a clock round the clock."""

from datetime import datetime, time, timedelta
from uuid import UUID, uuid4

from contracts.decisions import ApprovePartner, Decide, RequestInfo
from contracts.message import Actor, ActorType, Command, Context
from contracts.partners import DocumentKind, FileDossier
from contracts.reviews import AcknowledgePage, BreachReview, EscalatePage, WarnReview
from services.chassis import Call, Outcome, Reply
from services.partners.decisions.rules import Rules
from services.partners.review.clock import ReviewClock, SlaPolicy
from services.partners.review.page import Page, PagePolicy
from tests.partners.desk import ADA, ROOT, Office, decision
from tests.partners.review.brute import office

SYSTEM = Actor(type=ActorType.SYSTEM, subject="partners")
ALWAYS_OPEN = office("UTC", opens=time(0), closes=time(0), weekdays=frozenset(range(7)))
SLA = SlaPolicy(ALWAYS_OPEN, target_seconds=1_000)
PAGING = PagePolicy(timedelta(seconds=900), levels=3)


class ReviewOffice(Office):
    def __init__(self) -> None:
        super().__init__()
        self.book.rules = Rules(sla=SLA, paging=PAGING)

    def later(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def judge(
        self, partner_id: UUID, kind: type[Decide] = ApprovePartner, actor: Actor = ROOT, **more: object
    ) -> Outcome:
        partner = self.book.partners[partner_id]
        read = {"expected_version": partner.version, "dossier_version": partner.dossier_version}
        if kind is RequestInfo:
            more["fields"] = ("/licensing_object_key",)
        return self.run(decision(partner_id, kind, **(read | more)), actor)

    def refile(self, partner_id: UUID, actor: Actor = ADA) -> Outcome:
        """A new licence."""
        key, _ = self.upload(actor, DocumentKind.LICENSING, partner_id)
        return self.run(FileDossier(partner_id=partner_id, licensing_object_key=key), actor)

    def call(self) -> Call:
        return Call(ROOT, Context(request_id="r", command_id=uuid4()), uuid4(), self.now)

    def clock(self, partner_id: UUID) -> ReviewClock:
        return self.book.reviews[partner_id]

    def page(self, partner_id: UUID, dossier_version: int = 1) -> Page:
        pages = self.book.pages.values()
        [found] = [p for p in pages if (p.partner_id, p.dossier_version) == (partner_id, dossier_version)]
        return found

    def warn(self, partner_id: UUID, round_: int = 1) -> Outcome:
        return self.run(WarnReview(partner_id=partner_id, round=round_), SYSTEM)

    def breach(self, partner_id: UUID, round_: int = 1) -> Outcome:
        return self.run(BreachReview(partner_id=partner_id, round=round_), SYSTEM)

    def escalate(self, page: Page, level: int) -> Outcome:
        return self.run(EscalatePage(page_id=page.id, partner_id=page.partner_id, level=level), SYSTEM)

    def acknowledge(self, page_id: UUID, actor: Actor = ROOT) -> Outcome:
        return self.run(AcknowledgePage(page_id=page_id), actor)


def told(outcome: Outcome, aggregate: str = "") -> list[str]:
    """The events of a reply, in order; only those of one kind of aggregate if it is named."""
    assert isinstance(outcome, Reply), outcome
    return [fact.data.type for fact in outcome.facts if fact.aggregate_type.startswith(aggregate)]


def sent_by_timers() -> frozenset[type[Command]]:
    return frozenset({WarnReview, BreachReview, EscalatePage})
