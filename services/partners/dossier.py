"""Is this evidence? The keys were issued to this subject, and the store holds what was announced (S1.6, S1.7)."""

from uuid import UUID

from contracts.failures import Code, FieldError
from contracts.partners import OBJECT_KEY, SubmitPartner
from services.chassis import Call, Refusal
from services.partners.book import Book
from services.partners.evidence import Away, Found
from services.partners.partner import Document
from services.partners.upload import Upload

FIELDS = {"kyb": "kyb_object_key", "licensing": "licensing_object_key"}


def check_documents(command: SubmitPartner, call: Call, book: Book) -> list[Document] | Refusal:
    """The dossier's documents, or why they are none. Nothing is said of another partner's objects."""
    keys = {kind: getattr(command, name) for kind, name in FIELDS.items()}
    refused = _check_keys(keys, call, book)
    if refused:
        return refused
    documents = []
    for kind, key in keys.items():
        upload, found = book.uploads[key], book.evidence.get(key)
        if isinstance(found, Away):
            return Refusal(Code.DEPENDENCY_UNAVAILABLE, "the document store is away")
        if not isinstance(found, Found) or not _is_announced(found, upload):
            return _refuse(Code.DOSSIER_OBJECT_NOT_FOUND, kind, "the store has no such object of the announced hash")
        documents.append(
            Document(
                kind=kind,
                object_key=key,
                size=found.size,
                sha256=upload.sha256,
                version_id=found.version_id,
                uploaded_by=upload.subject,
                uploaded_by_issuer=upload.issuer,
                uploaded_at=found.stored_at,
            )
        )
    return documents


def _check_keys(keys: dict[str, str], call: Call, book: Book) -> Refusal | None:
    owners = set()
    for kind, key in keys.items():
        shape = OBJECT_KEY.fullmatch(key)
        if shape is None or shape["kind"] != kind:
            return _refuse(Code.DOSSIER_KEY_FORMAT, kind, "not a key that an upload of this kind returned")
        owners.add(UUID(shape["partner_id"]))
        if book.reserved_by(UUID(shape["partner_id"])) not in (None, (call.actor.issuer, call.actor.subject)):
            return _refuse(Code.DOSSIER_KEY_FORBIDDEN, kind, "the prefix is another partner's")
        if key not in book.uploads:
            return _refuse(Code.DOSSIER_KEY_FORMAT, kind, "not a key that an upload of this kind returned")
    if len(owners) != 1:
        return _refuse(Code.DOSSIER_KEY_FORBIDDEN, "licensing", "both documents must have one partner's prefix")
    return None


def _is_announced(found: Found, upload: Upload) -> bool:
    return found.size == upload.size and found.sha256 in (None, upload.sha256)


def _refuse(code: Code, kind: str, detail: str) -> Refusal:
    error = FieldError(pointer=f"/{FIELDS[kind]}", code=code, detail=detail)
    return Refusal(code, extra={"errors": [error]})
