"""SIGTERM ends a service in time while Kafka is away; what it had in hand is done by the next one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import pytest

from deploy.local.part import SERVICES
from deploy.local.stack import Stack
from services.wire.serving import CUT_SHORT
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.lanes import Taken, running
from tests.chassis.poisons import good
from tests.support import Bus, RawRecord, ServiceProcess, Tables, Tape, eventually
from tests.support.review_cases import NO_TIMERS
from tests.system.engines import frozen, stopped

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("quiet")]
OUTAGES = {"frozen": frozen, "stopped": stopped}
STOP_SECONDS, GRACE_SECONDS = 5.0, 5.0
HURRIED = {**NO_TIMERS, "GATEHOUSE_STOP_SECONDS": str(STOP_SECONDS)}


async def leave(process: ServiceProcess) -> int:
    """Its exit code; AssertionError unless it is gone in its time."""
    return await asyncio.to_thread(process.stop, STOP_SECONDS + GRACE_SECONDS)


@asynccontextmanager
async def in_hand(bus: Bus, tables: Tables, record: RawRecord) -> AsyncIterator[None]:
    """Within the block the service has the command and can't make the upload."""
    with tables.connection() as connection, connection.transaction():
        connection.execute("LOCK TABLE uploads IN ACCESS EXCLUSIVE MODE")
        await bus.send(record)
        await eventually(lambda: tables.value("SELECT count(*) FROM pg_locks WHERE NOT granted"), "it is in hand")
        yield


@pytest.mark.parametrize("kind", ["frozen", pytest.param("stopped", marks=pytest.mark.faults)])
async def test_what_was_in_hand_while_kafka_was_away_is_done_once_by_the_next_one(
    stack: Stack, tables: Tables, kind: str
) -> None:
    record, partners = good(stack), ServiceProcess(stack, "partners", env=HURRIED)
    async with Tape.of(stack) as tape, Bus.of(stack) as bus:
        await asyncio.to_thread(partners.start)
        async with in_hand(bus, tables, record), OUTAGES[kind](stack, "kafka"):
            await leave(partners)
        with partners:
            answer = await bus.answer_to(record)
            told = await eventually(lambda: tape.of_command(record.command_id), "its event is on the wire")

    assert answer.status == 201
    assert [seen.topic for seen in told] == ["upload.reserved"]


async def test_what_was_decided_while_kafka_was_away_is_told_once_by_the_next_one(stack: Stack, tables: Tables) -> None:
    record, partners = good(stack), ServiceProcess(stack, "partners", env=HURRIED)
    async with Tape.of(stack) as tape, Bus.of(stack) as bus:
        await asyncio.to_thread(partners.start)
        async with AsyncExitStack() as away:
            async with in_hand(bus, tables, record):
                await away.enter_async_context(frozen(stack, "kafka"))
            await eventually(lambda: decided(tables, record), "it is decided, and nobody can be told")
            code = await leave(partners)
        with partners:
            answer = await bus.answer_to(record)
            told = await eventually(lambda: tape.of_command(record.command_id), "its event is on the wire")

    assert code == CUT_SHORT
    assert answer.status == 201
    assert [seen.topic for seen in told] == ["upload.reserved"]


def decided(tables: Tables, record: RawRecord) -> int:
    stored: int = tables.value("SELECT count(*) FROM replies WHERE message_id = %s", record.message_id)
    return stored


async def test_every_process_is_gone_in_its_time_while_kafka_is_away(stack: Stack) -> None:
    with ExitStack() as left:
        processes = [ServiceProcess(stack, name, env=HURRIED).start(wait=False) for name in SERVICES]
        for process in processes:
            left.callback(process.stop)
        for process in processes:
            await asyncio.to_thread(process.wait_ready)
        async with frozen(stack, "kafka"):
            codes = await asyncio.gather(*map(leave, processes))

    assert set(codes) <= {0, CUT_SHORT}
    assert dict(zip(SERVICES, codes, strict=True))["witness"] == 0, "it does not know Kafka"


async def test_the_lag_is_told_at_once_while_the_broker_does_not_say_where_a_partition_is_read(stack: Stack) -> None:
    """The audit service asks for it in the middle of its batches, and the watchdog at any time."""
    async with running(stack, Taken()) as lane, frozen(stack, "kafka"):
        unknown = asyncio.ensure_future(lane.consumer.seek_to_beginning())
        began = time.monotonic()
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await lane.lag()
            await lane.stuck_seconds()
        still = not unknown.done()
        unknown.cancel()
        await asyncio.gather(unknown, return_exceptions=True)

    assert still, "the position was known"
    assert time.monotonic() - began < 5
