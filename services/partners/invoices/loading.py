"""What a batch needs of invoices. Locks are taken in one order: partners by id, then invoices by id, then caps.

So a decision on a partner and a command on its invoices never see each other half done, and no two batches wait for
each other in a circle.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from contracts.invoices import ApproveInvoice, AttachReceipt, CreateInvoice, ExpireInvoice, OfInvoice
from services.chassis import Inbound, Write
from services.partners.book import Book
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.limits import CapKey
from services.partners.invoices.store import (
    load_backed,
    load_invoices,
    load_uploads_by_key,
    load_usage,
    owners_of,
    rosters_of,
    save_invoices,
    save_usage,
)
from services.partners.partner import Partner, person_of
from services.partners.records import Person

LONGEST_LOAD = timedelta(minutes=1)


async def partner_ids(tx: Write, fresh: Sequence[Inbound]) -> set[UUID]:
    """The partners to be locked for the batch's invoice commands; nothing is locked yet.

    What is read here may be old by then: whether somebody still is a contact is judged on the locked partner.
    """
    creators, named = _creators(fresh), _named(fresh, but=ExpireInvoice)
    found = await rosters_of(tx, sorted(creators)) if creators else set()
    return found | (await owners_of(tx, named) if named else set())


async def load(tx: Write, fresh: Sequence[Inbound], book: Book) -> None:
    """Invoices, receipts and caps of the batch, once its partners are locked."""
    book.ledger.memberships = memberships(book.partners.values(), _creators(fresh))
    named = _named(fresh)
    if not named:
        return
    book.ledger.invoices = await load_invoices(tx, named, lock=True)
    receipts = sorted({i.request.object_key for i in fresh if isinstance(i.request, AttachReceipt)})
    if receipts:
        book.ledger.backed = await load_backed(tx, receipts)
        for upload in await load_uploads_by_key(tx, receipts):
            book.uploads.setdefault(upload.object_key, upload)
    approved = {i.request.invoice_id for i in fresh if isinstance(i.request, ApproveInvoice)}
    keys = _caps([book.ledger.invoices[each] for each in approved if each in book.ledger.invoices], datetime.now(UTC))
    if keys:
        book.ledger.usage = await load_usage(tx, keys)


async def save(tx: Write, book: Book) -> None:
    await save_invoices(tx, book.ledger.new, book.ledger.changed)
    await save_usage(tx, book.ledger.usage)


def _creators(fresh: Sequence[Inbound]) -> set[Person]:
    return {person_of(inbound.actor) for inbound in fresh if isinstance(inbound.request, CreateInvoice)}


def memberships(partners: Iterable[Partner], people: Collection[Person]) -> dict[Person, list[UUID]]:
    """The partners in whose roster each of these people is or ever was."""
    found: dict[Person, list[UUID]] = {person: [] for person in people}
    for partner in partners if people else ():
        for person in {member.person for member in partner.contacts} & found.keys():
            found[person].append(partner.id)
    return found


def _named(fresh: Sequence[Inbound], but: type[OfInvoice] | None = None) -> list[UUID]:
    requests = [i.request for i in fresh if isinstance(i.request, OfInvoice)]
    return sorted({request.invoice_id for request in requests if but is None or not isinstance(request, but)})


def _caps(invoices: Collection[Invoice], now: datetime) -> set[CapKey]:
    """Every cap that an approval may count against: of today, and of tomorrow when the batch may end there."""
    days: set[date] = {now.date(), (now + LONGEST_LOAD).date()}
    partner = {CapKey.of_partner(i.partner_id, day, i.currency) for i in invoices for day in days}
    return partner | {CapKey.of_region(day, i.currency) for i in invoices for day in days}
