"""Rows that are written once and at most closed later: filings, decisions, proposals, people to be deactivated."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.decisions import Verdict
from contracts.partners import ContactView, DocumentView

Person = tuple[str, str]
"""A person is the pair (issuer, subject), compared byte for byte (S1.9)."""


class Document(DocumentView):
    """A document of the dossier; the uploader's issuer is kept for the maker-checker rule, not shown."""

    uploaded_by_issuer: str


class Member(ContactView):
    """One stay of one person in a roster; somebody who comes back has another, at the end.

    `person_id` names their key: the same for all stays at this partner, another one once they were erased.
    """

    position: int
    added_at: datetime
    removed_at: datetime | None = None
    person_id: UUID
    erased_at: datetime | None = None

    @property
    def person(self) -> Person:
        return self.issuer, self.subject

    @property
    def active(self) -> bool:
        return self.status == "ACTIVE"


@dataclass(slots=True)
class Filing:
    """One version of a dossier with everything in force then: all documents and the active roster (S1.14)."""

    partner_id: UUID
    version: int
    filed_by_issuer: str
    filed_by: str
    filed_at: datetime
    documents: list[Document]
    roster: list[Member]


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
    evidence: tuple[str, ...]
    fields: tuple[str, ...]
    decided_by_issuer: str
    decided_by: str
    decided_at: datetime
    proposed_by_issuer: str | None = None
    proposed_by: str | None = None


@dataclass(slots=True)
class Proposal:
    """The first of two agreements (K7). Open until it is taken or lapses; a partner has one at a time."""

    id: UUID
    partner_id: UUID
    verdict: Verdict
    dossier_version: int
    notes: str
    internal_notes: str | None
    reason_code: str | None
    evidence: tuple[str, ...]
    proposed_by_issuer: str
    proposed_by: str
    proposed_at: datetime
    closed_at: datetime | None = None
    closed_as: str | None = None

    @property
    def author(self) -> Person:
        return self.proposed_by_issuer, self.proposed_by

    def close(self, closed_as: str, at: datetime) -> None:
        self.closed_as, self.closed_at = closed_as, at


DeactivationKey = tuple[UUID, str, str, datetime]
PENDING, DONE, CANCELLED = "pending", "done", "cancelled"


@dataclass(slots=True)
class Deactivation:
    """Somebody who left a roster and whom the identity provider has to deactivate (S1.43)."""

    partner_id: UUID
    issuer: str
    subject: str
    removed_at: datetime
    status: str = PENDING
    settled_at: datetime | None = None
    next_try_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.next_try_at = self.removed_at

    @property
    def key(self) -> DeactivationKey:
        return self.partner_id, self.issuer, self.subject, self.removed_at

    @property
    def is_pending(self) -> bool:
        return self.status == PENDING

    @property
    def person(self) -> Person:
        return self.issuer, self.subject

    def settle(self, status: str, at: datetime) -> None:
        self.status, self.settled_at = status, at
