"""Events leave exactly as they were committed: none lost, none inverted within an aggregate.

Invariant: a row is inserted while its aggregate is locked, so ids of one aggregate follow its commits; the relay
publishes unpublished rows in id order, holding the advisory lock of the aggregate's hash partition. A cursor
(`id > last`) skips rows that commit late, SKIP LOCKED lets a second relay overtake; both stay in the tests.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import structlog
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.message import EventActor, Header, Outcome
from services.chassis.database import Write, fetch, insert
from services.chassis.outcome import Call, Fact
from services.chassis.patience import pause
from services.wire import telemetry
from services.wire.crash import Point, reach
from services.wire.kafka import to_wire

PARTITIONS = 16
SWEEP_SECONDS = 2.0
PUBLISHED_DAYS = 7
_PAGE = 2000

_LOCK = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.outbox'), p) FROM unnest($1::int[]) p"
_DUE = f"""
    SELECT id, topic, event_id, aggregate_id, schema_version, traceparent, value FROM outbox
    WHERE partition = ANY($1::smallint[]) AND published_at IS NULL ORDER BY id LIMIT {_PAGE}
"""  # noqa: S608
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])"
_LEFT_BEHIND = """
    SELECT partition, extract(epoch FROM now() - min(created_at))::float FROM outbox
    WHERE published_at IS NULL GROUP BY partition
"""
_PRUNE = f"DELETE FROM outbox WHERE published_at < now() - interval '{PUBLISHED_DAYS} days' AND NOT kept"  # noqa: S608

log = structlog.get_logger()


def event_json(event_id: Any, call: Call, fact: Fact, outcome: Outcome, reason_code: str | None) -> bytes:
    """The event as subscribers get it and as the audit log keeps it (`contracts.message.Event`)."""
    actor = EventActor(type=call.actor.type, issuer=call.actor.issuer or None, subject=call.actor.subject)
    return orjson.dumps(
        {
            "id": event_id,
            "type": fact.data.type,
            "schema_version": fact.data.version,
            "aggregate_type": fact.aggregate_type,
            "aggregate_id": fact.aggregate_id,
            "aggregate_version": fact.version,
            "actor": actor.model_dump(),
            "targets": [target.model_dump() for target in fact.targets],
            "context": call.context.model_dump(),
            "occurred_at": call.now,
            "outcome": outcome,
            "reason_code": reason_code,
            "data": fact.data.model_dump(mode="json"),
        },
        default=str,
        option=orjson.OPT_UTC_Z,
    )


async def append(tx: Write, facts: Sequence[tuple[Call, Fact, Outcome, str | None]]) -> set[int]:
    """Write the facts in the caller's transaction; returns the hash partitions to wake the relay for."""
    rows: list[dict[str, Any]] = []
    for call, fact, outcome, reason_code in facts:
        event_id = uuid7()
        rows.append(
            {
                "partition": fact.aggregate_id.int % PARTITIONS,
                "topic": fact.data.type,
                "event_id": event_id,
                "aggregate_id": fact.aggregate_id,
                "version": fact.version,
                "schema_version": fact.data.version,
                "traceparent": call.context.traceparent,
                "value": event_json(event_id, call, fact, outcome, reason_code),
                "kept": fact.data.kept,
            }
        )
    await insert(tx, "outbox", rows)
    return {row["partition"] for row in rows}


class Relay:
    """Publishes committed rows right after their commit; its sweep is only for what a crash left."""

    def __init__(self, engine: AsyncEngine, producer: AIOKafkaProducer, source: str) -> None:
        self._engine, self._producer, self._source = engine, producer, source
        self._due: set[int] = set()
        self._woken = asyncio.Event()
        self._draining = asyncio.Lock()
        self.oldest_seconds = 0.0

    def wake(self, partitions: Iterable[int]) -> None:
        self._due.update(partitions)
        if self._due:
            self._woken.set()

    async def run(self) -> None:
        """Drain what is due until cancelled; a broker or database that is away is waited for."""
        loop = asyncio.get_running_loop()
        next_sweep = loop.time()
        while True:
            try:
                if loop.time() >= next_sweep:
                    next_sweep = loop.time() + SWEEP_SECONDS
                    await self._sweep()
                await self.drain()
                async with asyncio.timeout_at(next_sweep):
                    await self._woken.wait()
            except TimeoutError:
                continue
            except Exception as error:
                log.warning("outbox.relay_failed", error=repr(error))
                await pause(6)

    async def drain(self) -> None:
        """Publish everything that is due now; waits for a round that is under way, so a stop cuts none in two."""
        async with self._draining:
            while self._due:
                due = sorted(self._due)
                self._woken.clear()
                self._due.clear()
                try:
                    while await self._publish(due) == _PAGE:
                        pass
                except BaseException:
                    self.wake(due)
                    raise

    async def _publish(self, partitions: list[int]) -> int:
        async with self._engine.begin() as tx:
            await tx.exec_driver_sql(_LOCK, (partitions,))
            rows = await fetch(tx, _DUE, partitions)
            if not rows:
                return 0
            for wave in _waves(rows):
                await asyncio.gather(*[await self._send(row) for row in wave])
            reach(Point.AFTER_PUBLISH, {row.topic for row in rows})
            await tx.exec_driver_sql(_MARK, ([row.id for row in rows],))
        telemetry.PUBLISHED.inc(len(rows))
        return len(rows)

    async def _send(self, row: Any) -> "asyncio.Future[Any]":
        headers = {
            Header.SPEC_VERSION: "1.0",
            Header.ID: row.event_id,
            Header.TYPE: row.topic,
            Header.VERSION: row.schema_version,
            Header.SOURCE: self._source,
            Header.SUBJECT: row.aggregate_id,
            Header.CONTENT_TYPE: "application/json",
            Header.TRACEPARENT: row.traceparent,
        }
        key = str(row.aggregate_id).encode()
        sent: asyncio.Future[Any] = await self._producer.send(row.topic, row.value, key=key, headers=to_wire(headers))
        return sent

    async def _sweep(self) -> None:
        async with self._engine.begin() as tx:
            behind = await fetch(tx, _LEFT_BEHIND)
            await tx.exec_driver_sql(_PRUNE)
        self.oldest_seconds = max((age for _, age in behind), default=0.0)
        telemetry.OUTBOX_AGE.set(self.oldest_seconds)
        self.wake(partition for partition, age in behind if age > SWEEP_SECONDS)


def _waves(rows: Sequence[Any]) -> list[list[Any]]:
    """Split so that a wave holds one row of an aggregate: its next row waits until this one is acknowledged."""
    waves: list[list[Any]] = []
    seen: defaultdict[Any, int] = defaultdict(int)
    for row in rows:
        turn = seen[row.aggregate_id]
        seen[row.aggregate_id] += 1
        if turn == len(waves):
            waves.append([])
        waves[turn].append(row)
    return waves
