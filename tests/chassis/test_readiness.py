"""Ready means able to work; SIGTERM ends what is in hand and nothing else; a lane that is stuck ends its process."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import SystemRandom

import pytest

from deploy.local.stack import Stack
from services.chassis import health
from services.chassis.health import Health, watchdog
from services.chassis.messaging import Lane
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.lanes import Taken, running
from tests.chassis.poisons import good
from tests.chassis.steady_load import nothing_lost_or_doubled, steady_load
from tests.support import Bus, ServiceProcess, Tables, Tape, eventually

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("quiet")]
STUCK = 75
BOTH_LANES = 2
NEWCOMER = SystemRandom().randrange(1_000, 1_000_000)
"""The broker does not know it yet, so its coming is a rebalance."""
HURRY = "from services.chassis import health; health.LOOK_SECONDS = 0; from services.partners.app import main; main()"
ALWAYS_LOOKING = (sys.executable, "-c", HURRY)
LONG = 60
"""So many looks are three times the patience of a hasty watchdog."""


@pytest.fixture
def lonely(stack: Stack) -> Iterator[ServiceProcess]:
    """Nobody starts it again when it ends."""
    with ServiceProcess(stack, "partners") as process:
        yield process


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A watchdog that looks often and loses its patience soon; the exit codes it would have ended us with."""
    exits = list[int]()
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(health, "STUCK_SECONDS", 0.4)
    monkeypatch.setattr(os, "_exit", exits.append)
    return exits


@asynccontextmanager
async def watched(lane: Lane, *, database_away: bool = False) -> AsyncIterator[list[bool]]:
    """The watchdog at work; each time it asks whether the database is away is kept."""
    asked = list[bool]()

    async def is_away() -> bool:
        asked.append(database_away)
        return database_away

    watching = asyncio.create_task(watchdog([lane], is_away))
    try:
        yield asked
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def problems_of(lane: Lane) -> dict[str, str]:
    readiness = Health()
    readiness.watch_lanes([lane])
    return await readiness.problems()


async def test_not_ready_while_the_database_is_away_and_ready_again_by_itself(
    stack: Stack, lonely: ServiceProcess
) -> None:
    before = lonely.readiness()
    try:
        await asyncio.to_thread(stack.stop_part, "postgres")
        await eventually(lambda: lonely.readiness()[0] == 503, "not ready")
        meanwhile = lonely.readiness()
    finally:
        await asyncio.to_thread(stack.start_part, "postgres")

    assert before == (200, {})
    assert (meanwhile[0], set(meanwhile[1])) == (503, {"database"})
    await eventually(lambda: lonely.readiness() == (200, {}), "ready again", seconds=15)
    assert lonely.is_alive


async def test_sigterm_under_load_ends_what_is_in_hand_and_leaves_the_rest_to_the_next_process(
    stack: Stack, bus: Bus, tables: Tables, lonely: ServiceProcess
) -> None:
    async with Tape.of(stack) as tape:
        async with steady_load(bus, a_second=200) as load:
            await eventually(lambda: sum(r.message_id in bus.replies for _, r in load.sent) > 50, "it is at work")
            code = await asyncio.to_thread(lonely.stop)
            half_told = tables.value("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            decided = {row["message_id"] for row in tables.rows("SELECT message_id FROM replies")}
            mine = decided & {record.message_id for _, record in load.sent}
            await load.more(50)

        assert (code, half_told) == (0, 0), lonely.tail(3)
        await eventually(lambda: all(bus.replies[one] for one in mine), "whatever was decided is answered already")
        assert len(mine) < len(load.sent), "the load went on after the process"
        with ServiceProcess(stack, "partners"):
            await nothing_lost_or_doubled(load, bus, tables, tape)


async def test_a_lane_that_is_stuck_is_not_ready_and_ends_the_process(stack: Stack, bus: Bus, hasty: list[int]) -> None:
    taken = Taken()
    taken.free.clear()
    await bus.send(good(stack))

    async with running(stack, taken) as lane, watched(lane):
        await eventually(lambda: taken.batches, "a batch is in hand")
        await eventually(lambda: hasty, "the watchdog bites", seconds=10)
        problems = await problems_of(lane)
        taken.free.set()

    assert set(hasty) == {STUCK}
    assert "has waited" in problems[f"lane.{lane.name}"]


async def test_a_lane_that_waits_for_the_database_is_left_alone(stack: Stack, bus: Bus, hasty: list[int]) -> None:
    taken = Taken()
    taken.free.clear()
    await bus.send(good(stack))

    async with running(stack, taken) as lane, watched(lane, database_away=True) as asked:
        await eventually(lambda: len(asked) > 3, "the watchdog would have bitten")
        taken.free.set()

    assert hasty == []


@pytest.mark.parametrize("doing", ["work", "nothing"])
async def test_a_lane_that_moves_or_has_nothing_to_do_is_left_alone(
    doing: str, stack: Stack, bus: Bus, hasty: list[int]
) -> None:
    taken = Taken()

    async with running(stack, taken) as lane, watched(lane) as asked:
        looks = looks_at(lane)
        while len(looks) < LONG:
            if doing == "work":
                await bus.send(good(stack))
            await asyncio.sleep(health.LOOK_SECONDS)

    assert (hasty, asked) == ([], [])


async def test_a_watchdog_that_always_looks_disturbs_neither_a_rebalance_nor_the_stop(stack: Stack) -> None:
    with ServiceProcess(stack, "partners", command=ALWAYS_LOOKING) as process:
        with ServiceProcess(stack, "partners", instance=NEWCOMER):
            await eventually(lambda: len(process.lines("lane.assigned")) > BOTH_LANES, "it shares with another")
        code = await asyncio.to_thread(process.stop)

    assert (code, process.lines("background.ended")) == (0, [])


def looks_at(lane: Lane) -> list[float]:
    """Every look that the watchdog takes at a lane from now on."""
    looks, look = list[float](), lane.stuck_seconds

    async def counted() -> float:
        looks.append(await look())
        return looks[-1]

    lane.stuck_seconds = counted  # type: ignore[method-assign]
    return looks
