"""What a batch needs to sign or to note what a worker reports; nothing is asked for a batch without either."""

from collections.abc import Mapping, Sequence

from contracts.vouchers import OfVoucher, SignInvoice
from services.chassis import Inbound, Write
from services.partners.book import Book
from services.partners.evidence import Finding
from services.partners.mint.evidence import Reviewed
from services.partners.mint.signers import best
from services.partners.mint.store import load_in_force, load_reviewed, load_vouchers, save_vouchers


async def gather_mint(reviewed: Reviewed, batch: Sequence[Inbound]) -> Mapping[str, Finding]:
    """The reviewed objects of invoices to sign, as the store holds them now (K10)."""
    return await reviewed.inspect([i.request.invoice_id for i in batch if isinstance(i.request, SignInvoice)])


async def load_mint(tx: Write, fresh: Sequence[Inbound], book: Book) -> None:
    """After partners and invoices have been loaded and locked."""
    wanted = [i.request.invoice_id for i in fresh if isinstance(i.request, SignInvoice | OfVoucher)]
    if not wanted:
        return
    book.vouchers = await load_vouchers(tx, sorted(set(wanted)))
    if any(isinstance(inbound.request, SignInvoice) for inbound in fresh):
        partners = sorted({i.partner_id for i in book.invoices.values()})
        book.in_force = await load_in_force(tx, partners)
        book.reviewed = await load_reviewed(tx, partners)
        book.signer = await best(tx)


async def save_mint(tx: Write, book: Book) -> None:
    await save_vouchers(tx, book.new_vouchers, list(book.changed_vouchers.values()))
