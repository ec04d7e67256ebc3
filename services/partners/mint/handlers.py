"""Sign and submit: the gate once more in the transaction that marks SIGNING, then what the worker reports."""

from contracts.failures import Code
from contracts.invoices import (
    InvoiceFailed,
    InvoiceMinted,
    InvoiceSigning,
    InvoiceState,
    InvoiceSubmitted,
    VoucherState,
)
from contracts.message import Target
from contracts.vouchers import (
    OfVoucher,
    RecordSignature,
    RecordSubmission,
    RecordUnknown,
    SignInvoice,
    VoidVoucher,
    VoucherFact,
    VoucherOutcomeUnknown,
    VoucherSigned,
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
    invoice = book.ledger.invoices.get(command.invoice_id)
    if invoice is None:
        return Refusal(Code.NOT_FOUND)
    standing = book.vouchers.of.get(invoice.id)
    if standing:
        return _again(standing, invoice, call)
    voucher = admit(invoice, call, book)
    if isinstance(voucher, Refusal):
        return voucher
    invoice.move(InvoiceState.SIGNING, call.now)
    book.vouchers.add(voucher)
    book.ledger.change(invoice)
    signing = invoice.tell(
        InvoiceSigning,
        voucher_id=voucher.id,
        nonce=voucher.nonce,
        digest=voucher.digest,
        approval_id=voucher.approval_id,
        dossier_version=voucher.dossier_version,
        expires_at=voucher.expires_at,
    )
    return Deferred(voucher.id, [signing])


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
    voucher, invoice = _named(command, book)
    if voucher.state is not _V.PREPARED:
        return Reply(200)
    voucher.sign(command.signature, call.now)
    _changed(voucher, invoice, call, book)
    return Reply(200, facts=[_tell(invoice, voucher, VoucherSigned, signature=command.signature)])


def record_submission(command: RecordSubmission, call: Call, book: Book) -> Outcome:
    """Taken, and perhaps minted already; or the node gave up on what it had taken."""
    voucher, invoice = _named(command, book)
    if voucher.state not in (_V.SIGNED, _V.UNKNOWN, _V.SUBMITTED):
        return Reply(200)
    if command.status == "FAILED":
        voucher.fail(Code.SWAP_RPC_FAILED)
        return _failed(command, call, book, "the node could not mint it")
    about = {"voucher_id": voucher.id, "digest": voucher.digest, "tx_hash": command.tx_hash}
    facts = []
    if voucher.state is not _V.SUBMITTED:
        voucher.state, voucher.tx_hash = _V.SUBMITTED, command.tx_hash
        invoice.move(InvoiceState.SUBMITTED, call.now)
        facts.append(invoice.tell(InvoiceSubmitted, sent_at=command.sent_at, **about))
    if command.status == "MINTED":
        voucher.state, voucher.tx_hash = _V.MINTED, command.tx_hash
        invoice.move(InvoiceState.MINTED, call.now)
        facts.append(invoice.tell(InvoiceMinted, **about))
    if not facts:
        return Reply(200)
    _changed(voucher, invoice, call, book)
    return Reply(200, facts=facts, settles={voucher.id: Reply(200, invoice.view(voucher.view()), etag=invoice.etag)})


def record_unknown(command: RecordUnknown, call: Call, book: Book) -> Outcome:
    voucher, invoice = _named(command, book)
    if voucher.state is not _V.SIGNED:
        return Reply(200)
    voucher.state = _V.UNKNOWN
    _changed(voucher, invoice, call, book)
    return Reply(200, facts=[_tell(invoice, voucher, VoucherOutcomeUnknown, why=command.why)])


def void_voucher(command: VoidVoucher, call: Call, book: Book) -> Outcome:
    """It will never be sent; a signature that exists already is told, so that nobody takes it for a good one."""
    voucher, invoice = _named(command, book)
    if voucher.state not in PENDING:
        return Reply(200)
    voucher.void(Code(command.code))
    was_signed = voucher.signature is not None
    voided = _tell(invoice, voucher, VoucherVoided, code=command.code, was_signed=was_signed)
    return _failed(command, call, book, command.why, voided)


def _failed(command: OfVoucher, call: Call, book: Book, why: str, *before: Fact) -> Outcome:
    voucher, invoice = _named(command, book)
    code = Code(voucher.void_code or Code.INTERNAL)
    invoice.fail(code, call.now)
    _changed(voucher, invoice, call, book)
    failed = invoice.tell(InvoiceFailed, voucher_id=voucher.id, why=code)
    return Reply(200, facts=[*before, failed], settles={voucher.id: Refusal(code, why)})


def _changed(voucher: Voucher, invoice: Invoice, call: Call, book: Book) -> None:
    """The worker looks at it again at once."""
    voucher.next_try_at = call.now
    invoice.move(invoice.state, call.now)
    book.vouchers.change(voucher)
    book.ledger.change(invoice)


def _tell(invoice: Invoice, voucher: Voucher, kind: type[VoucherFact], **more: object) -> Fact:
    data = kind(partner_id=voucher.partner_id, voucher_id=voucher.id, digest=voucher.digest, **more)
    return invoice.record(data, Target(type="partner", id=str(voucher.partner_id)))


def _named(command: OfVoucher, book: Book) -> tuple[Voucher, Invoice]:
    """Only our own worker asks, and only for what is there; anything else is a bug worth a dead letter."""
    voucher = book.vouchers.of[command.invoice_id]
    if voucher.id != command.voucher_id:
        raise KeyError(f"{command.voucher_id} is not the voucher of invoice {command.invoice_id}")
    return voucher, book.ledger.invoices[command.invoice_id]


HANDLERS: dict[type, Handler] = {
    SignInvoice: sign_invoice,
    RecordSignature: record_signature,
    RecordSubmission: record_submission,
    RecordUnknown: record_unknown,
    VoidVoucher: void_voucher,
}
