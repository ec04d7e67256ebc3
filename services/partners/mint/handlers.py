"""Sign and submit: the gate once more in the transaction that marks SIGNING, then what the worker reports."""

from uuid import UUID

from contracts.failures import Code
from contracts.invoices import (
    InvoiceFailed,
    InvoiceMinted,
    InvoiceSigning,
    InvoiceState,
    InvoiceSubmitted,
)
from contracts.vouchers import (
    RecordSignature,
    RecordSubmission,
    RecordUnknown,
    SignInvoice,
    VoidVoucher,
    VoucherOutcomeUnknown,
    VoucherSigned,
    VoucherState,
    VoucherVoided,
)
from services.chassis import Call, Deferred, Fact, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.chassis.outcome import Decision
from services.partners.book import Book
from services.partners.invoices.invoice import Invoice
from services.partners.mint.admission import admit
from services.partners.mint.voucher import PENDING, Voucher

_V = VoucherState


def sign_invoice(command: SignInvoice, call: Call, book: Book) -> Decision:
    invoice = book.invoices.get(command.invoice_id)
    if invoice is None:
        return Refusal(Code.NOT_FOUND)
    standing = book.vouchers.get(invoice.id)
    if standing:
        return _again(standing, invoice, call)
    voucher = admit(invoice, call, book)
    if isinstance(voucher, Refusal):
        return voucher
    invoice.move(InvoiceState.SIGNING, call.now)
    invoice.voucher = voucher.view()
    book.vouchers[invoice.id] = voucher
    book.new_vouchers.append(voucher)
    book.changed_invoices[invoice.id] = invoice
    signing = InvoiceSigning(
        **invoice.fact(),
        voucher_id=voucher.id,
        nonce=voucher.nonce,
        digest=voucher.digest,
        approval_id=voucher.approval_id,
        dossier_version=voucher.dossier_version,
        expires_at=voucher.expires_at,
    )
    return Deferred(voucher.id, [invoice.record(signing)])


def _again(voucher: Voucher, invoice: Invoice, call: Call) -> Decision:
    """The same intent waits with the first; another one is told how things stand."""
    if voucher.state in PENDING and voucher.command_id == call.context.command_id:
        return Deferred(voucher.id)
    if voucher.state is _V.UNKNOWN:
        return Refusal(Code.VOUCHER_OUTCOME_UNKNOWN, "the swap node is being asked; poll the operation")
    if voucher.void_code == Code.VOUCHER_EXPIRED:
        return Refusal(Code.VOUCHER_EXPIRED)
    return Refusal(Code.INVOICE_STATE_INVALID, f"the invoice is {invoice.state}, its voucher {voucher.state}")


def record_signature(command: RecordSignature, call: Call, book: Book) -> Outcome:
    """The first signature counts: what a crashed worker made a second time is dropped."""
    voucher, invoice = _named(command.invoice_id, command.voucher_id, book)
    if voucher.state is not _V.PREPARED:
        return Reply(200)
    voucher.sign(command.signature, call.now)
    signed = VoucherSigned(**_about(voucher), signature=command.signature)
    return Reply(200, facts=[_moved(voucher, invoice, call, book, signed)])


def record_submission(command: RecordSubmission, call: Call, book: Book) -> Outcome:
    voucher, invoice = _named(command.invoice_id, command.voucher_id, book)
    if voucher.state not in (_V.SIGNED, _V.UNKNOWN, _V.SUBMITTED):
        return Reply(200)
    if command.status == "FAILED":
        voucher.state, voucher.void_code = _V.FAILED, Code.SWAP_RPC_FAILED
        return _failed(voucher, invoice, call, book, [])
    facts = []
    if voucher.state is not _V.SUBMITTED:
        voucher.state, voucher.tx_hash = _V.SUBMITTED, command.tx_hash
        invoice.move(InvoiceState.SUBMITTED, call.now)
        taken = InvoiceSubmitted(
            **invoice.fact(),
            sent_at=command.sent_at,
            voucher_id=voucher.id,
            digest=voucher.digest,
            tx_hash=command.tx_hash,
        )
        facts.append(_moved(voucher, invoice, call, book, taken))
    if command.status == "MINTED" and command.tx_hash:
        voucher.state, voucher.tx_hash = _V.MINTED, command.tx_hash
        invoice.move(InvoiceState.MINTED, call.now)
        minted = InvoiceMinted(**invoice.fact(), voucher_id=voucher.id, digest=voucher.digest, tx_hash=command.tx_hash)
        facts.append(_moved(voucher, invoice, call, book, minted))
    answer = Reply(200, invoice.view(), etag=invoice.etag)
    return Reply(200, facts=facts, settles={voucher.id: answer} if facts else {})


def record_unknown(command: RecordUnknown, call: Call, book: Book) -> Outcome:
    voucher, invoice = _named(command.invoice_id, command.voucher_id, book)
    if voucher.state is not _V.SIGNED:
        return Reply(200)
    voucher.state = _V.UNKNOWN
    unknown = VoucherOutcomeUnknown(**_about(voucher), why=command.why)
    return Reply(200, facts=[_moved(voucher, invoice, call, book, unknown)])


def void_voucher(command: VoidVoucher, call: Call, book: Book) -> Outcome:
    voucher, invoice = _named(command.invoice_id, command.voucher_id, book)
    if voucher.state not in PENDING:
        return Reply(200)
    was_signed = voucher.signature is not None
    voucher.void(command.code)
    voided = VoucherVoided(**_about(voucher), code=command.code, was_signed=was_signed)
    return _failed(voucher, invoice, call, book, [_moved(voucher, invoice, call, book, voided)], command.why)


def _failed(voucher: Voucher, invoice: Invoice, call: Call, book: Book, facts: list[Fact], why: str = "") -> Outcome:
    code = Code(voucher.void_code or Code.INTERNAL)
    invoice.fail(code, call.now)
    failed = InvoiceFailed(**invoice.fact(), voucher_id=voucher.id, why=code)
    facts.append(_moved(voucher, invoice, call, book, failed))
    return Reply(200, facts=facts, settles={voucher.id: Refusal(code, why)})


def _moved(
    voucher: Voucher,
    invoice: Invoice,
    call: Call,
    book: Book,
    data: InvoiceSubmitted | InvoiceMinted | InvoiceFailed | VoucherSigned | VoucherOutcomeUnknown | VoucherVoided,
) -> Fact:
    """The worker looks at it again at once; the invoice shows the voucher as it is now."""
    voucher.next_try_at = call.now
    invoice.voucher = voucher.view()
    invoice.touch(call.now)
    book.changed_vouchers[voucher.id] = voucher
    book.changed_invoices[invoice.id] = invoice
    return invoice.record(data)


def _named(invoice_id: UUID, voucher_id: UUID, book: Book) -> tuple[Voucher, Invoice]:
    """Only our own worker asks, and only for what is there; anything else is a bug worth a dead letter."""
    voucher = book.vouchers[invoice_id]
    if voucher.id != voucher_id:
        raise KeyError(f"voucher {voucher_id} is not the one of invoice {invoice_id}")
    return voucher, book.invoices[invoice_id]


def _about(voucher: Voucher) -> dict[str, object]:
    return {"partner_id": voucher.partner_id, "voucher_id": voucher.id, "digest": voucher.digest}


HANDLERS: dict[type, Handler] = {
    SignInvoice: sign_invoice,
    RecordSignature: record_signature,
    RecordSubmission: record_submission,
    RecordUnknown: record_unknown,
    VoidVoucher: void_voucher,
}
