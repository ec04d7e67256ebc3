"""Work that Gatehouse does after it has answered: events on their way to the audit log.

Its CPU belongs to the commands that caused it, so a run's CPU is read when the log has everything.
"""

import asyncio
import time

import asyncpg

LONGEST_SECONDS, SETTLED_SECONDS = 30.0, 0.5
_BEHIND = """
    SELECT (SELECT count(*) FROM partners.outbox) + (SELECT count(*) FROM staffing.outbox)
         - (SELECT coalesce(max(position) + 1, 0) FROM audit.events)
"""


class Backlog:
    """Counts from where it was made: events that the log never took before are not waited for."""

    def __init__(self, connection: asyncpg.Connection, before: int) -> None:
        self._connection, self._before = connection, before

    @classmethod
    async def of(cls, dsn: str) -> "Backlog":
        """Made once the log has what an earlier run left for it."""
        connection = await asyncpg.connect(dsn)
        before = await connection.fetchval(_BEHIND)
        await asyncio.sleep(SETTLED_SECONDS)
        while before > (now := await connection.fetchval(_BEHIND)):
            before = now
            await asyncio.sleep(SETTLED_SECONDS)
        return cls(connection, now)

    async def drain(self) -> float:
        """Seconds until every event is in the log; gives up after LONGEST_SECONDS, as when no audit runs."""
        began = time.monotonic()
        while await self._connection.fetchval(_BEHIND) > self._before:
            if time.monotonic() - began > LONGEST_SECONDS:
                break
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def close(self) -> None:
        await self._connection.close()
