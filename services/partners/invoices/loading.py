"""What a batch needs of invoices. Locks are taken in one order: partners by id, then invoices by id, then caps.

So a decision on a partner and a command on its invoices never see each other half done, and no two batches wait for
each other in a circle.
"""

from collections.abc import Collection, Sequence
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
    load_memberships,
    load_uploads_by_key,
    load_usage,
    owners_of,
)

LONGEST_LOAD = timedelta(minutes=1)


async def partners_behind(tx: Write, fresh: Sequence[Inbound], book: Book) -> set[UUID]:
    """The partners to be locked for the batch's invoice commands; nothing is locked yet.

    What is read here may be old by then: whether somebody still is a contact is judged on the locked partner.
    """
    creators = {(i.actor.issuer, i.actor.subject) for i in fresh if isinstance(i.request, CreateInvoice)}
    if creators:
        book.ledger.memberships = await load_memberships(tx, sorted(creators))
    owners = await owners_of(tx, named) if (named := _named(fresh, but=ExpireInvoice)) else set()
    return owners.union(*book.ledger.memberships.values())


async def load_invoicing(tx: Write, fresh: Sequence[Inbound], book: Book) -> None:
    """Invoices, receipts and caps of the batch, once its partners are locked."""
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


def _named(fresh: Sequence[Inbound], but: type[OfInvoice] | None = None) -> list[UUID]:
    requests = [i.request for i in fresh if isinstance(i.request, OfInvoice)]
    return sorted({request.invoice_id for request in requests if but is None or not isinstance(request, but)})


def _caps(invoices: Collection[Invoice], now: datetime) -> set[CapKey]:
    """Every cap that an approval may count against: of today, and of tomorrow when the batch may end there."""
    days: set[date] = {now.date(), (now + LONGEST_LOAD).date()}
    partner = {CapKey.of_partner(i.partner_id, day, i.currency) for i in invoices for day in days}
    return partner | {CapKey.of_region(day, i.currency) for i in invoices for day in days}
