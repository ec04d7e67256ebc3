"""A receipt is an upload bound like a document, of the invoice's own partner, and backs one invoice (S1.28)."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from contracts.invoices import AttachReceipt, InvoiceState
from contracts.partners import DocumentKind, PartnerState
from services.chassis import Reply
from services.partners.dossiers.evidence import AWAY, MISSING, Finding, Found
from tests.partners.desk import ADA, EVE, NOON, SHA, code
from tests.partners.invoices.till import BEN, CARL, Till, seen, told


def test_a_receipt_moves_the_invoice_on_and_is_kept_as_the_store_has_it() -> None:
    till = Till()
    invoice, key = till.created(), till.proof(BEN)

    reply = till.attach(invoice, key, ADA)

    shown = seen(reply)
    assert isinstance(reply, Reply)
    assert (shown.state, reply.etag) == (InvoiceState.RECEIPT_UPLOADED, '"2"')
    assert shown.receipt is not None
    assert (shown.receipt.object_key, shown.receipt.sha256, shown.receipt.version_id) == (key, SHA, "v1")
    assert shown.receipt.uploaded_by == BEN.subject
    assert told(reply) == ["invoice.receipt_uploaded"]


def test_another_partners_invoice_is_not_there() -> None:
    till = Till()
    invoice = till.created()

    assert code(till.attach(invoice, till.proof(EVE, till.other), EVE)) == "NOT_FOUND"
    assert code(till.attach(invoice, actor=CARL)) == "NOT_FOUND"
    unknown = AttachReceipt(invoice_id=uuid4(), object_key=till.proof())
    assert code(till.run(unknown, ADA)) == "NOT_FOUND"


def test_a_removed_contact_is_told_so() -> None:  # S1.42
    till = Till()
    invoice = till.created(BEN)
    till.staff(till.acme, ADA)

    assert code(till.attach(invoice, actor=BEN)) == "CONTACT_REMOVED"


def test_the_gate_is_closed_for_receipts_too() -> None:  # S1.28
    till = Till()
    invoice = till.created()
    till.book.partners[till.acme].state = PartnerState.SUSPENDED

    assert code(till.attach(invoice, "nonsense")) == "PARTNER_NOT_APPROVED"


def test_a_key_nobody_issued_is_refused() -> None:
    till = Till()
    invoice = till.created()
    hand_made = f"partners/{till.acme}/receipt/20261122T050138507770Z"
    licence = till.upload(ADA, DocumentKind.LICENSING, till.acme)[0]

    assert code(till.attach(invoice, hand_made)) == "DOSSIER_KEY_FORMAT"
    assert code(till.attach(invoice, "../../etc/passwd")) == "DOSSIER_KEY_FORMAT"
    assert code(till.attach(invoice, licence)) == "DOSSIER_KEY_FORMAT", "a licence proves no payment"


def test_another_partners_receipt_is_forbidden() -> None:
    till = Till()

    assert code(till.attach(till.created(), till.proof(EVE, till.other))) == "DOSSIER_KEY_FORBIDDEN"


@pytest.mark.parametrize(
    ("finding", "wanted"),
    [
        pytest.param(MISSING, "DOSSIER_OBJECT_NOT_FOUND", id="never uploaded"),
        pytest.param(Found(8, SHA, "v1", NOON), "DOSSIER_OBJECT_NOT_FOUND", id="shorter than announced"),
        pytest.param(Found(9, "cd" * 32, "v1", NOON), "DOSSIER_OBJECT_NOT_FOUND", id="other bytes"),
        pytest.param(AWAY, "DEPENDENCY_UNAVAILABLE", id="the store is away"),
    ],
)
def test_a_receipt_is_what_the_store_says(finding: Finding, wanted: str) -> None:
    till = Till()
    invoice, key = till.created(), till.proof()
    till.stored[key] = finding

    assert code(till.attach(invoice, key)) == wanted
    assert (invoice.state, invoice.version) == (InvoiceState.CREATED, 1)


def test_one_proof_of_payment_backs_one_invoice() -> None:
    till = Till()
    first, second, key = till.created(), till.created(), till.proof()
    seen(till.attach(first, key))

    assert code(till.attach(second, key)) == "PROVIDER_TX_ID_REUSED"


def test_a_proof_that_backed_a_rejected_invoice_is_used_up() -> None:
    till = Till()
    first, second, key = till.created(), till.created(), till.proof()
    seen(till.attach(first, key))
    seen(till.reject(first))

    assert code(till.attach(second, key)) == "PROVIDER_TX_ID_REUSED"


def test_a_receipt_is_not_exchanged() -> None:
    till = Till()
    invoice = till.paid()

    assert code(till.attach(invoice, till.proof())) == "INVOICE_STATE_INVALID"


def test_evidence_that_lies_elsewhere_in_the_book_is_not_taken_for_this_key() -> None:
    """The upload's own row says whose it is: its prefix alone does not."""
    till = Till()
    invoice, key = till.created(), till.proof()
    upload = till.book.uploads.pop(key)
    till.book.uploads["elsewhere"] = replace(upload, partner_id=UUID(int=7))

    assert code(till.attach(invoice, key)) == "DOSSIER_KEY_FORMAT"
