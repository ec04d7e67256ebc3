"""One batch of partner commands: what is asked of the store and the database before the handlers decide."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts.partners import OBJECT_KEY, Decide, PartnerCommandRefused, ReserveUpload, SubmitPartner
from services.chassis import Desk, Inbound, Write
from services.partners.book import Book
from services.partners.documents import DocumentStore
from services.partners.evidence import Finding
from services.partners.handlers import HANDLERS
from services.partners.partner import Person
from services.partners.store import load_partners, load_taken, load_uploads, save
from services.wire.allowlist import Allowlist


def partners_desk(documents: DocumentStore, root_admins: Allowlist) -> Desk:
    async def gather(batch: Sequence[Inbound]) -> Mapping[str, Finding]:
        root_admins.refresh()
        keys = {key for inbound in batch for key in _object_keys(inbound.request)}
        return await documents.find(keys)

    async def load(tx: Write, fresh: Sequence[Inbound], evidence: Mapping[str, Finding]) -> Book:
        book = Book(root_admins, documents.presign, evidence)
        prefixes = {pid for inbound in fresh for pid in _prefixes(inbound.request)}
        decided = {inbound.request.partner_id for inbound in fresh if isinstance(inbound.request, Decide)}
        book.partners = await load_partners(tx, sorted(prefixes | decided), lock=True)
        if prefixes:
            for upload in await load_uploads(tx, sorted(prefixes)):
                book.know_upload(upload)
        book.taken = await load_taken(tx, sorted({p for inbound in fresh for p in _people(inbound)}))
        return book

    return Desk(HANDLERS, load, save, PartnerCommandRefused, gather)


def _object_keys(request: Any) -> tuple[str, ...]:
    if not isinstance(request, SubmitPartner):
        return ()
    keys = (request.kyb_object_key, request.licensing_object_key)
    return tuple(key for key in keys if OBJECT_KEY.fullmatch(key))


def _prefixes(request: Any) -> list[UUID]:
    """The partner ids whose uploads a command refers to."""
    if isinstance(request, ReserveUpload):
        return [request.partner_id] if request.partner_id else []
    shapes = (OBJECT_KEY.fullmatch(key) for key in _object_keys(request))
    return [UUID(shape["partner_id"]) for shape in shapes if shape]


def _people(inbound: Inbound) -> list[Person]:
    if not isinstance(inbound.request, SubmitPartner):
        return []
    return [(contact.issuer or inbound.actor.issuer, contact.subject) for contact in inbound.request.contacts]
