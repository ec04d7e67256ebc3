"""What a batch needs to sign, or to note what a worker reports; nothing is asked for a batch without either.

Partners and invoices are loaded and locked by then.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.vouchers import OfVoucher, SignInvoice
from services.chassis import Inbound, Write
from services.partners.book import Book
from services.partners.dossiers.evidence import Finding
from services.partners.mint.evidence import Reviewed
from services.partners.mint.signers import best
from services.partners.mint.store import load_in_force, load_reviewed, load_vouchers, save_vouchers


async def gather(reviewed: Reviewed, batch: Sequence[Inbound]) -> Mapping[str, Finding]:
    """The reviewed objects of invoices to sign, as the store holds them now (K10)."""
    return await reviewed.inspect([i.request.invoice_id for i in batch if isinstance(i.request, SignInvoice)])


async def partner_ids(_: Write, __: Sequence[Inbound]) -> set[UUID]:
    """Those of the invoices, which are asked for with them."""
    return set()


async def load(tx: Write, fresh: Sequence[Inbound], book: Book) -> None:
    wanted = {i.request.invoice_id for i in fresh if isinstance(i.request, SignInvoice | OfVoucher)}
    if not wanted:
        return
    book.vouchers.of = await load_vouchers(tx, sorted(wanted))
    if any(isinstance(inbound.request, SignInvoice) for inbound in fresh):
        partners = sorted({invoice.partner_id for invoice in book.ledger.invoices.values()})
        book.vouchers.in_force = await load_in_force(tx, partners)
        book.vouchers.reviewed = {**await load_reviewed(tx, partners)}
        book.vouchers.signer = await best(tx)


async def save(tx: Write, book: Book) -> None:
    await save_vouchers(tx, book.vouchers.new, list(book.vouchers.changed.values()))
