"""Purging (A10): first the log says what it will forget, then, and only then, the bytes are removed.

Invariant: the intent, an `audit.purged` event, goes the way of every event, outbox → topic → log; nothing is removed
that no such event in the log names. The service's own role can't remove anything: that is done over a second login,
`audit_retention`, which can call `purge_events` and nothing else; the function believes the log, not its caller.
Killed anywhere, the next look goes on; any number of instances may run, since one advisory lock orders them.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.message import Actor, ActorType, Context, Outcome, Target
from contracts.retention import LogPurged
from services.audit import metrics
from services.audit.retention_plan import Periods, plan
from services.chassis import Call, Fact, Write, fetch
from services.chassis.outbox import append
from services.chassis.patience import pause
from services.wire.crash import reach

SETTLE_SECONDS = 0.2
LOOK_AGAIN_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0

_LOCK = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.retention'))"
_ON_ITS_WAY = """
    SELECT EXISTS (
        SELECT FROM outbox o WHERE o.topic = $1 AND NOT EXISTS (SELECT FROM events e WHERE e.id = o.event_id))
"""
_REMOVE = "SELECT purge_events()"

log = structlog.get_logger()


class Point(StrEnum):
    """Places where a purge may die."""

    SAID = "purge_said"
    REMOVED = "purge_removed"


class Retention:
    """Background work of the service; `wake` it when the log has grown. `waker` is told which outbox rows are new."""

    def __init__(
        self, engine: AsyncEngine, remover: AsyncEngine, periods: Periods, waker: Callable[[Iterable[int]], None]
    ) -> None:
        self._engine, self._remover, self._periods, self._waker = engine, remover, periods, waker
        self._grown = asyncio.Event()
        self.removed = 0

    def wake(self) -> None:
        self._grown.set()

    async def run(self, interval_seconds: float) -> None:
        failures = 0
        while True:
            self._grown.clear()
            try:
                on_its_way = await self.look()
            except Exception as error:
                failures += 1
                log.warning("audit.purge_failed", error=repr(error), failures=failures)
                await pause(failures + 4, longest=LONGEST_PAUSE_SECONDS)
                continue
            failures = 0
            await (self._until_the_log_has_grown() if on_its_way else asyncio.sleep(interval_seconds))

    async def look(self) -> bool:
        """Remove what the log names, then name what is due; whether something is named that the log has not seen."""
        await self.remove()
        return await self.say()

    async def remove(self) -> None:
        """A part at a time, each in a transaction of its own."""
        while True:
            async with self._remover.begin() as connection:
                count: int = (await connection.exec_driver_sql(_REMOVE)).scalar_one()
            if not count:
                return
            self.removed += count
            metrics.PURGED.inc(count)
            reach(Point.REMOVED)

    async def say(self) -> bool:
        """One intent at a time: what is named but not in the log yet would be named again."""
        async with self._engine.begin() as connection:
            tx = Write(connection)
            await tx.exec_driver_sql(_LOCK)
            [(on_its_way,)] = await fetch(tx, _ON_ITS_WAY, LogPurged.type)
            if on_its_way:
                return True
            now = datetime.now(UTC)
            intent = await plan(tx, self._periods, now)
            if intent is None:
                return False
            partitions = await append(tx, [(_call(now), _fact(intent), Outcome.SUCCEEDED, None)])
        log.info("audit.purge_said", events=sum(part.count for part in intent.parts))
        reach(Point.SAID)
        self._waker(partitions)
        return True

    async def _until_the_log_has_grown(self) -> None:
        """Or a while has passed: the intent may come into the log by another instance."""
        await asyncio.sleep(SETTLE_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._grown.wait()


def _fact(intent: LogPurged) -> Fact:
    purge = uuid7()
    return Fact("purge", purge, 1, intent, (Target(type="purge", id=str(purge)),))


def _call(now: datetime) -> Call:
    message = uuid7()
    return Call(
        actor=Actor(type=ActorType.SYSTEM, subject="audit"),
        context=Context(request_id=str(message), command_id=message),
        message_id=message,
        now=now,
    )
