"""Is this a proof of payment? A key that an upload of kind receipt returned, stored as announced, used once (S1.28)."""

from uuid import UUID

from contracts.failures import Code, FieldError
from contracts.invoices import AttachReceipt
from contracts.partners import OBJECT_KEY, DocumentKind
from services.chassis import Refusal
from services.partners.book import Book
from services.partners.dossiers.evidence import Away, Found
from services.partners.dossiers.upload import Upload
from services.partners.invoices.invoice import Receipt


def check_receipt(command: AttachReceipt, partner_id: UUID, book: Book) -> Receipt | Refusal:
    """The receipt as it is kept, or why it is none. Nothing is said of another partner's objects."""
    upload = _upload_of(command.object_key, partner_id, book)
    if isinstance(upload, Refusal):
        return upload
    found = book.evidence.get(upload.object_key)
    if isinstance(found, Away):
        return Refusal(Code.DEPENDENCY_UNAVAILABLE, "the document store is away")
    if not isinstance(found, Found) or found.size != upload.size or found.sha256 not in (None, upload.sha256):
        return _refuse(Code.DOSSIER_OBJECT_NOT_FOUND, "the store has no such object of the announced hash")
    if book.ledger.backed.get(upload.object_key, command.invoice_id) != command.invoice_id:
        return _refuse(Code.PROVIDER_TX_ID_REUSED, "a proof of payment backs one invoice")
    return Receipt(
        object_key=upload.object_key,
        size=found.size,
        sha256=upload.sha256,
        version_id=found.version_id,
        uploaded_by=upload.subject,
        uploaded_by_issuer=upload.issuer,
        uploaded_at=found.stored_at,
    )


def _upload_of(object_key: str, partner_id: UUID, book: Book) -> Upload | Refusal:
    shape = OBJECT_KEY.fullmatch(object_key)
    if shape is None or shape["kind"] != DocumentKind.RECEIPT:
        return _refuse(Code.DOSSIER_KEY_FORMAT, "not a key that an upload of kind receipt returned")
    if UUID(shape["partner_id"]) != partner_id:
        return _refuse(Code.DOSSIER_KEY_FORBIDDEN, "the prefix is another partner's")
    upload = book.uploads.get(object_key)
    return upload or _refuse(Code.DOSSIER_KEY_FORMAT, "not a key that an upload of kind receipt returned")


def _refuse(code: Code, detail: str) -> Refusal:
    return Refusal(code, extra={"errors": [FieldError(pointer="/object_key", code=code, detail=detail)]})
