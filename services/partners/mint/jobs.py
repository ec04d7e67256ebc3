"""Vouchers that wait for their next step, claimed one worker at a time; only a worker's own notes are written here."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.invoices import VoucherState
from contracts.vouchers import Manifest, VoucherDocument

CLOCK_SKEW = timedelta(seconds=60)

_CLAIM = """
    WITH due AS (
        SELECT id FROM vouchers
        WHERE state IN ('PREPARED', 'SIGNED', 'UNKNOWN', 'SUBMITTED') AND next_try_at <= $1
        ORDER BY next_try_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE vouchers v SET tries = v.tries + 1, next_try_at = $3 FROM due WHERE v.id = due.id
    RETURNING v.id, v.invoice_id, v.state, v.payload, v.manifest, v.signature, v.tries,
              v.attempted_at
"""
_POSTPONE = """
    UPDATE vouchers SET failure = $3, next_try_at = $4 WHERE id = $1 AND state = $2
"""
_ATTEMPT = "UPDATE vouchers SET attempted_at = $2 WHERE id = $1"


class Job(NamedTuple):
    """One voucher as it was claimed."""

    id: UUID
    invoice_id: UUID
    state: VoucherState
    payload: bytes
    document: VoucherDocument
    manifest: Manifest
    signature: bytes
    tries: int
    attempted_at: datetime | None

    def is_dead(self, now: datetime) -> bool:
        """Past its expiry by any sane clock: no node takes it any more."""
        return now >= datetime.fromisoformat(self.document.expires_at) + CLOCK_SKEW

    @property
    def names(self) -> dict[str, Any]:
        return {"invoice_id": self.invoice_id, "voucher_id": self.id}


class Jobs:
    """`lease` is longer than a step can take; a report that was acknowledged ends it sooner."""

    def __init__(self, engine: AsyncEngine, lease: timedelta) -> None:
        self._engine, self._lease = engine, lease

    async def claim(self, most: int) -> list[Job]:
        now = datetime.now(UTC)
        async with self._engine.begin() as tx:
            rows = (await tx.exec_driver_sql(_CLAIM, (now, most, now + self._lease))).mappings()
            return [_job(dict(row)) for row in rows]

    async def postpone(self, job: Job, failure: str, pause: timedelta) -> None:
        async with self._engine.begin() as tx:
            await tx.exec_driver_sql(_POSTPONE, (job.id, job.state, failure[:500], datetime.now(UTC) + pause))

    async def attempted(self, job: Job, now: datetime) -> Job:
        """From now on the node may have it, whatever happens to us."""
        async with self._engine.begin() as tx:
            await tx.exec_driver_sql(_ATTEMPT, (job.id, now))
        return job._replace(attempted_at=now)


def _job(row: dict[str, Any]) -> Job:
    return Job(
        **{
            **row,
            "state": VoucherState(row["state"]),
            "document": VoucherDocument.model_validate_json(row["payload"]),
            "manifest": Manifest.model_validate_json(row["manifest"]),
            "signature": row["signature"] or b"",
        }
    )
