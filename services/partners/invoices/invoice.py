"""The invoice: its states up to compliance's word, and who may move it. No I/O; every change is returned as a fact.

Amount, currency, recipient and partner are set once: whoever approves or mints means these very ones (K24).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.failures import Code
from contracts.invoices import (
    ApproveInvoice,
    CreateInvoice,
    InvoiceApproved,
    InvoiceCreated,
    InvoiceExpired,
    InvoiceFact,
    InvoiceReceiptUploaded,
    InvoiceRejected,
    InvoiceState,
    InvoiceView,
    JudgeInvoice,
    ReceiptView,
    RejectInvoice,
    VoucherView,
)
from contracts.message import Target
from contracts.money import format_amount
from services.chassis import Aggregate, Call, Fact, Refusal
from services.partners.partner import person_of
from services.partners.records import Person

NOTES = range(10, 1025)
REJECTED, NOT_COMPLETED = "REJECTED_BY_COMPLIANCE", "NOT_COMPLETED_IN_TIME"

_S = InvoiceState
UNSIGNED = frozenset({_S.CREATED, _S.RECEIPT_UPLOADED, _S.APPROVED})
"""Nothing has been signed, so it may still be turned down, and it still runs out of time."""


class Receipt(ReceiptView):
    """The proof of payment; the uploader's issuer is kept for the maker-checker rule, not shown."""

    uploaded_by_issuer: str


@dataclass(kw_only=True, slots=True)
class Invoice(Aggregate):
    kind: ClassVar[str] = "invoice"

    partner_id: UUID
    state: InvoiceState
    amount: Decimal
    currency: str
    recipient: str
    reference: str
    created_by_issuer: str
    created_by: str
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    approved_by_issuer: str | None = None
    approved_by: str | None = None
    receipt: Receipt | None = None
    reason_code: str | None = None

    @classmethod
    def create(
        cls, partner_id: UUID, command: CreateInvoice, amount: Decimal, call: Call, lifetime: timedelta
    ) -> tuple["Invoice", Fact]:
        invoice = cls(
            id=uuid7(),
            partner_id=partner_id,
            state=_S.CREATED,
            amount=amount,
            currency=command.currency,
            recipient=command.recipient,
            reference=command.reference,
            created_by_issuer=call.actor.issuer,
            created_by=call.actor.subject,
            expires_at=call.now + lifetime,
            created_at=call.now,
            updated_at=call.now,
        )
        return invoice, invoice.tell(InvoiceCreated, reference=invoice.reference, expires_at=invoice.expires_at)

    def attach_receipt(self, receipt: Receipt, call: Call) -> Fact | Refusal:
        refused = self.unless(call.now, _S.CREATED)
        if refused:
            return refused
        self.receipt = receipt
        self.move(_S.RECEIPT_UPLOADED, call.now)
        proof = receipt.model_dump(include={"object_key", "sha256", "version_id"})
        return self.tell(InvoiceReceiptUploaded, **proof)

    def approve(
        self, command: ApproveInvoice, call: Call, charge: Callable[[], Refusal | None], *, insider: bool
    ) -> Fact | Refusal:
        """Say yes to amount and recipient. `charge` is asked last, when only a cap can still stand in the way."""
        refused = self._unjudgeable(command, call, insider=insider) or self.unless(call.now, _S.RECEIPT_UPLOADED)
        refused = refused or self._unless_read(command) or charge()
        if refused:
            return refused
        self.approved_by_issuer, self.approved_by = person_of(call.actor)
        self.move(_S.APPROVED, call.now)
        return self.tell(InvoiceApproved, notes=command.notes)

    def reject(self, command: RejectInvoice, call: Call, *, insider: bool) -> Fact | Refusal:
        """Turn it down for good, also after its approval, as long as nothing is signed."""
        refused = self._unjudgeable(command, call, insider=insider) or self.unless(call.now, *UNSIGNED)
        refused = refused or self._unless_read(command)
        if refused:
            return refused
        self.reason_code = REJECTED
        self.move(_S.REJECTED, call.now)
        return self.tell(InvoiceRejected, notes=command.notes)

    def expire(self, now: datetime) -> Fact | None:
        """Nothing when it has moved on or still has time."""
        if self.state not in UNSIGNED or not self.is_overdue(now):
            return None
        self.reason_code = NOT_COMPLETED
        self.move(_S.EXPIRED, now)
        return self.tell(InvoiceExpired)

    def fail(self, code: Code, now: datetime) -> None:
        """Its voucher will never be minted."""
        self.reason_code = code.value
        self.move(_S.FAILED, now)

    def is_overdue(self, now: datetime) -> bool:
        """The deadline binds by itself: a timer that is late gives nobody more time."""
        return now >= self.expires_at

    def has_acted(self, person: Person) -> bool:
        """Creator, uploader of the receipt or approver; the signer must be none of them."""
        return self._is_maker(person) or person == (self.approved_by_issuer, self.approved_by)

    def unless(self, now: datetime, *allowed: InvoiceState) -> Refusal | None:
        """The refusal of a move that starts in one of `allowed` and in time."""
        if self.state not in allowed:
            return Refusal(Code.INVOICE_STATE_INVALID, f"the invoice is {self.state}")
        if self.is_overdue(now):
            return Refusal(Code.INVOICE_STATE_INVALID, "the invoice has expired")
        return None

    def _unjudgeable(self, command: JudgeInvoice, call: Call, *, insider: bool) -> Refusal | None:
        """`insider`: the caller is in the partner's roster, or was at any time."""
        if len(command.notes) not in NOTES:
            return Refusal(Code.NOTES_REQUIRED)
        if insider or self._is_maker(person_of(call.actor)):
            return Refusal(Code.MAKER_CHECKER_VIOLATION, "nobody decides on their own invoice or their own partner's")
        return None

    def _unless_read(self, command: JudgeInvoice) -> Refusal | None:
        if command.expected_version != self.version:
            return Refusal(Code.PRECONDITION_FAILED, f"the invoice is at version {self.version}")
        return None

    def _is_maker(self, person: Person) -> bool:
        uploader = (self.receipt.uploaded_by_issuer, self.receipt.uploaded_by) if self.receipt else None
        return person in ((self.created_by_issuer, self.created_by), uploader)

    def move(self, state: InvoiceState, now: datetime) -> None:
        self.state = state
        self.updated_at = max(now, self.updated_at + timedelta(microseconds=1))  # strictly increasing, like S1.16

    def tell(self, kind: type[InvoiceFact], **more: Any) -> Fact:
        return self.record(
            kind(
                partner_id=self.partner_id,
                amount=format_amount(self.amount, self.currency),
                currency=self.currency,
                recipient=self.recipient,
                **more,
            ),
            Target(type="partner", id=str(self.partner_id)),
        )

    def view(self, voucher: VoucherView | None = None) -> InvoiceView:
        """The `invoice` shape of api.md."""
        return InvoiceView(
            id=self.id,
            partner_id=self.partner_id,
            state=self.state,
            amount=format_amount(self.amount, self.currency),
            currency=self.currency,
            recipient=self.recipient,
            reference=self.reference,
            created_by=self.created_by,
            approved_by=self.approved_by,
            receipt=self.receipt,
            voucher=voucher,
            reason_code=self.reason_code,
            expires_at=self.expires_at,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=self.version,
        )
