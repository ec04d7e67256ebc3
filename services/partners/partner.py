"""The partner: its states and who may move it. No I/O; every change is returned as facts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.failures import Code
from contracts.message import Actor, EventData
from contracts.partners import (
    ContactView,
    Decide,
    DocumentView,
    DossierView,
    PartnerApproved,
    PartnerRejected,
    PartnerState,
    PartnerSubmitted,
    PartnerSuspended,
    PartnerView,
    SubmitPartner,
    Verdict,
)
from services.chassis import Aggregate, Call, Fact, Refusal

NOTES = range(10, 1025)
Person = tuple[str, str]

_S = PartnerState
APPROVABLE = frozenset({_S.PENDING_REVIEW})
REJECTED_TO = {_S.PENDING_REVIEW: _S.REJECTED, _S.INFO_REQUESTED: _S.REJECTED, _S.APPROVED: _S.SUSPENDED}


class Document(DocumentView):
    """A document of the dossier; the uploader's issuer is kept for the maker-checker rule, not shown."""

    uploaded_by_issuer: str


def person_of(contact: ContactView) -> Person:
    return contact.issuer, contact.subject


@dataclass(slots=True)
class Approval:
    """One decision, as it is kept for ever."""

    id: UUID
    partner_id: UUID
    decision: Verdict
    notes: str
    internal_notes: str | None
    reason_code: str | None
    dossier_version: int
    decided_by_issuer: str
    decided_by: str
    decided_at: datetime


@dataclass(kw_only=True, slots=True)
class Partner(Aggregate):
    kind: ClassVar[str] = "partner"

    state: PartnerState
    name: str
    legal_name: str
    dossier_version: int
    created_at: datetime
    updated_at: datetime
    approved_at: datetime | None = None
    approved_by: str | None = None
    approved_dossier_version: int | None = None
    rereview_due_at: datetime | None = None
    rejected_final: bool = False
    fields_requested: tuple[str, ...] = ()
    proposals: list[Any] = field(default_factory=list)
    contacts: list[ContactView] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)

    @classmethod
    def submit(
        cls, partner_id: UUID, command: SubmitPartner, call: Call, roster: list[ContactView], documents: list[Document]
    ) -> tuple["Partner", Fact]:
        partner = cls(
            id=partner_id,
            state=_S.PENDING_REVIEW,
            name=command.name,
            legal_name=command.legal_name,
            dossier_version=1,
            created_at=call.now,
            updated_at=call.now,
            contacts=roster,
            documents=documents,
        )
        return partner, partner.record(partner._submitted())

    def approve(self, command: Decide, call: Call) -> tuple[Approval, Sequence[Fact]] | Refusal:
        refused = self._undecidable(command, call.actor, allowed=self.state in APPROVABLE)
        if refused:
            return refused
        before, self.state = self.state, _S.APPROVED
        self.approved_at, self.approved_by = call.now, call.actor.subject
        self.approved_dossier_version = self.dossier_version
        approval = self._decided(Verdict.APPROVED, command, call)
        facts = [self.record(PartnerApproved(**self._fact(approval, before), approved_at=call.now))]
        return approval, facts

    def reject(self, command: Decide, call: Call) -> tuple[Approval, Sequence[Fact]] | Refusal:
        """Turn an applicant down, or suspend an approved partner (S1.38); history keeps what is cleared here."""
        refused = self._undecidable(command, call.actor, allowed=self.state in REJECTED_TO)
        if refused:
            return refused
        before, self.state = self.state, REJECTED_TO[self.state]
        self.approved_at = self.approved_by = self.approved_dossier_version = None
        suspends = self.state is _S.SUSPENDED
        approval = self._decided(Verdict.SUSPENDED if suspends else Verdict.REJECTED, command, call)
        kinds: list[type[EventData]] = [PartnerRejected, PartnerSuspended] if suspends else [PartnerRejected]
        return approval, [self.record(kind(**self._fact(approval, before))) for kind in kinds]

    def is_contact(self, actor: Actor) -> bool:
        return any(person_of(c) == (actor.issuer, actor.subject) and c.status == "ACTIVE" for c in self.contacts)

    def _undecidable(self, command: Decide, actor: Actor, *, allowed: bool) -> Refusal | None:
        if len(command.notes) not in NOTES:
            return Refusal(Code.NOTES_REQUIRED)
        if self._is_maker(actor):
            return Refusal(Code.MAKER_CHECKER_VIOLATION)
        if not allowed:
            return Refusal(Code.PARTNER_STATE_INVALID, f"the partner is {self.state}")
        if command.dossier_version != self.dossier_version:
            return Refusal(Code.DOSSIER_CHANGED, f"the dossier is at version {self.dossier_version}")
        if command.expected_version != self.version:
            return Refusal(Code.PRECONDITION_FAILED, f"the partner is at version {self.version}")
        return None

    def _is_maker(self, actor: Actor) -> bool:
        """K7: nobody decides on a partner whose roster they are in or whose dossier they uploaded."""
        person = (actor.issuer, actor.subject)
        return any(person_of(c) == person for c in self.contacts) or any(
            (d.uploaded_by_issuer, d.uploaded_by) == person for d in self.documents
        )

    def _decided(self, verdict: Verdict, command: Decide, call: Call) -> Approval:
        self.updated_at = max(call.now, self.updated_at + timedelta(microseconds=1))  # S1.16: strictly increasing
        return Approval(
            id=uuid7(),
            partner_id=self.id,
            decision=verdict,
            notes=command.notes,
            internal_notes=command.internal_notes,
            reason_code=command.reason_code,
            dossier_version=command.dossier_version,
            decided_by_issuer=call.actor.issuer,
            decided_by=call.actor.subject,
            decided_at=call.now,
        )

    def _fact(self, approval: Approval, before: PartnerState) -> dict[str, Any]:
        return {
            "approval_id": approval.id,
            "notes": approval.notes,
            "reason_code": approval.reason_code,
            "dossier_version": approval.dossier_version,
            "previous_state": before,
            "state": self.state,
        }

    def _submitted(self) -> PartnerSubmitted:
        return PartnerSubmitted(
            name=self.name,
            legal_name=self.legal_name,
            state=self.state,
            dossier_version=self.dossier_version,
            documents=tuple(self.documents),
            contacts=tuple(self.contacts),
        )

    def view(self) -> PartnerView:
        """The `partner` shape of api.md."""
        return PartnerView(
            id=self.id,
            state=self.state,
            name=self.name,
            legal_name=self.legal_name,
            contacts=tuple(self.contacts),
            dossier=DossierView(version=self.dossier_version, documents=tuple(self.documents)),
            approved_at=self.approved_at,
            approved_by=self.approved_by,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=self.version,
        )
