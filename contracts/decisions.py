"""What root admins decide on a partner: approve, reject, ask for more, reinstate; each names what was reviewed."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Contract, Query
from contracts.partner_events import PartnerFact
from contracts.partners import QUERIES, ObjectKey, OfPartner, PartnerState
from contracts.roles import Role
from contracts.text import Prose

Pointer = Annotated[
    str, Field(max_length=200, pattern=r"^/(kyb_object_key|licensing_object_key|contacts(/\d{1,2}(/[a-z]+)?)?)$")
]


class Verdict(StrEnum):
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    INFO_REQUESTED = "INFO_REQUESTED"
    SUSPENDED = "SUSPENDED"
    REINSTATED = "REINSTATED"


class Decide(OfPartner):
    """What every decision names: the partner, the version read (If-Match), the dossier reviewed, and the evidence.

    `evidence` lists object keys of the reviewed dossier that the notes rest on.
    """

    version: ClassVar[int] = 2
    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    expected_version: int
    dossier_version: Annotated[int, Field(ge=1)]
    notes: Prose = ""
    internal_notes: Annotated[Prose, Field(max_length=4096)] | None = None
    reason_code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")] | None = None
    evidence: Annotated[tuple[ObjectKey, ...], Field(max_length=10, strict=False)] = ()


class ApprovePartner(Decide):
    """Approve the dossier version that was reviewed (S1.20), or propose it where two must agree."""

    type: ClassVar[str] = "partner.approve"


class RejectPartner(Decide):
    """Reject an application, or suspend an approved partner (S1.38)."""

    type: ClassVar[str] = "partner.reject"


class RequestInfo(Decide):
    """Return the case to the partner with the fields that are wanted (K3): JSON pointers into the application."""

    type: ClassVar[str] = "partner.request_info"
    version: ClassVar[int] = 1

    fields: Annotated[tuple[Pointer, ...], Field(min_length=1, max_length=20, strict=False)]


class ReinstatePartner(Decide):
    """Lift a suspension by a new decision (S1.41)."""

    type: ClassVar[str] = "partner.reinstate"
    version: ClassVar[int] = 1


class ListApprovals(Query):
    """A partner's decisions, oldest first; internal notes only for reader roles (K4)."""

    type: ClassVar[str] = "partner.approvals"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID


class ApprovalView(Contract):
    id: UUID
    decision: Verdict
    notes: str
    internal_notes: str | None = None
    reason_code: str | None
    evidence: tuple[str, ...]
    fields: tuple[str, ...]
    dossier_version: int
    decided_by: str
    proposed_by: str | None
    decided_at: datetime


class ApprovalPage(Contract):
    data: tuple[ApprovalView, ...]
    has_more: bool


class DecisionFact(PartnerFact):
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


class PartnerInfoRequested(DecisionFact):
    """The partner is asked for more; the clock of its review stands still (K3)."""

    type: ClassVar[str] = "partner.info_requested"

    fields: tuple[str, ...]


class PartnerReinstated(DecisionFact):
    """A suspension was lifted."""

    type: ClassVar[str] = "partner.reinstated"

    approved_at: datetime


class PartnerApprovalProposed(PartnerFact):
    """The first of two approvers agrees; nothing is in force yet (K7)."""

    type: ClassVar[str] = "partner.approval_proposed"

    proposal_id: UUID
    verdict: str
    notes: str
    reason_code: str | None
    dossier_version: int


class PartnerProposalLapsed(PartnerFact):
    """A proposal counts no more: the evidence changed, or its author lost the right."""

    type: ClassVar[str] = "partner.proposal_lapsed"

    proposal_id: UUID
    why: str
