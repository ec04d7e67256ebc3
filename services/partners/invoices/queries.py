"""Questions about invoices: own ones, or all for a reader role. A stranger's invoice is not there."""

from collections.abc import Sequence
from uuid import UUID

from contracts.failures import Code
from contracts.invoices import READERS, GetInvoice, InvoicePage, InvoiceView, ListInvoices
from contracts.message import Query
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch_dicts
from services.chassis.queries import QueryHandler
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.store import COLUMNS, invoice_of
from services.partners.mint.store import load_vouchers

_VISIBLE = """
    ($1 OR i.partner_id IN (
        SELECT c.partner_id FROM partner_contacts c WHERE c.issuer = $2 AND c.subject = $3 AND c.status = 'ACTIVE'
    ))
"""
_ONE = f"SELECT {COLUMNS} FROM invoices i WHERE {_VISIBLE} AND i.id = $4"  # noqa: S608
_PAGE = f"""
    SELECT {COLUMNS} FROM invoices i
    WHERE {_VISIBLE} AND ($4::uuid IS NULL OR i.id > $4) AND ($5::text IS NULL OR i.state = $5)
      AND ($6::uuid IS NULL OR i.partner_id = $6)
    ORDER BY i.id LIMIT $7
"""  # noqa: S608


async def get_invoice(query: GetInvoice, call: Call, read: Read) -> Outcome:
    invoice = await visible_invoice(query.invoice_id, call, read)
    if invoice is None:
        return Refusal(Code.NOT_FOUND)
    [view] = await _views([invoice], read)
    return Reply(200, view, etag=invoice.etag)


async def visible_invoice(invoice_id: UUID, call: Call, read: Read) -> Invoice | None:
    """The invoice, if the caller may know of it."""
    rows = await fetch_dicts(read, _ONE, *_caller(call), invoice_id)
    return invoice_of(rows[0]) if rows else None


async def list_invoices(query: ListInvoices, call: Call, read: Read) -> Outcome:
    filters = (query.starting_after, query.state, query.partner_id)
    rows = await fetch_dicts(read, _PAGE, *_caller(call), *filters, query.limit + 1)
    views = await _views([invoice_of(row) for row in rows[: query.limit]], read)
    return Reply(200, InvoicePage(data=views, has_more=len(rows) > query.limit))


async def _views(invoices: Sequence[Invoice], read: Read) -> tuple[InvoiceView, ...]:
    vouchers = await load_vouchers(read, [invoice.id for invoice in invoices])
    views = {invoice_id: voucher.view() for invoice_id, voucher in vouchers.items()}
    return tuple(invoice.view(views.get(invoice.id)) for invoice in invoices)


def _caller(call: Call) -> tuple[bool, str, str]:
    return call.actor.holds_any(READERS), call.actor.issuer, call.actor.subject


QUERIES: dict[type[Query], QueryHandler] = {GetInvoice: get_invoice, ListInvoices: list_invoices}
