"""Questions about invoices: own ones, or all for a reader role. A stranger's invoice is not there."""

from contracts.failures import Code
from contracts.invoices import READERS, GetInvoice, InvoicePage, ListInvoices
from contracts.message import Query
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch_dicts
from services.chassis.queries import QueryHandler
from services.partners.invoices.store import COLUMNS, invoice_of

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
    rows = await fetch_dicts(read, _ONE, *_caller(call), query.invoice_id)
    if not rows:
        return Refusal(Code.NOT_FOUND)
    invoice = invoice_of(rows[0])
    return Reply(200, invoice.view(), etag=invoice.etag)


async def list_invoices(query: ListInvoices, call: Call, read: Read) -> Outcome:
    filters = (query.starting_after, query.state, query.partner_id)
    rows = await fetch_dicts(read, _PAGE, *_caller(call), *filters, query.limit + 1)
    views = tuple(invoice_of(row).view() for row in rows[: query.limit])
    return Reply(200, InvoicePage(data=views, has_more=len(rows) > query.limit))


def _caller(call: Call) -> tuple[bool, str, str]:
    return call.actor.holds_any(READERS), call.actor.issuer, call.actor.subject


QUERIES: dict[type[Query], QueryHandler] = {GetInvoice: get_invoice, ListInvoices: list_invoices}
