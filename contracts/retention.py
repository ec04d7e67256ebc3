"""How long the log keeps what kind of event, and what it says when it lets go of some (A10).

Every event type has a class, every class a period of days, which settings may change. An event that is older than its
period and under no legal hold loses its bytes; a stub of it stays, and the event `audit.purged` that named it before.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from contracts.audit import Sha256
from contracts.message import Contract, EventData


class RetentionClass(StrEnum):
    """Why an event is kept. `PERMANENT` ones are what the log itself is read, held and purged by."""

    EVIDENCE = "evidence"
    ACCESS = "access"
    REFUSAL = "refusal"
    READING = "reading"
    PERMANENT = "permanent"


DEFAULT_DAYS: dict[RetentionClass, int] = {
    RetentionClass.EVIDENCE: 3653,
    RetentionClass.ACCESS: 1827,
    RetentionClass.REFUSAL: 731,
    RetentionClass.READING: 366,
}

_TYPES: dict[RetentionClass, tuple[str, ...]] = {
    RetentionClass.EVIDENCE: (
        "upload.reserved",
        "partner.submitted",
        "partner.approved",
        "partner.rejected",
        "partner.suspended",
        "partner.info_requested",
        "partner.reinstated",
        "partner.approval_proposed",
        "partner.proposal_lapsed",
        "partner.dossier_filed",
        "partner.contact.added",
        "partner.contact.updated",
        "partner.contact.removed",
        "partner.contact.deactivated",
        "partner.contact.erased",
        "partner.review_warned",
        "partner.review_breached",
        "page.raised",
        "page.escalated",
        "page.acknowledged",
        "page.resolved",
        "page.sent",
        "root_admins.changed",
        "invoice.created",
        "invoice.receipt_uploaded",
        "invoice.approved",
        "invoice.rejected",
        "invoice.expired",
        "invoice.signing",
        "invoice.submitted",
        "invoice.minted",
        "invoice.failed",
        "voucher.signed",
        "voucher.outcome_unknown",
        "voucher.voided",
    ),
    RetentionClass.ACCESS: (
        "tenant.created",
        "tenant.frozen",
        "tenant.activated",
        "tenant.quotas_set",
        "branch.created",
        "branch.frozen",
        "branch.activated",
        "role.defined",
        "role.removed",
        "identity.provisioned",
        "identity.activation_requested",
        "identity.notice_requested",
        "identity.activated",
        "staff.provisioned",
        "staff.renamed",
        "membership.role_changed",
        "branch_access.granted",
        "branch_access.removed",
        "session.opened",
        "session.refreshed",
        "session.ended",
        "account.disabled",
        "account.enabled",
        "account.erased",
        "activation.unanswered",
        "notification.settled",
        "credentials.swept",
        "partners.export_requested",
        "partners.export_finished",
        "partners.export_failed",
        "partners.export_expired",
        "staffing.export_requested",
        "staffing.export_finished",
        "staffing.export_failed",
        "staffing.export_expired",
        "audit.export_requested",
        "audit.export_finished",
        "audit.export_failed",
        "audit.export_expired",
    ),
    RetentionClass.REFUSAL: (
        "partner.refused",
        "staff.refused",
        "audit.refused",
        "gateway.refused",
        "gateway.refusals_dropped",
    ),
    RetentionClass.READING: (
        "audit.read",
        "partners.export_link_given",
        "staffing.export_link_given",
        "audit.export_link_given",
    ),
    RetentionClass.PERMANENT: (
        "membership.granted",
        "membership.kind_changed",
        "membership.revoked",
        "partner.legal_hold_placed",
        "partner.legal_hold_released",
        "account.legal_hold_placed",
        "account.legal_hold_released",
        "tenant.legal_hold_placed",
        "tenant.legal_hold_released",
        "audit.purged",
    ),
}
"""`membership.*` tells who owns a tenant, and so who may read about it (A13): ids only, and no period fits."""

CLASSES: dict[str, RetentionClass] = {name: kind for kind, names in _TYPES.items() for name in names}
PERMANENT = frozenset(_TYPES[RetentionClass.PERMANENT])

HOLD_PLACED, HOLD_RELEASED = ".legal_hold_placed", ".legal_hold_released"
HELD_KINDS = ("partner", "account", "tenant")
"""What can be under a legal hold; the types of such events are one of these and one of the endings."""


def types_of(kind: RetentionClass) -> tuple[str, ...]:
    return _TYPES[kind]


Range = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
"""Positions of the log, first and last."""


class PurgedPart(Contract):
    """Events of one class that are purged together or not at all.

    Each was recorded before `recorded_before`, which is `days` before this was said. `stubs` is SHA-256 over what
    stays of them (`services.audit.stub`), so that a stub can be told from a row that somebody emptied.
    """

    retention_class: RetentionClass
    days: Annotated[int, Field(ge=1)]
    recorded_before: AwareDatetime
    types: tuple[str, ...]
    ranges: Annotated[tuple[Range, ...], Field(min_length=1)]
    count: Annotated[int, Field(ge=1)]
    stubs: Sha256


class LogPurged(EventData):
    """The log is about to forget the bytes of these events: first this is in the log, then they are removed."""

    type: ClassVar[str] = "audit.purged"

    parts: tuple[PurgedPart, ...]
