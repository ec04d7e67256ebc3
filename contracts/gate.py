"""What a partner may do, what stands in the way, and what would open it (K1, K8, S1.27-29).

Codes and names of capabilities are promises: callers branch on them. Sentences are for people and may change.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from contracts.message import Contract, Query
from contracts.partners import QUERIES, PartnerState


class Capability(StrEnum):
    """What the gate opens and closes."""

    INVOICE_CREATE = "invoice.create"
    RECEIPT_UPLOAD = "receipt.upload"
    VOUCHER_MINT = "voucher.mint"


class Who(StrEnum):
    """Whose turn it is: any current contact of the partner, or an allowlisted root admin."""

    PARTNER = "partner"
    ROOT_ADMIN = "root_admin"


class RequirementCode(StrEnum):
    """What stands in the way."""

    REVIEW_PENDING = "REVIEW_PENDING"
    SECOND_APPROVAL_PENDING = "SECOND_APPROVAL_PENDING"
    INFO_REQUESTED = "INFO_REQUESTED"
    REJECTED = "REJECTED"
    REJECTED_FINAL = "REJECTED_FINAL"
    SUSPENDED = "SUSPENDED"
    REREVIEW_PENDING = "REREVIEW_PENDING"
    REREVIEW_OVERDUE = "REREVIEW_OVERDUE"
    DOCUMENT_MISSING = "DOCUMENT_MISSING"
    DOCUMENT_EXPIRED = "DOCUMENT_EXPIRED"
    CONTACT_MISSING = "CONTACT_MISSING"


class GetRequirements(Query):
    """What is due before the gate is open; own contacts, or a reader role (K1)."""

    type: ClassVar[str] = "partner.requirements"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID


class ExplainPartner(Query):
    """Why the gate is as it is, and the smallest set of changes that opens each closed capability."""

    type: ClassVar[str] = "partner.explain"
    topic: ClassVar[str] = QUERIES

    partner_id: UUID


class Requirement(Contract):
    """`field` is a JSON Pointer (RFC 6901) into the application, or empty; at `deadline` it closes, or closes more."""

    code: str
    field: str
    detail: str
    who: str
    deadline: datetime | None


class CapabilityView(Contract):
    """`code` is the failure code a caller would get, `reasons` the codes of the requirements behind it."""

    open: bool
    code: str | None
    reasons: tuple[str, ...]


class GateView(Contract):
    """`open` when every capability is."""

    open: bool
    capabilities: dict[str, CapabilityView]


class RequirementsView(Contract):
    """`errors` is what nobody can mend. Both lists are empty exactly when the gate is open.

    `current_deadline` is the earliest moment at which something closed, or will close, by time alone.
    """

    currently_due: tuple[Requirement, ...]
    errors: tuple[Requirement, ...]
    current_deadline: datetime | None
    gate: GateView


class DocumentAge(Contract):
    kind: str
    uploaded_at: datetime
    expires_at: datetime


class FactsView(Contract):
    """All that the decision depended on, at the moment `as_of`."""

    as_of: datetime
    state: PartnerState
    rejected_final: bool
    dossier_version: int
    approved_dossier_version: int | None
    rereview_due_at: datetime | None
    fields_requested: tuple[str, ...]
    proposals: int
    documents: tuple[DocumentAge, ...]
    active_contacts: int


class ChangeView(Contract):
    """One change, and each of those who may make it."""

    change: str
    detail: str
    who: tuple[str, ...]


class OpeningView(Contract):
    """`changes` open it when made in this order; none of fewer does. `reason` says why there are none."""

    open: bool
    changes: tuple[ChangeView, ...]
    reason: str | None


class ExplainView(Contract):
    """`policy_version` names the rules and their settings, so an explanation can be read later."""

    facts: FactsView
    policy_version: str
    capabilities: dict[str, OpeningView]
