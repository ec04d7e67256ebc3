"""Is this evidence? The keys were issued to those who may, and the store holds what was announced (S1.6, S1.7)."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from contracts.failures import Code, FieldError
from contracts.message import Actor
from contracts.partners import OBJECT_KEY, FileDossier, SubmitPartner
from services.chassis import Refusal
from services.partners.book import Book
from services.partners.dossiers.evidence import Away, Found
from services.partners.dossiers.upload import Upload
from services.partners.partner import person_of
from services.partners.records import Document

FIELDS = {"kyb": "kyb_object_key", "licensing": "licensing_object_key"}
Keys = Mapping[str, str]


def keys_of(command: SubmitPartner | FileDossier) -> dict[str, str]:
    """Kind → key of each document that is given."""
    given = {kind: getattr(command, name) for kind, name in FIELDS.items()}
    return {kind: key for kind, key in given.items() if key is not None}


def check_application(command: SubmitPartner, actor: Actor, book: Book) -> list[Document] | Refusal:
    """The documents of an application: under one prefix, which the applicant reserved."""
    keys, owners = keys_of(command), set()
    for kind, key in keys.items():
        owner = _owner(key, kind)
        if owner is None:
            return _not_issued(kind)
        owners.add(owner)
        if book.reserved_by(owner) not in (None, person_of(actor)):
            return _refuse(Code.DOSSIER_KEY_FORBIDDEN, kind, "the prefix is another partner's")
        if key not in book.uploads:
            return _not_issued(kind)
    if len(owners) != 1:
        return _refuse(Code.DOSSIER_KEY_FORBIDDEN, "licensing", "both documents must have one partner's prefix")
    return _documents(keys, book)


def check_update(command: FileDossier, book: Book) -> list[Document] | Refusal:
    """Documents of a partner that is there: under its own prefix, whoever of those who may reserved them."""
    keys = keys_of(command)
    for kind, key in keys.items():
        owner = _owner(key, kind)
        if owner is None:
            return _not_issued(kind)
        if owner != command.partner_id:
            return _refuse(Code.DOSSIER_KEY_FORBIDDEN, kind, "the prefix is another partner's")
        if key not in book.uploads:
            return _not_issued(kind)
    return _documents(keys, book)


def _owner(key: str, kind: str) -> UUID | None:
    shape = OBJECT_KEY.fullmatch(key)
    return UUID(shape["partner_id"]) if shape and shape["kind"] == kind else None


def _documents(keys: Keys, book: Book) -> list[Document] | Refusal:
    found = list(_look(keys, book))
    refused = next((each for each in found if isinstance(each, Refusal)), None)
    return refused or [each for each in found if isinstance(each, Document)]


def _look(keys: Keys, book: Book) -> Iterator[Document | Refusal]:
    for kind, key in keys.items():
        upload, found = book.uploads[key], book.evidence.get(key)
        if isinstance(found, Away):
            yield Refusal(Code.DEPENDENCY_UNAVAILABLE, "the document store is away")
        elif not isinstance(found, Found) or not _is_announced(found, upload):
            yield _refuse(Code.DOSSIER_OBJECT_NOT_FOUND, kind, "the store has no such object of the announced hash")
        else:
            yield _document(kind, upload, found)


def _document(kind: str, upload: Upload, found: Found) -> Document:
    return Document(
        kind=kind,
        object_key=upload.object_key,
        size=found.size,
        sha256=upload.sha256,
        version_id=found.version_id,
        uploaded_by=upload.subject,
        uploaded_by_issuer=upload.issuer,
        uploaded_at=found.stored_at,
    )


def _is_announced(found: Found, upload: Upload) -> bool:
    return found.size == upload.size and found.sha256 in (None, upload.sha256)


def _not_issued(kind: str) -> Refusal:
    return _refuse(Code.DOSSIER_KEY_FORMAT, kind, "not a key that an upload of this kind returned")


def _refuse(code: Code, kind: str, detail: str) -> Refusal:
    error = FieldError(pointer=f"/{FIELDS[kind]}", code=code, detail=detail)
    return Refusal(code, extra={"errors": [error]})
