"""Every topic as data: who writes it, who reads it, its key and how long it is kept.

Kafka topics, SCRAM users and ACLs are rendered from this table, locally and in production alike.
A principal that is not named on a row can neither write nor read that topic.
"""

from dataclasses import dataclass
from enum import StrEnum

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

SERVICES = ("gateway", "partners", "staffing", "audit")
DOWNSTREAM = "downstream"
PRINCIPALS = (*SERVICES, DOWNSTREAM)


class Kind(StrEnum):
    COMMAND = "command"
    QUERY = "query"
    REPLY = "reply"
    EVENT = "event"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Topic:
    """One Kafka topic.

    `owner` is the service whose contract it is; `key` names the field that orders its messages;
    `retention_ms` is ignored by a compacted topic.
    """

    name: str
    kind: Kind
    owner: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    key: str
    partitions: int = 4
    retention_ms: int = 7 * DAY_MS
    compacted: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """Consumer-group prefixes allowed to read it: each principal's own name."""
        return self.readers


def _inbound(service: str, lane: str, kind: Kind, key: str) -> Topic:
    writers = ("gateway", service) if kind is Kind.COMMAND else ("gateway",)
    keep = DAY_MS if kind is Kind.COMMAND else HOUR_MS
    return Topic(f"{service}.{lane}", kind, service, writers, (service,), key, retention_ms=keep)


def _event(owner: str, name: str, key: str) -> Topic:
    readers = ("audit", DOWNSTREAM) if owner in ("audit", "gateway") else (owner, "audit", DOWNSTREAM)
    return Topic(name, Kind.EVENT, owner, (owner,), readers, key)


REPLIES = Topic(
    "gateway.replies",
    Kind.REPLY,
    "gateway",
    ("partners", "staffing", "audit"),
    ("gateway",),
    "message_id",
    partitions=8,
    retention_ms=HOUR_MS,
)

CHECKPOINTS = Topic(
    "audit.checkpoints",
    Kind.STATE,
    "audit",
    ("audit",),
    ("audit", DOWNSTREAM),
    "origin",
    partitions=1,
    compacted=True,
)

