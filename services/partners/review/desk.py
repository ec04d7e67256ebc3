"""The review's part of a batch: clocks and pages of the partners it is about."""

from collections.abc import Sequence
from uuid import UUID

from contracts.partners import OfPartner
from contracts.reviews import AcknowledgePage
from services.chassis import Inbound, Write
from services.partners.book import Book
from services.partners.review.store import load_pages, load_reviews, save_pages, save_reviews


async def partner_ids(_: Write, __: Sequence[Inbound]) -> set[UUID]:
    """Timers name their partner like everybody else; who acknowledges a page changes nothing but the page."""
    return set()


async def load(tx: Write, fresh: Sequence[Inbound], book: Book) -> None:
    requests = [inbound.request for inbound in fresh]
    pages = {request.page_id for request in requests if isinstance(request, AcknowledgePage)}
    named = {request.partner_id for request in requests if isinstance(request, OfPartner)} & book.partners.keys()
    book.reviews = await load_reviews(tx, sorted(named))
    book.pages = await load_pages(tx, ids=pages, partner_ids=named, lock=True)


async def save(tx: Write, book: Book) -> None:
    """After the partners and dossiers that these rows belong to."""
    await save_reviews(tx, book.changed_reviews)
    await save_pages(tx, book.new_pages, book.changed_pages)
