"""Partner onboarding: what may be asked of the partners service, and what it tells the world.

Shapes follow `api.md`. Wire names are stable strings; the row of requirements.md stands beside each rule.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Command, CommandRefused, Contract, EventData, Query, Target
from contracts.roles import Role
from contracts.text import Name, Opaque, Prose

COMMANDS, QUERIES = "partners.commands", "partners.queries"

OBJECT_KEY = re.compile(
    r"partners/(?P<partner_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<kind>kyb|licensing)/(?P<stamp>\d{8}T\d{12}Z)"
)
READERS = frozenset({Role.ROOT_ADMIN, Role.OPS, Role.AUDITOR})


class DocumentKind(StrEnum):
    KYB = "kyb"
    LICENSING = "licensing"


class PartnerState(StrEnum):
    PENDING_REVIEW = "PENDING_REVIEW"
    INFO_REQUESTED = "INFO_REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SUSPENDED = "SUSPENDED"


class Verdict(StrEnum):
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SUSPENDED = "SUSPENDED"


class ReserveUpload(Command):
    """Reserve an object key and a presigned PUT bound to length, type and SHA-256 (S1.17, S1.18)."""

    type: ClassVar[str] = "upload.reserve"
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.PARTNER_ADMIN, Role.ROOT_ADMIN})

    kind: Annotated[DocumentKind, Field(strict=False)]
    content_type: Annotated[str, Field(pattern=r"^(application/pdf|image/png|image/jpeg)$")]
    size: Annotated[int, Field(ge=1, le=50 * 1024 * 1024)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    partner_id: UUID | None = None

    def key(self) -> str:
        return str(self.partner_id or "")


class Contact(Contract):
    """One person of a partner's roster; `issuer` defaults to the submitter's (S1.8, S1.9)."""

    name: Name
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$")]
    phone: Annotated[str, Field(min_length=1, max_length=40)]
    role: Name
    subject: Opaque
    issuer: Opaque | None = None


class SubmitPartner(Command):
    """Apply as a partner (S1.3). The partner's id is the one in the prefix of both object keys."""

    type: ClassVar[str] = "partner.submit"
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.PARTNER_ADMIN})

    name: Name
    legal_name: Name
    kyb_object_key: Annotated[str, Field(min_length=1, max_length=300)]
    licensing_object_key: Annotated[str, Field(min_length=1, max_length=300)]
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1, max_length=50, strict=False)]

    def key(self) -> str:
        found = OBJECT_KEY.fullmatch(self.kyb_object_key)
        return found["partner_id"] if found else ""

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="partner", id=self.key()),) if self.key() else ()


class Decide(Command):
    """What every decision names: the partner, the version read (If-Match) and the dossier reviewed."""

    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    partner_id: UUID
    expected_version: int
    dossier_version: Annotated[int, Field(ge=1)]
    notes: Prose = ""
    internal_notes: Annotated[Prose, Field(max_length=4096)] | None = None
    reason_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")] | None = None

    def key(self) -> str:
        return str(self.partner_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="partner", id=self.key()),)


class ApprovePartner(Decide):
    """Approve the dossier version that was reviewed (S1.20)."""

    type: ClassVar[str] = "partner.approve"


class RejectPartner(Decide):
    """Reject an application, or suspend an approved partner (S1.38)."""

    type: ClassVar[str] = "partner.reject"


class GetPartner(Query):
    """One partner; own contacts, or a reader role."""

    type: ClassVar[str] = "partner.get"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID


class ListPartners(Query):
    """Partners by id, newest last; own ones, or all for a reader role."""

    type: ClassVar[str] = "partner.list"
    topic: ClassVar[str] = QUERIES

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None
    state: Annotated[PartnerState, Field(strict=False)] | None = None
    q: Annotated[str, Field(max_length=200)] | None = None


class ListApprovals(Query):
    """A partner's decisions, oldest first; internal notes only for reader roles (K4)."""

    type: ClassVar[str] = "partner.approvals"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID


class Upload(Contract):
    """Where to PUT the document, with exactly these headers, until `expires_at`."""

    upload_url: str
    method: str = "PUT"
    headers: dict[str, str]
    object_key: str
    partner_id: UUID
    expires_at: datetime


class SubjectFact(Contract):
    """What the world may know of a contact: who may act, not how to reach them."""

    issuer: str
    subject: str
    role: str


class ContactView(SubjectFact):
    name: str
    email: str
    phone: str
    status: str = "ACTIVE"


class DocumentFact(Contract):
    """One stored object: its `version_id` is the store's, its `sha256` was checked by the store (hex)."""

    kind: str
    object_key: str
    size: int
    sha256: str
    version_id: str


class DocumentView(DocumentFact):
    uploaded_by: str
    uploaded_at: datetime


class DossierView(Contract):
    version: int
    documents: tuple[DocumentView, ...]


class PartnerView(Contract):
    id: UUID
    state: PartnerState
    name: str
    legal_name: str
    contacts: tuple[ContactView, ...]
    dossier: DossierView
    approved_at: datetime | None
    approved_by: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class ApprovalView(Contract):
    id: UUID
    decision: Verdict
    notes: str
    internal_notes: str | None = None
    reason_code: str | None
    dossier_version: int
    decided_by: str
    decided_at: datetime


class PartnerPage(Contract):
    data: tuple[PartnerView, ...]
    has_more: bool


class ApprovalPage(Contract):
    data: tuple[ApprovalView, ...]
    has_more: bool


class UploadReserved(EventData):
    type: ClassVar[str] = "upload.reserved"

    partner_id: UUID
    kind: str
    object_key: str
    content_type: str
    size: int
    sha256: str


class PartnerSubmitted(EventData):
    """An application was taken in. Names, mail addresses and phones of contacts stay in the service."""

    type: ClassVar[str] = "partner.submitted"

    name: str
    legal_name: str
    state: PartnerState
    dossier_version: int
    documents: tuple[DocumentFact, ...]
    contacts: tuple[SubjectFact, ...]


class DecisionFact(EventData):
    approval_id: UUID
    notes: str
    reason_code: str | None
    dossier_version: int
    previous_state: PartnerState
    state: PartnerState


class PartnerApproved(DecisionFact):
    type: ClassVar[str] = "partner.approved"

    approved_at: datetime


class PartnerRejected(DecisionFact):
    type: ClassVar[str] = "partner.rejected"


class PartnerSuspended(DecisionFact):
    """An approved partner was rejected, so it stops at once (S1.38)."""

    type: ClassVar[str] = "partner.suspended"


class PartnerCommandRefused(CommandRefused):
    type: ClassVar[str] = "partner.refused"
