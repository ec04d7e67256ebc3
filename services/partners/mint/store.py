"""Vouchers in PostgreSQL, by sets; loaded under their invoices' locks."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple
from uuid import UUID

from contracts.invoices import VoucherState
from services.chassis import Read, Write, fetch, fetch_dicts, insert
from services.partners.mint.voucher import Voucher
from services.partners.records import Document

_COLUMNS = ", ".join(f"v.{f.name}" for f in fields(Voucher))
_OF_INVOICES = f"SELECT {_COLUMNS} FROM vouchers v WHERE v.invoice_id = ANY($1::uuid[])"  # noqa: S608
_UPDATE = """
    UPDATE vouchers v SET state = n.state, signature = n.signature, signed_at = n.signed_at, tx_hash = n.tx_hash,
        void_code = n.void_code, next_try_at = n.next_try_at, tries = 0, failure = NULL
    FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::timestamptz[], $5::text[], $6::text[], $7::timestamptz[])
        AS n(id, state, signature, signed_at, tx_hash, void_code, next_try_at)
    WHERE v.id = n.id
"""
_IN_FORCE = """
    SELECT DISTINCT ON (partner_id) partner_id, id, dossier_version FROM partner_approvals
    WHERE partner_id = ANY($1::uuid[]) AND decision IN ('APPROVED', 'REINSTATED')
    ORDER BY partner_id, decided_at DESC
"""
_REVIEWED = """
    SELECT d.partner_id, d.kind, d.object_key, d.size, d.sha256, d.version_id,
           d.uploaded_by, d.uploaded_at, d.uploaded_by_issuer
    FROM dossier_documents d JOIN partners p
        ON p.id = d.partner_id AND p.approved_dossier_version = d.dossier_version
    WHERE d.partner_id = ANY($1::uuid[]) ORDER BY d.partner_id, d.kind
"""


class InForce(NamedTuple):
    """The newest approval of a partner; in force while the partner is approved."""

    id: UUID
    dossier_version: int


async def load_vouchers(connection: Read | Write, invoice_ids: Sequence[UUID]) -> dict[UUID, Voucher]:
    """By invoice."""
    rows = await fetch_dicts(connection, _OF_INVOICES, list(invoice_ids))
    found = (Voucher(**{**row, "state": VoucherState(row["state"])}) for row in rows)
    return {voucher.invoice_id: voucher for voucher in found}


async def load_in_force(connection: Read | Write, partner_ids: Sequence[UUID]) -> dict[UUID, InForce]:
    rows = await fetch(connection, _IN_FORCE, list(partner_ids))
    return {partner_id: InForce(approval_id, version) for partner_id, approval_id, version in rows}


async def load_reviewed(connection: Read | Write, partner_ids: Sequence[UUID]) -> dict[UUID, list[Document]]:
    """The documents that the approval in force looked at."""
    found: dict[UUID, list[Document]] = {}
    for row in await fetch_dicts(connection, _REVIEWED, list(partner_ids)):
        found.setdefault(row.pop("partner_id"), []).append(Document(**row))
    return found


async def save_vouchers(tx: Write, new: Sequence[Voucher], changed: Sequence[Voucher]) -> None:
    await insert(tx, "vouchers", [_row(voucher) for voucher in new])
    made = {voucher.id for voucher in new}
    moved = [voucher for voucher in changed if voucher.id not in made]
    if moved:
        names = ("id", "state", "signature", "signed_at", "tx_hash", "void_code", "next_try_at")
        await tx.exec_driver_sql(_UPDATE, tuple([getattr(v, name) for v in moved] for name in names))


def _row(voucher: Voucher) -> dict[str, Any]:
    return {f.name: getattr(voucher, f.name) for f in fields(voucher)}
