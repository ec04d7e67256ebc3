"""What a batch reads and writes, by sets: a constant number of statements, and none for what a batch does not need."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeGuard
from uuid import UUID

from contracts.message import Request
from contracts.partners import (
    OBJECT_KEY,
    FileDossier,
    OfPartner,
    RecordDeactivation,
    RecordRootAdmins,
    ReplaceContacts,
    ReserveUpload,
    SubmitPartner,
)
from services.chassis import Inbound, Write
from services.partners.book import Book
from services.partners.decisions.store import load_allowlist, save_allowlist, save_approvals, save_proposals
from services.partners.dossiers.store import load_uploads, save_filings, save_uploads
from services.partners.records import DeactivationKey, Person
from services.partners.store_partners import save_partners
from services.partners.store_rosters import (
    load_deactivations,
    load_keys,
    load_taken,
    save_deactivations,
    save_members,
)
from services.people.keys import save_keys

_KEYS = ("kyb_object_key", "licensing_object_key", "object_key")


def object_keys(request: Request) -> list[str]:
    """The keys a command names that look like ours; the store is asked for these before the transaction opens."""
    keys = (getattr(request, name, None) for name in _KEYS)
    return [key for key in keys if key and OBJECT_KEY.fullmatch(key)]


async def partner_ids(_: Write, fresh: Sequence[Inbound]) -> set[UUID]:
    """The partners that a batch may change."""
    requests = [inbound.request for inbound in fresh]
    named = {request.partner_id for request in requests if isinstance(request, OfPartner)}
    return named | _prefixes(requests)


async def load(tx: Write, fresh: Sequence[Inbound], book: Book) -> None:
    """Uploads, people and records beside the partners, which are loaded and locked already."""
    requests = [inbound.request for inbound in fresh]
    updates = {r.partner_id for r in requests if isinstance(r, FileDossier) and object_keys(r)}
    for upload in await load_uploads(tx, sorted(_prefixes(requests) | updates)):
        book.know_upload(upload)
    await load_keys(tx, sorted({r.partner_id for r in requests if _names_people(r)}), book.keys)
    book.taken, waiting = await load_taken(tx, sorted(set(chain.from_iterable(map(_people, fresh)))))
    reported = await load_deactivations(tx, [_key(r) for r in requests if isinstance(r, RecordDeactivation)])
    for deactivation in {row.key: row for row in (*waiting, *reported)}.values():
        book.know_deactivation(deactivation)
    if any(isinstance(request, RecordRootAdmins) for request in requests):
        book.allowlist = await load_allowlist(tx)


async def save(tx: Write, book: Book) -> None:
    """Write everything the batch made or changed."""
    await save_uploads(tx, book.new_uploads)
    await save_partners(tx, book.new_partners, book.changed_partners)
    await save_keys(tx, book.keys)
    await save_members(tx, book.changed_members, book.new_members)
    await save_filings(tx, book.filings)
    await save_proposals(tx, book.closed_proposals, book.new_proposals)
    await save_approvals(tx, book.approvals)
    await save_deactivations(tx, book.settled_deactivations, book.new_deactivations)
    if book.changed_allowlist:
        await save_allowlist(tx, book.allowlist)


def _names_people(request: Request) -> TypeGuard[OfPartner]:
    """Whether it may change what is known of people who have keys already."""
    return isinstance(request, FileDossier | ReplaceContacts) and bool(request.contacts)


def _prefixes(requests: Sequence[Request]) -> set[UUID]:
    """The partner ids under which a batch reserves uploads or applies."""
    reserved = {r.partner_id for r in requests if isinstance(r, ReserveUpload) and r.partner_id}
    shapes = (OBJECT_KEY.fullmatch(key) for r in requests if isinstance(r, SubmitPartner) for key in object_keys(r))
    return reserved | {UUID(shape["partner_id"]) for shape in shapes if shape}


def _people(inbound: Inbound) -> Iterator[Person]:
    request = inbound.request
    if isinstance(request, SubmitPartner | FileDossier | ReplaceContacts):
        for contact in request.contacts or ():
            yield contact.issuer or inbound.actor.issuer, contact.subject


def _key(request: RecordDeactivation) -> DeactivationKey:
    return request.partner_id, request.issuer, request.subject, request.removed_at