TOPICS: tuple[Topic, ...] = (
    _inbound("partners", "commands", Kind.COMMAND, "partner_id"),
    _inbound("partners", "queries", Kind.QUERY, "message_id"),
    _inbound("staffing", "commands", Kind.COMMAND, "tenant_id"),
    _inbound("staffing", "credentials", Kind.COMMAND, "phone_hash"),
    _inbound("staffing", "queries", Kind.QUERY, "message_id"),
    _inbound("audit", "commands", Kind.COMMAND, "export_id"),
    _inbound("audit", "queries", Kind.QUERY, "message_id"),
    REPLIES,
    CHECKPOINTS,
    _event("partners", "upload.reserved", "upload_id"),
    _event("partners", "partner.submitted", "partner_id"),
    _event("partners", "partner.approved", "partner_id"),
    _event("partners", "partner.rejected", "partner_id"),
    _event("partners", "partner.suspended", "partner_id"),
    _event("partners", "partner.info_requested", "partner_id"),
    _event("partners", "partner.reinstated", "partner_id"),
    _event("partners", "partner.approval_proposed", "partner_id"),
    _event("partners", "partner.proposal_lapsed", "partner_id"),
    _event("partners", "partner.dossier_filed", "partner_id"),
    _event("partners", "partner.contact.added", "partner_id"),
    _event("partners", "partner.contact.updated", "partner_id"),
    _event("partners", "partner.contact.removed", "partner_id"),
    _event("partners", "partner.contact.deactivated", "partner_id"),
    _event("partners", "partner.contact.erased", "partner_id"),
    _event("partners", "partner.legal_hold_placed", "partner_id"),
    _event("partners", "partner.legal_hold_released", "partner_id"),
    _event("partners", "partner.review_warned", "partner_id"),
    _event("partners", "partner.review_breached", "partner_id"),
    _event("partners", "page.raised", "page_id"),
    _event("partners", "page.escalated", "page_id"),
    _event("partners", "page.acknowledged", "page_id"),
    _event("partners", "page.resolved", "page_id"),
    _event("partners", "page.sent", "delivery_id"),
    _event("partners", "root_admins.changed", "allowlist_id"),
    _event("partners", "invoice.created", "invoice_id"),
    _event("partners", "invoice.receipt_uploaded", "invoice_id"),
    _event("partners", "invoice.approved", "invoice_id"),
    _event("partners", "invoice.rejected", "invoice_id"),
    _event("partners", "invoice.expired", "invoice_id"),
    _event("partners", "invoice.signing", "invoice_id"),
    _event("partners", "invoice.submitted", "invoice_id"),
    _event("partners", "invoice.minted", "invoice_id"),
    _event("partners", "invoice.failed", "invoice_id"),
    _event("partners", "voucher.signed", "invoice_id"),
    _event("partners", "voucher.outcome_unknown", "invoice_id"),
    _event("partners", "voucher.voided", "invoice_id"),
    _event("partners", "partners.export_requested", "export_id"),
    _event("partners", "partners.export_finished", "export_id"),
    _event("partners", "partners.export_failed", "export_id"),
    _event("partners", "partners.export_expired", "export_id"),
    _event("partners", "partners.export_link_given", "export_id"),
    _event("partners", "partner.refused", "command_id"),
    _event("staffing", "tenant.created", "tenant_id"),
    _event("staffing", "tenant.frozen", "tenant_id"),
    _event("staffing", "tenant.activated", "tenant_id"),
    _event("staffing", "branch.created", "branch_id"),
    _event("staffing", "branch.frozen", "branch_id"),
    _event("staffing", "branch.activated", "branch_id"),
    _event("staffing", "identity.provisioned", "account_id"),
    _event("staffing", "identity.activation_requested", "account_id"),
    _event("staffing", "identity.notice_requested", "account_id"),
    _event("staffing", "identity.activated", "account_id"),
    _event("staffing", "session.opened", "account_id"),
    _event("staffing", "membership.granted", "membership_id"),
    _event("staffing", "staff.provisioned", "membership_id"),
    _event("staffing", "branch_access.granted", "membership_id"),
    _event("staffing", "branch_access.removed", "membership_id"),
    _event("staffing", "staff.renamed", "membership_id"),
    _event("staffing", "membership.role_changed", "membership_id"),
    _event("staffing", "membership.kind_changed", "membership_id"),
    _event("staffing", "membership.revoked", "membership_id"),
    _event("staffing", "role.defined", "tenant_id"),
    _event("staffing", "role.removed", "tenant_id"),
    _event("staffing", "tenant.quotas_set", "tenant_id"),
    _event("staffing", "session.refreshed", "account_id"),
    _event("staffing", "session.ended", "account_id"),
    _event("staffing", "account.disabled", "account_id"),
    _event("staffing", "account.enabled", "account_id"),
    _event("staffing", "account.erased", "account_id"),
    _event("staffing", "account.legal_hold_placed", "account_id"),
    _event("staffing", "account.legal_hold_released", "account_id"),
    _event("staffing", "tenant.legal_hold_placed", "tenant_id"),
    _event("staffing", "tenant.legal_hold_released", "tenant_id"),
    _event("staffing", "staff.refused", "command_id"),
    _event("staffing", "activation.unanswered", "activation_id"),
    _event("staffing", "notification.settled", "notification_id"),
    _event("staffing", "credentials.swept", "sweep_id"),
    _event("audit", "audit.read", "reading_id"),
    _event("audit", "audit.purged", "purge_id"),
    _event("staffing", "staffing.export_requested", "export_id"),
    _event("staffing", "staffing.export_finished", "export_id"),
    _event("staffing", "staffing.export_failed", "export_id"),
    _event("staffing", "staffing.export_expired", "export_id"),
    _event("staffing", "staffing.export_link_given", "export_id"),
    _event("audit", "audit.export_requested", "export_id"),
    _event("audit", "audit.export_finished", "export_id"),
    _event("audit", "audit.export_failed", "export_id"),
    _event("audit", "audit.export_expired", "export_id"),
    _event("audit", "audit.export_link_given", "export_id"),
    _event("audit", "audit.refused", "command_id"),
    _event("gateway", "gateway.refused", "run_id"),
    _event("gateway", "gateway.refusals_dropped", "run_id"),
)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}


def events_of(owner: str) -> tuple[str, ...]:
    """The event topics that one service writes, in the order of the table."""
    return tuple(t.name for t in TOPICS if t.kind is Kind.EVENT and t.owner == owner)


EVENT_TOPICS: tuple[str, ...] = tuple(t.name for t in TOPICS if t.kind is Kind.EVENT)
