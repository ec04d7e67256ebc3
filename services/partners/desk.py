"""One batch of partner commands: what is asked of the store and the database before the handlers decide.

Every part of the service brings its own loads and saves; all partners that any of them may change are locked by one
statement in id order, so that batches cannot deadlock on them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from contracts.partner_events import PartnerCommandRefused
from services.chassis import Desk, Inbound, Write
from services.exports.desk import ExportDesk
from services.partners import store
from services.partners.book import Book
from services.partners.decisions.rules import Rules
from services.partners.dossiers.documents import DocumentStore
from services.partners.dossiers.evidence import Finding
from services.partners.erasure.store import erase_contacts
from services.partners.handlers import HANDLERS
from services.partners.invoices import loading as invoices
from services.partners.invoices.ledger import InvoiceRules, Ledger
from services.partners.mint import loading as mint
from services.partners.mint.evidence import Reviewed
from services.partners.mint.ledger import VoucherRules, Vouchers
from services.partners.review import desk as review
from services.partners.store_partners import load_partners
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring, MasterKey


class Part(NamedTuple):
    """`partner_ids` names the partners a batch may change; `load` and `save` see them in the book."""

    partner_ids: Callable[[Write, Sequence[Inbound]], Awaitable[set[UUID]]]
    load: Callable[[Write, Sequence[Inbound], Book], Awaitable[None]]
    save: Callable[[Write, Book], Awaitable[None]]


PARTS = (
    Part(store.partner_ids, store.load, store.save),
    Part(review.partner_ids, review.load, review.save),
    Part(invoices.partner_ids, invoices.load, invoices.save),
    Part(mint.partner_ids, mint.load, mint.save),
)


class DeskRules(NamedTuple):
    """How the desk is set up, part by part."""

    onboarding: Rules
    invoices: InvoiceRules
    vouchers: VoucherRules


class Gathered(NamedTuple):
    """What was asked before the transaction: about documents, and how large the exports would be."""

    evidence: Mapping[str, Finding]
    sizes: Mapping[UUID, int]


def partners_desk(  # noqa: PLR0913, PLR0917, the parts it is put together from
    documents: DocumentStore,
    reviewed: Reviewed,
    root_admins: Allowlist,
    rules: DeskRules,
    master: MasterKey,
    exports: ExportDesk,
) -> Desk:
    async def gather(batch: Sequence[Inbound]) -> Gathered:
        root_admins.refresh()
        rules.invoices.recipients.refresh()
        named = {key for inbound in batch for key in store.object_keys(inbound.request)}
        evidence = {**await documents.find(named), **await mint.gather(reviewed, batch)}
        return Gathered(evidence, await exports.sizes(batch))

    async def load(tx: Write, fresh: Sequence[Inbound], gathered: Gathered) -> Book:
        parts = (rules.onboarding, Ledger(rules.invoices), Vouchers(rules.vouchers), exports.book(gathered.sizes))
        book = Book(root_admins, documents.presign, Keyring(master), gathered.evidence, *parts)
        return await load_book(tx, fresh, book)

    return Desk(HANDLERS, load, save_book, PartnerCommandRefused, gather, erase)


async def load_book(tx: Write, fresh: Sequence[Inbound], book: Book) -> Book:
    """Fill an empty book with everything this batch may touch."""
    ids = set[UUID]().union(*[await part.partner_ids(tx, fresh) for part in PARTS])
    book.partners = await load_partners(tx, sorted(ids), lock=True)
    for part in PARTS:
        await part.load(tx, fresh, book)
    await book.exports.load(tx, fresh)
    return book


async def erase(tx: Write, book: Book) -> None:
    await erase_contacts(tx, book.erasures)


async def save_book(tx: Write, book: Book) -> None:
    for part in PARTS:
        await part.save(tx, book)
    await book.exports.save(tx)
