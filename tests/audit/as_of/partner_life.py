"""A partner's life at random: dossiers, rosters, decisions of one or two, deactivations, deadlines, refusals."""

import random
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.decisions import ApprovePartner, Decide, ReinstatePartner, RejectPartner, RequestInfo
from contracts.message import Actor, ActorType
from contracts.partner_events import PartnerCommandRefused
from contracts.partners import PartnerState, RecordDeactivation
from contracts.reviews import BreachReview, WarnReview
from contracts.roles import Role
from services.chassis import Outcome
from services.partners.handlers import HANDLERS
from services.partners.partner import Partner
from tests.audit.as_of.telling import Life, Seen
from tests.partners.desk import Office, answered, contact, person

ROOTS = ("root-1", "root-2", "root-3")
SERVICE = Actor(type=ActorType.SYSTEM, subject="partners")
USUAL: dict[PartnerState, tuple[type[Decide], ...]] = {
    PartnerState.PENDING_REVIEW: (ApprovePartner, ApprovePartner, RejectPartner, RequestInfo),
    PartnerState.INFO_REQUESTED: (RejectPartner,),
    PartnerState.APPROVED: (ApprovePartner, RejectPartner),
    PartnerState.REJECTED: (ApprovePartner,),
    PartnerState.SUSPENDED: (ReinstatePartner,),
}


