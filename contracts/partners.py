"""Partner onboarding: uploads, applications, dossiers and rosters; what is decided on them is in `decisions.py`.

Shapes follow `api.md`. Wire names are stable strings; the row of requirements.md stands beside each rule.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.message import Command, Contract, Query, Target
from contracts.roles import Role
from contracts.text import Name, Opaque

COMMANDS, QUERIES = "partners.commands", "partners.queries"

OBJECT_KEY = re.compile(
    r"partners/(?P<partner_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<kind>kyb|licensing|receipt)/(?P<stamp>\d{8}T\d{12}Z)"
)
READERS = frozenset({Role.ROOT_ADMIN, Role.OPS, Role.AUDITOR})


class DocumentKind(StrEnum):
    KYB = "kyb"
    LICENSING = "licensing"
    RECEIPT = "receipt"


class PartnerState(StrEnum):
    PENDING_REVIEW = "PENDING_REVIEW"
    INFO_REQUESTED = "INFO_REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SUSPENDED = "SUSPENDED"


class ReserveUpload(Command):
    """Reserve an object key and a presigned PUT bound to length, type and SHA-256 (S1.17, S1.18).

    With a `partner_id` its contacts and root admins may; without one, whoever may apply.
    """

    type: ClassVar[str] = "upload.reserve"
    version: ClassVar[int] = 2
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"

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


ObjectKey = Annotated[str, Field(min_length=1, max_length=300)]
Roster = Annotated[tuple[Contact, ...], Field(min_length=1, max_length=50, strict=False)]
Replacement = Annotated[tuple[Contact, ...], Field(max_length=50, strict=False)]
"""A roster in the place of another; an empty one is understood and refused: 409 LAST_CONTACT (S1.42)."""


class SubmitPartner(Command):
    """Apply as a partner (S1.3). The partner's id is the one in the prefix of both object keys."""

    type: ClassVar[str] = "partner.submit"
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.PARTNER_ADMIN})

    name: Name
    legal_name: Name
    kyb_object_key: ObjectKey
    licensing_object_key: ObjectKey
    contacts: Roster

    def key(self) -> str:
        found = OBJECT_KEY.fullmatch(self.kyb_object_key)
        return found["partner_id"] if found else ""

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="partner", id=self.key()),) if self.key() else ()


class OfPartner(Command):
    """A command about one partner that is there."""

    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"

    partner_id: UUID

    def key(self) -> str:
        return str(self.partner_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="partner", id=self.key()),)


class FileDossier(OfPartner):
    """Add documents, and replace the roster if one is given (S1.13); what is left out stays as it was."""

    type: ClassVar[str] = "partner.file_dossier"

    kyb_object_key: ObjectKey | None = None
    licensing_object_key: ObjectKey | None = None
    contacts: Replacement | None = None


class ReplaceContacts(OfPartner):
    """The whole roster (S1.42); `expected_version` comes from If-Match."""

    type: ClassVar[str] = "partner.replace_contacts"

    expected_version: int
    contacts: Replacement


class RecordDeactivation(OfPartner):
    """What the identity provider said of somebody who left a roster (S1.43)."""

    type: ClassVar[str] = "partner.record_deactivation"
    system: ClassVar[bool] = True

    issuer: Opaque
    subject: Opaque
    removed_at: AwareDatetime
    known: bool


class RecordRootAdmins(Command):
    """The allowlist is not what it was: a fact for the log (S1.19)."""

    type: ClassVar[str] = "root_admins.record"
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"
    system: ClassVar[bool] = True

    subjects: Annotated[tuple[Opaque, ...], Field(strict=False)]

    def key(self) -> str:
        return "root_admins"


class GetPartner(Query):
    """One partner; own contacts, or a reader role."""

    type: ClassVar[str] = "partner.get"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID


class ListPartners(Query):
    """Partners by id, newest last; own ones, or all for a reader role. `overdue`: past its review deadline or not."""

    type: ClassVar[str] = "partner.list"
    version: ClassVar[int] = 2
    topic: ClassVar[str] = QUERIES

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None
    state: Annotated[PartnerState, Field(strict=False)] | None = None
    q: Annotated[str, Field(max_length=200)] | None = None
    overdue: bool | None = None


class ListDossiers(Query):
    """Every version of a partner's dossier, oldest first (S1.14)."""

    type: ClassVar[str] = "partner.dossiers"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID


class GetDossier(Query):
    """One version of a partner's dossier, as it was filed."""

    type: ClassVar[str] = "partner.dossier"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID
    dossier_version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class GetTimeline(Query):
    """All that happened to a partner, oldest first (S1.46); `starting_after` is an aggregate version."""

    type: ClassVar[str] = "partner.timeline"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: Annotated[int, Field(ge=0, lt=2**31)] | None = None


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


class FiledDossierView(DossierView):
    """One version as it was filed: `contacts` is the roster of that moment."""

    filed_by: str
    filed_at: datetime
    contacts: tuple[ContactView, ...]


class DossierPage(Contract):
    data: tuple[FiledDossierView, ...]
    has_more: bool


class TaskView(Contract):
    """Something that is still to be done for a partner and that somebody may have to look after."""

    kind: str
    subject: str
    since: datetime
    tries: int
    failure: str | None


class TimelineEntry(Contract):
    """One event of the partner, as the log has it; `context` without addresses."""

    id: UUID
    type: str
    aggregate_version: int
    actor_type: str
    actor: str
    occurred_at: datetime
    data: dict[str, Any]


class TimelinePage(Contract):
    data: tuple[TimelineEntry, ...]
    has_more: bool


class ReviewView(Contract):
    """The clock of the current review: `due_at` is absent while it stands still."""

    due_at: datetime | None
    paused: bool
    breached: bool


class PartnerView(Contract):
    """`tasks` only for reader roles; `approvals_pending` counts proposals that wait for a second approver."""

    id: UUID
    state: PartnerState
    name: str
    legal_name: str
    contacts: tuple[ContactView, ...]
    dossier: DossierView
    approved_at: datetime | None
    approved_by: str | None
    approved_dossier_version: int | None
    rereview_due_at: datetime | None
    fields_requested: tuple[str, ...]
    approvals_pending: int
    review: ReviewView | None
    tasks: tuple[TaskView, ...] | None = None
    created_at: datetime
    updated_at: datetime
    version: int

    def about(self) -> UUID:
        return self.id


class PartnerPage(Contract):
    data: tuple[PartnerView, ...]
    has_more: bool
