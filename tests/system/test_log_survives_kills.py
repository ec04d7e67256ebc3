"""Promise 1 for the log: the audit service killed after a commit or at random keeps every event once, without a gap."""

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.local.stack import Stack
from services.wire.crash import Point
from tests.chassis.steady_load import Load, steady_load
from tests.support import Bus, ServiceProcess, Tables, eventually, together


@pytest.fixture
def services(stack: Stack) -> Iterator[dict[str, ServiceProcess]]:
    partners, audit = ServiceProcess(stack, "partners"), ServiceProcess(stack, "audit", supervised=True)
    with together(partners, audit):
        yield {"partners": partners, "audit": audit}


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with Bus.of(stack) as found:
        yield found


async def test_the_log_holds_every_event_once_however_often_it_is_killed(
    stack: Stack, services: dict[str, ServiceProcess], bus: Bus
) -> None:
    audit, log = services["audit"], Tables(stack, "audit")

    async with steady_load(bus, a_second=40) as load:
        await load.more(20)
        audit.crash.arm(Point.BEFORE_OFFSETS)
        await eventually(lambda: audit.crash.happened, "killed between its commit and its offsets")
        for _ in range(3):
            await load.more(40)
            audit.kill()
        await load.more(20)

    await eventually(lambda: recorded(log, load) == len(load.sent), "every event is in the log", seconds=90)
    assert audit.starts >= 5
    assert log.value("SELECT count(*) - max(position) FROM events") == 1, "positions have no gap"


def recorded(log: Tables, load: Load) -> int:
    """How many of the load's commands have their event in the log; an event can be there only once."""
    commands = [record.command_id for _, record in load.sent]
    return int(log.value("SELECT count(*) FROM events WHERE command_id = ANY(%s)", commands))