class PartnerLife(Life, Office):
    """The desk of `tests.partners.desk`, every call of which is told."""

    refused_as = PartnerCommandRefused

    def __init__(self, dice: random.Random, steps: int) -> None:
        Office.__init__(self, ",".join(ROOTS), approvals_required=dice.choice((1, 2)))
        Life.__init__(self, dice)
        self.people = [f"p{n}-{uuid4()}" for n in range(5)]
        self.since = self.now
        self.state: PartnerState | None = None
        self.began: dict[int, datetime] = {}
        self.decided_at: dict[UUID, datetime] = {}
        self.deactivated: dict[Any, Any] = {}
        with self.watched({Partner: self._look}):
            self.id = self.submitted(self._contact(self.people[0]), *self.people[1 : dice.randint(1, 3)])
            for _ in range(steps):
                self._step()

    def run(self, command: Any, actor: Actor) -> Outcome:
        call = self.call(actor)
        outcome = answered(HANDLERS[type(command)](command, call, self.book))
        if isinstance(command, RecordDeactivation) and outcome.facts:
            stay = (command.issuer, command.subject, command.removed_at)
            self.deactivated[stay] = (self.now, command.known)
        self.tell(command, call, outcome)
        if any(fact.aggregate_type == "partner" for fact in outcome.facts):
            self._complete(next(iter(self.book.partners.values())))
        return outcome

    def _step(self) -> None:
        dice, partner = self.dice, self.partner(self.id)
        does = dice.choice(("file", "replace", "replace", "decide", "decide", "decide", "allow", "deactivate", "timer"))
        somebody = self._contact(dice.choice(self.people if dice.random() < 0.1 else self._roster()))
        if does == "file":
            self.file(self.id, self._contact(dice.choice(self._roster())), dice.choice(("kyb", "licensing")))
        elif does == "replace":
            stays = dice.sample(self._roster(), 1) if dice.random() < 0.9 else []
            wanted = dict.fromkeys([*stays, *dice.sample(self.people, dice.randint(0, 3))])
            people = [contact(name, role=dice.choice(("Director", "Clerk"))) for name in wanted]
            self.replace(self.id, *people, actor=somebody)
        elif does == "decide":
            self._decide(dice.choice(USUAL[partner.state]))
        elif does == "allow":
            self.allow(*dice.sample(ROOTS, dice.choice((2, 3))))
        elif does == "deactivate":
            self._deactivate()
        else:
            self._let_time_pass()

    def _decide(self, verb: type[Decide]) -> None:
        fraud = verb is RejectPartner and self.dice.random() < 0.05
        changes: dict[str, Any] = {"reason_code": "FRAUD"} if fraud else {}
        if self.dice.random() < 0.1:
            changes["notes"] = ""
        self.decide(self.id, verb, person(self.dice.choice(ROOTS), Role.ROOT_ADMIN), **changes)

    def _deactivate(self) -> None:
        if rows := list(self.book.deactivations.values()):
            row = self.dice.choice(rows)
            told: dict[str, Any] = {name: getattr(row, name) for name in ("issuer", "subject", "removed_at")}
            known = self.dice.random() < 0.8
            self.run(RecordDeactivation(partner_id=self.id, **told, known=known), SERVICE)

    def _let_time_pass(self) -> None:
        """To the next deadline of the review, and the timer strikes."""
        clock = self.book.reviews[self.id]
        kind, due = self.dice.choice(((WarnReview, clock.warn_at), (BreachReview, clock.due_at)))
        self.now = max(self.now, due or self.now)
        self.run(kind(partner_id=self.id, round=clock.round), SERVICE)

    def _roster(self) -> list[str]:
        return [member.subject for member in self.partner(self.id).roster]

    def _contact(self, subject: str) -> Actor:
        return person(subject, Role.PARTNER_ADMIN)

    def _look(self, partner: Partner) -> Seen:
        """At the moment of an event: all that is already as the event says."""
        if partner.state is not self.state:
            self.state, self.since = partner.state, self.now
        first = partner.proposal
        return {
            "version": partner.version,
            "name": partner.name,
            "legal_name": partner.legal_name,
            "state": partner.state,
            "since": self.since,
            "submitted_at": partner.created_at,
            "dossier_version": partner.dossier_version,
            "documents": [(d.kind, d.object_key, d.size, d.sha256, d.version_id) for d in partner.documents],
            "approved_at": partner.approved_at,
            "approved_by": partner.approved_by,
            "approved_dossier_version": partner.approved_dossier_version,
            "rereview_due_at": partner.rereview_due_at,
            "fields_requested": partner.fields_requested,
            "proposal": first and (first.id, first.verdict, first.notes, first.dossier_version, first.proposed_by),
            "stays": self._stays(partner),
        }

    def _stays(self, partner: Partner) -> list[tuple[Any, ...]]:
        """A stay begins at the moment of its command."""
        return [
            (m.position, *m.person, m.role, m.status, self.began.setdefault(m.position, self.now), m.removed_at)
            for m in partner.contacts
        ]

    def _complete(self, partner: Partner) -> None:
        """At the end of a command: what is changed after the last of its events was told."""
        approvals = [a for a in self.book.approvals if a.partner_id == partner.id]
        for approval in approvals:
            self.decided_at.setdefault(approval.id, self.now)
        clock = self.book.reviews[partner.id]
        self.seen["partner", partner.id, partner.version] |= {
            "decisions": [
                {
                    "approval_id": a.id,
                    "verdict": a.decision,
                    "notes": a.notes,
                    "reason_code": a.reason_code,
                    "dossier_version": a.dossier_version,
                    "fields": a.fields,
                    "decided_by": {"issuer": a.decided_by_issuer, "subject": a.decided_by},
                    "decided_at": self.decided_at[a.id],
                    "proposed_by": a.proposed_by and {"issuer": a.proposed_by_issuer, "subject": a.proposed_by},
                }
                for a in approvals
            ],
            "decision": approvals[-1].id if partner.state is not PartnerState.PENDING_REVIEW else None,
            "review": {
                "round": clock.round,
                "paused": clock.view().paused,
                "closed": clock.closed_at is not None,
                "warned": clock.warned_at is not None,
                "breached": clock.breached_at is not None,
            },
            "deactivated": [
                self.deactivated.get((*member.person, member.removed_at), (None, None)) for member in partner.contacts
            ],
        }
