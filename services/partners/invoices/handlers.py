"""What each invoice command does: whose invoice, is the gate open, what does the aggregate say."""

from functools import partial

from contracts.failures import Code
from contracts.gate import Capability
from contracts.invoices import ApproveInvoice, AttachReceipt, CreateInvoice, ExpireInvoice, RejectInvoice
from contracts.message import Actor
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.partners.book import Book
from services.partners.gate import Closed, as_refusal, decide
from services.partners.gate.aggregate import facts_of
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.receipts import check_receipt
from services.partners.invoices.terms import check_terms
from services.partners.partner import Partner, person_of


def create_invoice(command: CreateInvoice, call: Call, book: Book) -> Outcome:
    partner = _own_partner(call.actor, book)
    if isinstance(partner, Refusal):
        return partner
    refused = shut(partner, Capability.INVOICE_CREATE, call, book)
    if refused:
        return refused
    amount = check_terms(command, partner.id, book.ledger)
    if isinstance(amount, Refusal):
        return amount
    invoice, created = Invoice.create(partner.id, command, amount, call, book.ledger.rules.lifetime)
    book.ledger.add(invoice)
    return Reply(201, invoice.view(), [created], invoice.etag, f"/api/v1/invoices/{invoice.id}")


def attach_receipt(command: AttachReceipt, call: Call, book: Book) -> Outcome:
    invoice = book.ledger.invoices.get(command.invoice_id)
    partner = book.partners[invoice.partner_id] if invoice else None
    if invoice is None or partner is None or not partner.was_contact(call.actor):
        return Refusal(Code.NOT_FOUND)
    if not partner.is_contact(call.actor):
        return Refusal(Code.CONTACT_REMOVED)
    refused = shut(partner, Capability.RECEIPT_UPLOAD, call, book)
    if refused:
        return refused
    receipt = check_receipt(command, partner.id, book)
    if isinstance(receipt, Refusal):
        return receipt
    return _changed(invoice, invoice.attach_receipt(receipt, call), book)


def approve_invoice(command: ApproveInvoice, call: Call, book: Book) -> Outcome:
    """The gate again, and caps last of all: nothing counts against a cap that is not approved."""
    invoice = book.ledger.invoices.get(command.invoice_id)
    if invoice is None:
        return Refusal(Code.NOT_FOUND)
    partner = book.partners[invoice.partner_id]
    refused = shut(partner, Capability.INVOICE_CREATE, call, book)
    if refused:
        return refused
    insider = partner.was_contact(call.actor)
    charge = partial(_charge, invoice, call, book)
    return _changed(invoice, invoice.approve(command, call, charge, insider=insider), book)


def reject_invoice(command: RejectInvoice, call: Call, book: Book) -> Outcome:
    """No gate here: turning down is possible whatever became of the partner."""
    invoice = book.ledger.invoices.get(command.invoice_id)
    if invoice is None:
        return Refusal(Code.NOT_FOUND)
    insider = book.partners[invoice.partner_id].was_contact(call.actor)
    return _changed(invoice, invoice.reject(command, call, insider=insider), book)


def expire_invoice(command: ExpireInvoice, call: Call, book: Book) -> Outcome:
    invoice = book.ledger.invoices.get(command.invoice_id)
    if invoice is None:
        return Refusal(Code.NOT_FOUND)
    expired = invoice.expire(call.now)
    return _changed(invoice, expired, book) if expired else Reply(204)


def shut(partner: Partner, capability: Capability, call: Call, book: Book) -> Refusal | None:
    """The refusal with which the gate is closed, or None where it is open (S1.27-29)."""
    decided = decide(facts_of(partner), book.ledger.rules.gate, capability, call.now)
    return as_refusal(decided) if isinstance(decided, Closed) else None


def _own_partner(actor: Actor, book: Book) -> Partner | Refusal:
    """The partner that the caller acts for: it has no other (S1.12), so none is named."""
    known = [book.partners[partner_id] for partner_id in book.ledger.memberships.get(person_of(actor), ())]
    own = [partner for partner in known if partner.is_contact(actor)]
    if own:
        return own[0]
    return Refusal(Code.CONTACT_REMOVED if known else Code.NOT_PARTNER_CONTACT)


def _charge(invoice: Invoice, call: Call, book: Book) -> Refusal | None:
    rules, usage = book.ledger.rules, book.ledger.usage
    if not rules.recipients.approves(invoice.partner_id, invoice.recipient):
        return Refusal(Code.RECIPIENT_NOT_APPROVED)
    if not rules.limits.supports(invoice.currency):
        return Refusal(Code.TOKEN_UNSUPPORTED)
    day = call.now.date()
    exceeded = rules.limits.charge(usage, invoice.partner_id, day, invoice.amount, invoice.currency)
    return Refusal(exceeded) if exceeded else None


def _changed(invoice: Invoice, moved: Fact | Refusal, book: Book) -> Outcome:
    if isinstance(moved, Refusal):
        return moved
    book.ledger.change(invoice)
    return Reply(200, invoice.view(), [moved], invoice.etag)


HANDLERS: dict[type, Handler] = {
    CreateInvoice: create_invoice,
    AttachReceipt: attach_receipt,
    ApproveInvoice: approve_invoice,
    RejectInvoice: reject_invoice,
    ExpireInvoice: expire_invoice,
}
