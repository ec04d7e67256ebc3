"""A17: is every event there? The versions of an aggregate must count from 1 without a gap.

Invariant: an event whose predecessor is missing is an open gap from the moment it is recorded. Events of one aggregate
come on several topics, so a gap that closes by itself is none; one that stays is named in the log line `audit.gap` and
counted in `gatehouse_audit_gaps`, within 60 s. Looks at each event once, and at open gaps until they close; how far it
came is kept, since a service that starts has commands beside it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.audit import metrics

GRACE_SECONDS = 45.0
LOOK_SECONDS = 5.0
BEHIND = 500  # a whole poll is waiting: the missing event may be in it
_PAGE = 10_000

_END = "SELECT coalesce(max(position) + 1, 0) FROM events"
_GAPS = """
    WITH looked_at AS MATERIALIZED (
        SELECT position, aggregate_type, aggregate_id, aggregate_version, recorded_at, lag(aggregate_version)
            OVER (PARTITION BY aggregate_id, aggregate_type ORDER BY aggregate_version) AS before
        FROM events WHERE position >= $1 AND position < $2 OR position = ANY($3::bigint[]))
    SELECT position, aggregate_type, aggregate_id, aggregate_version,
           extract(epoch FROM clock_timestamp() - recorded_at)::float AS age
    FROM looked_at e
    WHERE aggregate_version > 1 AND before IS DISTINCT FROM aggregate_version - 1
      -- a subquery of its own, and no NOT EXISTS, which the planner may answer by reading the whole log
      AND (SELECT true FROM events p WHERE p.aggregate_id = e.aggregate_id AND p.aggregate_type = e.aggregate_type
          AND p.aggregate_version = e.aggregate_version - 1 LIMIT 1) IS NULL
    ORDER BY position
"""
_KEPT = "SELECT seen, open FROM gap_watch"
_KEEP = """
    INSERT INTO gap_watch (seen, open) VALUES ($1, $2)
    ON CONFLICT (one) DO UPDATE SET seen = excluded.seen, open = excluded.open WHERE gap_watch.seen <= excluded.seen
"""

log = structlog.get_logger()


class Gap(NamedTuple):
    """The event at `position` has version `version`; the one before it is missing."""

    position: int
    aggregate_type: str
    aggregate_id: UUID
    version: int
    age: float


_Kept: TypeAlias = tuple[int, list[int]]
"""Everything before this position was looked at; events whose predecessor was missing then."""


class GapWatch:
    """Background work of the service; `behind` tells how many records wait to be put into the log."""

    def __init__(self, engine: AsyncEngine, behind: Callable[[], Awaitable[int]]) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._behind = behind
        self._kept: _Kept | None = None
        self._open: dict[int, Gap] = {}
        self._told: set[int] = set()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
                if await self._behind() < BEHIND:
                    self.tell()
            except Exception as error:
                log.warning("audit.completeness_failed", error=repr(error))

    async def look(self) -> list[Gap]:
        """Every gap that is open now, old or young."""
        async with self._engine.connect() as connection:
            kept = self._kept or await _kept_by(connection)
            seen, positions = kept
            end = (await connection.exec_driver_sql(_END)).scalar_one()
            while True:
                upto = min(end, seen + _PAGE)
                found: Any = await connection.exec_driver_sql(_GAPS, (seen, upto, positions))
                self._open = {gap.position: gap for gap in map(Gap._make, found)}
                seen, positions = upto, list(self._open)
                if upto == end:
                    break
            if (seen, positions) != kept:
                await connection.exec_driver_sql(_KEEP, (seen, positions))
            self._kept = seen, positions
        return list(self._open.values())

    def tell(self) -> None:
        """Count the gaps past their grace, and name each once."""
        overdue = {gap.position: gap for gap in self._open.values() if gap.age > GRACE_SECONDS}
        metrics.GAPS.set(len(overdue))
        for position in overdue.keys() - self._told:
            gap = overdue[position]
            log.error(
                "audit.gap",
                aggregate_type=gap.aggregate_type,
                aggregate_id=str(gap.aggregate_id),
                missing_version=gap.version - 1,
                position=position,
            )
        self._told = set(overdue)


async def _kept_by(connection: AsyncConnection) -> _Kept:
    """What a watch before this one has looked at."""
    row = (await connection.exec_driver_sql(_KEPT)).one_or_none()
    return (row.seen, list(row.open)) if row else (0, [])
