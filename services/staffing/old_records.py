"""What is of no use after some months is forgotten, a little at a time: settled messages, and keys of bulk rows.

For so many days it is known what became of a message, and that a row of a bulk call was done (P7). Instances pass over
what another one holds.
"""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import Write
from services.chassis.patience import wait_out
from services.staffing.scope import BULK_KEYS, MESSAGES, declare_work

AT_ONCE = 500
PAUSE_SECONDS = 3_600.0

_MESSAGES = """
    DELETE FROM notifications WHERE id IN (
        SELECT id FROM notifications WHERE settled_at < $1::timestamptz
        ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_BULK_KEYS = """
    DELETE FROM staff_bulk_rows WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM staff_bulk_rows WHERE done_at < $1::timestamptz ORDER BY done_at LIMIT $2))
"""

log = structlog.get_logger()


class OldRecords:
    """Background work of the service."""

    def __init__(self, engine: AsyncEngine, messages_days: int, bulk_keys_days: int) -> None:
        self._engine = engine
        self._kept = {
            MESSAGES: (_MESSAGES, timedelta(days=messages_days)),
            BULK_KEYS: (_BULK_KEYS, timedelta(days=bulk_keys_days)),
        }

    async def run(self) -> None:
        """A full batch is followed by the next one at once."""
        while True:
            forgotten = await wait_out(self.once)
            if max(forgotten.values()) < AT_ONCE:
                await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311

    async def once(self) -> dict[str, int]:
        """One batch of each kind, each in a transaction that declares it; returns how many went."""
        now, forgotten = datetime.now(UTC), {}
        for work, (statement, kept) in self._kept.items():
            async with self._engine.begin() as tx:
                await declare_work(Write(tx), work)
                forgotten[work] = (await tx.exec_driver_sql(statement, (now - kept, AT_ONCE))).rowcount
        if any(forgotten.values()):
            log.info("records.forgotten", **forgotten)
        return forgotten
