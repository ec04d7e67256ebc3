"""May this invoice be signed now? Decided in the transaction that marks SIGNING, on rows that are locked (S1.30).

Order: state, three people, the gate on the invoice's own partner, recipient, evidence, signer. Whatever fails here
leaves the invoice as it was.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from contracts.failures import Code
from contracts.gate import Capability
from contracts.invoices import InvoiceState
from contracts.vouchers import Manifest
from services.chassis import Call, Refusal
from services.partners.book import Book
from services.partners.dossiers.evidence import Away, Finding, Found
from services.partners.gate import Closed, as_refusal, decide, facts_of
from services.partners.invoices.invoice import Invoice
from services.partners.mint.voucher import Voucher, manifest_of
from services.partners.partner import Partner, person_of

SIGNER_SILENT = timedelta(seconds=20)


def admit(invoice: Invoice, call: Call, book: Book) -> Voucher | Refusal:
    """The voucher, prepared; or why not."""
    partner = book.partners[invoice.partner_id]
    refused = (
        invoice.unless(call.now, InvoiceState.APPROVED)
        or _not_three_people(invoice, partner, call)
        or _gate(partner, call, book)
        or _recipient(invoice, book)
    )
    if refused:
        return refused
    reviewed = _reviewed(partner, book)
    if isinstance(reviewed, Refusal):
        return reviewed
    approval_id, manifest = reviewed
    wrong = tampered(manifest, invoice, book.evidence) or _signer_away(call, book)
    return wrong or Voucher.prepare(invoice, approval_id, manifest, call, book.vouchers.rules.lifetime)


def _not_three_people(invoice: Invoice, partner: Partner, call: Call) -> Refusal | None:
    if invoice.has_acted(person_of(call.actor)) or partner.was_contact(call.actor):
        return Refusal(Code.MAKER_CHECKER_VIOLATION, "creator, approver and signer are three people")
    return None


def _gate(partner: Partner, call: Call, book: Book) -> Refusal | None:
    verdict = decide(facts_of(partner), book.ledger.rules.gate, Capability.VOUCHER_MINT, call.now)
    return as_refusal(verdict) if isinstance(verdict, Closed) else None


def _recipient(invoice: Invoice, book: Book) -> Refusal | None:
    """Who was taken off the list since the approval is not paid."""
    approved = book.ledger.rules.recipients.approves(invoice.partner_id, invoice.recipient)
    return None if approved else Refusal(Code.RECIPIENT_NOT_APPROVED)


def _reviewed(partner: Partner, book: Book) -> tuple[UUID, Manifest] | Refusal:
    """The approval in force and the documents it looked at, which may be older than the current ones (K8)."""
    approval, version = book.vouchers.in_force.get(partner.id), partner.approved_dossier_version
    documents = partner.documents if version == partner.dossier_version else book.vouchers.reviewed.get(partner.id, ())
    if approval is None or version is None or approval.dossier_version != version or not documents:
        return Refusal(Code.DEPENDENCY_UNAVAILABLE, "the partner was decided on this very moment; ask again")
    return approval.id, manifest_of(partner.id, version, documents)


def tampered(manifest: Manifest, invoice: Invoice, evidence: Mapping[str, Finding]) -> Refusal | None:
    """K10: the newest version of each reviewed object is the reviewed one, with its hash."""
    for object_key, version_id, sha256 in _expected(manifest, invoice):
        found = evidence.get(object_key)
        if found is None or isinstance(found, Away):
            return Refusal(Code.DEPENDENCY_UNAVAILABLE, "the document store is away")
        if not isinstance(found, Found) or (found.version_id, found.sha256) != (version_id, sha256):
            return Refusal(Code.EVIDENCE_TAMPERED, f"{object_key} is not the object that was reviewed")
    return None


def _expected(manifest: Manifest, invoice: Invoice) -> list[tuple[str, str, str]]:
    expected = [(d.object_key, d.version_id, d.sha256) for d in manifest.documents]
    receipt = invoice.receipt
    return [*expected, (receipt.object_key, receipt.version_id, receipt.sha256)] if receipt else expected


def _signer_away(call: Call, book: Book) -> Refusal | None:
    if not book.vouchers.rules.signing_enabled:
        return Refusal(Code.SIGNING_DISABLED)
    signer = book.vouchers.signer
    if signer is None or call.now - signer.seen_at > SIGNER_SILENT:
        return Refusal(Code.HSM_UNAVAILABLE, "no signer has been seen lately")
    return Refusal(Code.HSM_UNAVAILABLE, signer.problem) if signer.problem else None
