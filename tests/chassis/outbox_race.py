"""Sixteen writers against three relays: what the outbox holds afterwards, and what a subscriber got of it."""

import asyncio
import contextlib
import os
import random
import signal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import orjson
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.message import Actor, ActorType, Context, Outcome
from contracts.topics import Kind, Topic
from deploy import kafka
from deploy.local import broker
from deploy.local.stack import Stack
from services.chassis import Call, Fact, Write, fetch, outbox
from services.chassis.database import connect
from tests.chassis.relays import TABLE, command
from tests.chassis.workbench import settings_of
from tests.support import ServiceProcess, Tables, eventually
from tests.support.wire import reader

WRITERS, RELAYS, AGGREGATES = 16, 3, 40
LONGEST_HOLD_SECONDS = 0.01
CLERK = Actor(type=ActorType.SYSTEM, subject="race")


@dataclass(frozen=True, slots=True)
class Result:
    """`lost` were committed and never sent; `inverted` came after a later version of their aggregate."""

    written: int
    lost: int
    inverted: int
    kills: int


async def race(stack: Stack, transactions: int, *, a_second: int, relay: str = "ours", kill: bool = False) -> Result:
    """Run one race on a new topic and count; writers are held to so many transactions a second."""
    name = f"test.race.{uuid4().hex[:12]}"
    admin = broker.admin(stack.state)
    kafka.apply_topics(admin, [Topic(name, Kind.EVENT, "partners", (), (), "aggregate_id")])
    tables = Tables(stack, "partners")
    with _track(tables, name) as aggregates, _relays(stack, relay) as relays:
        await eventually(lambda: all((process.directory / "pid").exists() for process in relays), "relays run")
        kills = list[int]()
        killing = asyncio.create_task(_kill_at_random(relays, kills)) if kill else None
        await _write(stack, name, aggregates, transactions, a_second)
        if killing:
            killing.cancel()
        due = "SELECT count(*) FROM outbox WHERE topic = %s AND published_at IS NULL"
        if relay != "cursor":
            await eventually(lambda: tables.value(due, name) == 0, "the outbox is empty", seconds=90)
        else:
            await eventually(lambda: _cursor_is_at_the_end(tables, name), "the cursor is at the end", seconds=90)
        written = [str(row["event_id"]) for row in tables.rows("SELECT event_id FROM outbox WHERE topic = %s", name)]
        received = await _received(stack, name)
    admin.delete_topics([name])[name].result(30)
    ids = {event["id"] for event in received}
    return Result(len(written), len(set(written) - ids), inversions(received), len(kills))


def inversions(received: list[dict[str, Any]]) -> int:
    """First deliveries that came after a later version of their aggregate; a repeat is none."""
    newest: defaultdict[str, int] = defaultdict(int)
    known: set[str] = set()
    inverted = 0
    for event in received:
        if event["id"] in known:
            continue
        known.add(event["id"])
        inverted += event["aggregate_version"] < newest[event["aggregate_id"]]
        newest[event["aggregate_id"]] = max(event["aggregate_version"], newest[event["aggregate_id"]])
    return inverted


class Ticked(BaseModel):
    """Not an `EventData`, so that no catalogue lists it; only its attributes count."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    kept: ClassVar[bool] = False


async def _write(stack: Stack, topic: str, aggregates: list[UUID], transactions: int, a_second: int) -> None:
    url = settings_of(stack, "partners").database_url.get_secret_value()
    engine = connect(url, pool_size=WRITERS)
    ticked = type("Ticked", (Ticked,), {"type": topic})()
    left, pause = iter(range(transactions)), WRITERS / a_second
    try:
        await asyncio.gather(*(_writer(engine, ticked, aggregates, left, pause) for _ in range(WRITERS)))
    finally:
        await engine.dispose()


async def _writer(engine: AsyncEngine, ticked: Any, aggregates: list[UUID], left: Iterator[int], pause: float) -> None:
    """One event of one aggregate a transaction, some of them held open for a moment."""
    for _ in left:
        aggregate = random.choice(aggregates)  # noqa: S311
        context = Context(request_id="race", command_id=uuid4())
        call = Call(CLERK, context, uuid4(), datetime.now(UTC))
        async with engine.begin() as connection:
            tx = Write(connection)
            lock = "UPDATE outbox_race SET version = version + 1 WHERE id = $1 RETURNING version"
            [(version,)] = await fetch(tx, lock, aggregate)
            await outbox.append(tx, [(call, Fact("race", aggregate, version, ticked), Outcome.SUCCEEDED, None)])
            await asyncio.sleep(random.uniform(0, LONGEST_HOLD_SECONDS))  # noqa: S311
        await asyncio.sleep(random.uniform(0, 2 * pause))  # noqa: S311


@contextmanager
def _track(tables: Tables, topic: str) -> Iterator[list[UUID]]:
    """Aggregates to lock, and afterwards an outbox as it was before."""
    aggregates = [uuid4() for _ in range(AGGREGATES)]
    with tables.connection() as connection:
        connection.execute("DROP TABLE IF EXISTS outbox_race, outbox_race_cursor")
        connection.execute("CREATE TABLE outbox_race (id uuid PRIMARY KEY, version int NOT NULL DEFAULT 0)")
        connection.execute(f"CREATE TABLE {TABLE} AS SELECT COALESCE(max(id), 0) AS last FROM outbox")
        connection.execute("GRANT SELECT, UPDATE ON outbox_race, outbox_race_cursor TO partners")
        connection.execute("INSERT INTO outbox_race (id) SELECT unnest(%s)", [aggregates])
        try:
            yield aggregates
        finally:
            connection.execute("DROP TABLE outbox_race, outbox_race_cursor")
            connection.execute("DELETE FROM outbox WHERE topic = %s", [topic])


@contextmanager
def _relays(stack: Stack, kind: str) -> Iterator[list[ServiceProcess]]:
    """Three processes that publish as the administrator, who may write a test's topic."""
    env = {"GATEHOUSE_KAFKA_USERNAME": "admin", "GATEHOUSE_KAFKA_PASSWORD": stack.state.secrets["kafka_admin"]}
    relays = [ServiceProcess(stack, "partners", env=env, command=command(kind), supervised=True) for _ in range(RELAYS)]
    try:
        for relay in relays:
            relay.start(wait=False)
        yield relays
    finally:
        for relay in relays:
            relay.stop()


async def _kill_at_random(relays: list[ServiceProcess], kills: list[int]) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.1, 1.5))  # noqa: S311
        pid = int((random.choice(relays).directory / "pid").read_text())  # noqa: S311
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            kills.append(pid)


def _cursor_is_at_the_end(tables: Tables, topic: str) -> bool:
    end = tables.value("SELECT max(id) FROM outbox WHERE topic = %s", topic)
    return bool(tables.value("SELECT last FROM outbox_race_cursor") >= end)


async def _received(stack: Stack, topic: str) -> list[dict[str, Any]]:
    """Everything on the topic, partition by partition in its order."""
    found: list[dict[str, Any]] = []
    async with reader(stack, "admin", topic) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        for partition, end in ends.items():
            consumer.pause(*(set(ends) - {partition}))
            consumer.resume(partition)
            while await consumer.position(partition) < end:
                batches = await consumer.getmany(partition, timeout_ms=1000)
                found += [orjson.loads(record.value) for records in batches.values() for record in records]
    return found
