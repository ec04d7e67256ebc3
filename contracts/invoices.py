"""Invoices of approved partners: created, backed by a receipt, approved by compliance; minting is in `vouchers.py`.

Money is a decimal string with an ISO 4217 currency, never a float (K14). Approver, creator and signer are three people.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Command, Contract, EventData, Query, Target
from contracts.partners import COMMANDS, QUERIES, ObjectKey
from contracts.roles import Role
from contracts.text import Name, Prose

READERS = frozenset({Role.COMPLIANCE, Role.SUPER_ADMIN, Role.ROOT_ADMIN, Role.OPS, Role.AUDITOR})


class InvoiceState(StrEnum):
    CREATED = "CREATED"
    RECEIPT_UPLOADED = "RECEIPT_UPLOADED"
    APPROVED = "APPROVED"
    SIGNING = "SIGNING"
    SUBMITTED = "SUBMITTED"
    MINTED = "MINTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"


class VoucherState(StrEnum):
    PREPARED = "PREPARED"
    SIGNED = "SIGNED"
    UNKNOWN = "UNKNOWN"
    SUBMITTED = "SUBMITTED"
    MINTED = "MINTED"
    FAILED = "FAILED"
    VOIDED = "VOIDED"


class CreateInvoice(Command):
    """A new invoice of the caller's own partner (S1.27): it has no other, so none is named."""

    type: ClassVar[str] = "invoice.create"
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"

    amount: Annotated[str, Field(max_length=40)]
    currency: Annotated[str, Field(max_length=10)]
    recipient: Annotated[str, Field(max_length=200)]
    reference: Name

    def key(self) -> str:
        return ""


class OfInvoice(Command):
    """A command about one invoice that is there."""

    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "partner.refused"

    invoice_id: UUID

    def key(self) -> str:
        return str(self.invoice_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="invoice", id=self.key()),)


class AttachReceipt(OfInvoice):
    """The proof of payment: an upload of kind `receipt` (S1.28)."""

    type: ClassVar[str] = "invoice.attach_receipt"

    object_key: ObjectKey


class JudgeInvoice(OfInvoice):
    """What compliance says; `expected_version` comes from If-Match."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.COMPLIANCE})

    expected_version: int
    notes: Prose = ""


class ApproveInvoice(JudgeInvoice):
    """Approve amount and recipient as they stand (K24), within the caps of the day (K17)."""

    type: ClassVar[str] = "invoice.approve"


class RejectInvoice(JudgeInvoice):
    """Turn an invoice down for good."""

    type: ClassVar[str] = "invoice.reject"


class ExpireInvoice(OfInvoice):
    """Nobody went on with it in time."""

    type: ClassVar[str] = "invoice.expire"
    system: ClassVar[bool] = True


class GetInvoice(Query):
    """One invoice; contacts of its partner, or a reader role."""

    type: ClassVar[str] = "invoice.get"
    topic: ClassVar[str] = QUERIES

    invoice_id: UUID


class ListInvoices(Query):
    """Invoices by id, newest last; own ones, or all for a reader role."""

    type: ClassVar[str] = "invoice.list"
    topic: ClassVar[str] = QUERIES

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None
    state: Annotated[InvoiceState, Field(strict=False)] | None = None
    partner_id: UUID | None = None


class ReceiptView(Contract):
    object_key: str
    size: int
    sha256: str
    version_id: str
    uploaded_by: str
    uploaded_at: datetime


class VoucherView(Contract):
    id: UUID
    state: VoucherState
    digest: str
    nonce: str
    approval_id: UUID
    dossier_version: int
    signed_at: datetime | None
    tx_hash: str | None
    expires_at: datetime
    void_reason: str | None


class InvoiceView(Contract):
    """`amount` has exactly the currency's minor digits; `reason_code` says why it was rejected, expired or failed."""

    id: UUID
    partner_id: UUID
    state: InvoiceState
    amount: str
    currency: str
    recipient: str
    reference: str
    created_by: str
    approved_by: str | None
    receipt: ReceiptView | None
    voucher: VoucherView | None
    reason_code: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int


class InvoicePage(Contract):
    data: tuple[InvoiceView, ...]
    has_more: bool


class InvoiceFact(EventData):
    """Kept whole: proof bundles are made of these. The recipient is the address that is paid, no person."""

    kept: ClassVar[bool] = True

    partner_id: UUID
    amount: str
    currency: str
    recipient: str


class InvoiceCreated(InvoiceFact):
    type: ClassVar[str] = "invoice.created"

    reference: str
    expires_at: datetime


class InvoiceReceiptUploaded(InvoiceFact):
    type: ClassVar[str] = "invoice.receipt_uploaded"

    object_key: str
    sha256: str
    version_id: str


class InvoiceApproved(InvoiceFact):
    """Amount and recipient are those that will be minted (K24)."""

    type: ClassVar[str] = "invoice.approved"

    notes: str


class InvoiceRejected(InvoiceFact):
    type: ClassVar[str] = "invoice.rejected"

    notes: str


class InvoiceExpired(InvoiceFact):
    type: ClassVar[str] = "invoice.expired"


class InvoiceSigning(InvoiceFact):
    """The gate was open and the voucher's exact bytes are stored; nothing has left yet (K15)."""

    type: ClassVar[str] = "invoice.signing"

    voucher_id: UUID
    nonce: str
    digest: str
    approval_id: UUID
    dossier_version: int
    expires_at: datetime


class InvoiceSubmitted(InvoiceFact):
    """The swap node has taken the voucher, sent at `sent_at`, when the gate was held open (S1.47)."""

    type: ClassVar[str] = "invoice.submitted"

    sent_at: datetime
    voucher_id: UUID
    digest: str
    tx_hash: str | None


class InvoiceMinted(InvoiceFact):
    type: ClassVar[str] = "invoice.minted"

    voucher_id: UUID
    digest: str
    tx_hash: str


class InvoiceFailed(InvoiceFact):
    type: ClassVar[str] = "invoice.failed"

    voucher_id: UUID
    why: str
