"""A17: is every event there? The versions of an aggregate must count from 1 without a gap.

Invariant: an event whose predecessor is missing is an open gap from the moment it is recorded. Events of one aggregate
come on several topics, so a gap that closes by itself is none; one that stays is named in the log line `audit.gap` and
counted in `gatehouse_audit_gaps`, within 60 s. Looks at each event once, and at open gaps until they close.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.audit import metrics

GRACE_SECONDS = 45.0
LOOK_SECONDS = 5.0
BEHIND = 500  # a whole poll is waiting: the missing event may be in it
_PAGE = 50_000

_END = "SELECT coalesce(max(position) + 1, 0) FROM events"
_GAPS = """
    SELECT e.position, e.aggregate_type, e.aggregate_id, e.aggregate_version,
           extract(epoch FROM clock_timestamp() - e.recorded_at)::float AS age
    FROM events e
    WHERE (e.position >= $1 AND e.position < $2 OR e.position = ANY($3::bigint[])) AND e.aggregate_version > 1
      AND NOT EXISTS (
        SELECT FROM events p WHERE p.aggregate_id = e.aggregate_id AND p.aggregate_type = e.aggregate_type
          AND p.aggregate_version = e.aggregate_version - 1)
    ORDER BY e.position
"""

log = structlog.get_logger()


class Gap(NamedTuple):
    """The event at `position` has version `version`; the one before it is missing."""

    position: int
    aggregate_type: str
    aggregate_id: UUID
    version: int
    age: float


class GapWatch:
    """Background work of the service; `behind` tells how many records wait to be put into the log."""

    def __init__(self, engine: AsyncEngine, behind: Callable[[], Awaitable[int]]) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=True)
        self._behind = behind
        self._seen = 0
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
        async with self._engine.connect() as read:
            end = (await read.exec_driver_sql(_END)).scalar_one()
            while True:
                upto = min(end, self._seen + _PAGE)
                found: Any = await read.exec_driver_sql(_GAPS, (self._seen, upto, list(self._open)))
                self._open = {gap.position: gap for gap in map(Gap._make, found)}
                self._seen = upto
                if upto == end:
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
