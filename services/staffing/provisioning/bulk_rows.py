"""The keys of bulk rows that were done, each with its answer: the same row again is answered from here (P7).

A row that was refused leaves nothing, so that it may be mended and sent under its key again.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from contracts.provisioning import BulkRow
from contracts.staffing import ProvisioningOutcome
from services.chassis import Read, Write, insert

_LOAD = """
    SELECT r.tenant_id, r.key, r.content_sha256, r.status, r.outcome, r.account_id, r.done_at
    FROM unnest($1::uuid[], $2::text[]) AS asked(tenant_id, key) JOIN staff_bulk_rows r USING (tenant_id, key)
"""
RowKey = tuple[UUID, str]
"""A row for ever: (tenant id, key)."""


@dataclass(frozen=True, slots=True)
class DoneRow:
    tenant_id: UUID
    key: str
    content_sha256: bytes
    status: int
    outcome: ProvisioningOutcome
    account_id: UUID
    done_at: datetime

    @property
    def place(self) -> RowKey:
        return self.tenant_id, self.key


def content_of(row: BulkRow) -> bytes:
    """What the row's key stands for: who, and as what, byte for byte."""
    return hashlib.sha256(row.model_dump_json(exclude={"key"}).encode()).digest()


async def load_rows(connection: Read | Write, places: Collection[RowKey]) -> dict[RowKey, DoneRow]:
    if not places:
        return {}
    columns = tuple(map(list, zip(*places, strict=True)))
    rows = (await connection.exec_driver_sql(_LOAD, columns)).mappings()
    done = (DoneRow(**{**row, "outcome": ProvisioningOutcome(row["outcome"])}) for row in rows)
    return {row.place: row for row in done}


async def save_rows(tx: Write, rows: Iterable[DoneRow]) -> None:
    await insert(tx, "staff_bulk_rows", [asdict(row) for row in rows])
