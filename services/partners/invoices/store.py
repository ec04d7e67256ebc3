"""Invoices and cap usage in PostgreSQL, by sets: constant number of statements for a batch of any size."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from contracts.invoices import InvoiceState
from services.chassis import Read, Write, fetch, fetch_dicts, insert
from services.partners.dossiers.upload import Upload
from services.partners.invoices.invoice import Invoice, Receipt
from services.partners.invoices.limits import CapKey, Usage
from services.partners.records import Person

RECEIPT = tuple(Receipt.model_fields)
COLUMNS = ", ".join(
    [f"i.{f.name}" for f in fields(Invoice) if f.name != "receipt"] + [f"i.receipt_{name}" for name in RECEIPT]
)
MUTABLE: dict[str, str] = {
    "id": "uuid",
    "version": "int",
    "state": "text",
    "approved_by_issuer": "text",
    "approved_by": "text",
    "receipt_object_key": "text",
    "receipt_size": "bigint",
    "receipt_sha256": "text",
    "receipt_version_id": "text",
    "receipt_uploaded_by_issuer": "text",
    "receipt_uploaded_by": "text",
    "receipt_uploaded_at": "timestamptz",
    "reason_code": "text",
    "updated_at": "timestamptz",
}

_OWNERS = "SELECT DISTINCT partner_id FROM invoices WHERE id = ANY($1::uuid[])"
_ROSTERS = """
    SELECT DISTINCT c.partner_id FROM partner_contacts c
    JOIN unnest($1::text[], $2::text[]) AS wanted(issuer, subject) USING (issuer, subject)
"""
_INVOICES = f"SELECT {COLUMNS} FROM invoices i WHERE i.id = ANY($1::uuid[]) ORDER BY i.id"  # noqa: S608
_BACKED = "SELECT receipt_object_key, id FROM invoices WHERE receipt_object_key = ANY($1::text[])"
_UPLOADS = """
    SELECT id, object_key, partner_id, document, content_type, size, sha256, issuer, subject, created_at, expires_at
    FROM uploads WHERE object_key = ANY($1::text[])
"""
_KEYS = "unnest($1::text[], $2::date[], $3::text[]) AS n(scope, day, currency)"
_ENSURE = f"""
    INSERT INTO cap_usage (scope, day, currency, used)
    SELECT scope, day, currency, 0 FROM {_KEYS} ORDER BY scope COLLATE "C", day, currency COLLATE "C"
    ON CONFLICT DO NOTHING
"""  # noqa: S608
_USAGE = f"""
    SELECT u.scope, u.day, u.currency, u.used FROM cap_usage u JOIN {_KEYS} USING (scope, day, currency)
    ORDER BY u.scope, u.day, u.currency FOR UPDATE OF u
"""  # noqa: S608
_USE = """
    UPDATE cap_usage u SET used = n.used
    FROM unnest($1::text[], $2::date[], $3::text[], $4::numeric[]) AS n(scope, day, currency, used)
    WHERE (u.scope, u.day, u.currency) = (n.scope, n.day, n.currency)
"""
_UPDATE = f"""
    UPDATE invoices i SET {", ".join(f"{name} = n.{name}" for name in MUTABLE if name != "id")}
    FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(MUTABLE.values(), 1))})
        AS n({", ".join(MUTABLE)})
    WHERE i.id = n.id
"""  # noqa: S608


async def owners_of(tx: Write, invoice_ids: Sequence[UUID]) -> set[UUID]:
    """The partners of these invoices. An invoice never changes its partner, so nothing need be locked for this."""
    return {row.partner_id for row in await fetch(tx, _OWNERS, list(invoice_ids))}


async def rosters_of(tx: Write, people: Sequence[Person]) -> set[UUID]:
    """The partners in whose roster any of these people is or ever was."""
    issuers, subjects = zip(*people, strict=True)
    return {row.partner_id for row in await fetch(tx, _ROSTERS, list(issuers), list(subjects))}


async def load_invoices(connection: Read | Write, ids: Sequence[UUID], *, lock: bool) -> dict[UUID, Invoice]:
    """Locked in id order, after the partners they belong to."""
    statement = _INVOICES + (" FOR UPDATE" if lock else "")
    return {row["id"]: invoice_of(row) for row in await fetch_dicts(connection, statement, list(ids))}


async def load_backed(tx: Write, object_keys: Sequence[str]) -> dict[str, UUID]:
    """Which of these receipts back an invoice already."""
    return dict(await fetch(tx, _BACKED, list(object_keys)))


async def load_uploads_by_key(tx: Write, object_keys: Sequence[str]) -> list[Upload]:
    """A partner may have years of receipts: only those that are asked for."""
    return [Upload(**row, version=1) for row in await fetch_dicts(tx, _UPLOADS, list(object_keys))]


async def load_usage(tx: Write, keys: Collection[CapKey]) -> Usage:
    """What is used of these caps, locked in the order of their keys until the transaction ends (K17)."""
    arrays = [list(column) for column in zip(*keys, strict=True)]
    await tx.exec_driver_sql(_ENSURE, tuple(arrays))
    rows = await fetch(tx, _USAGE, *arrays)
    return Usage({CapKey(scope, day, currency): used for scope, day, currency, used in rows})


async def save_invoices(tx: Write, new: Sequence[Invoice], changed: Mapping[UUID, Invoice]) -> None:
    await insert(tx, "invoices", [_row(invoice) for invoice in new])
    written = {invoice.id for invoice in new}
    rows = [_row(invoice) for invoice in changed.values() if invoice.id not in written]
    if rows:
        await tx.exec_driver_sql(_UPDATE, tuple([row[name] for row in rows] for name in MUTABLE))


async def save_usage(tx: Write, usage: Usage) -> None:
    if usage.changed:
        keys = sorted(usage.changed)
        columns = (*zip(*keys, strict=True), tuple(usage.used[key] for key in keys))
        await tx.exec_driver_sql(_USE, tuple(map(list, columns)))


def invoice_of(row: Mapping[str, Any]) -> Invoice:
    own = {f.name: row[f.name] for f in fields(Invoice) if f.name != "receipt"}
    receipt = None
    if row["receipt_object_key"] is not None:
        receipt = Receipt(**{name: row[f"receipt_{name}"] for name in RECEIPT})
    return Invoice(**{**own, "state": InvoiceState(own["state"])}, receipt=receipt)


def _row(invoice: Invoice) -> dict[str, Any]:
    own = {f.name: getattr(invoice, f.name) for f in fields(Invoice) if f.name != "receipt"}
    return own | {f"receipt_{name}": getattr(invoice.receipt, name, None) for name in RECEIPT}
