"""Promise 5: two instances share the partitions and survive rebalances under load, nothing lost, nothing doubled."""

import pytest

from deploy.local.stack import Stack
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.steady_load import nothing_lost_or_doubled, steady_load
from tests.support import Bus, ServiceProcess, Tables, Tape, eventually

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("quiet")]


def answered_by(instance: ServiceProcess) -> int:
    return len(instance.lines("command.answered"))


def partitions_of(instance: ServiceProcess) -> set[str]:
    """What the instance was last given of the command topic."""
    given = [line for line in instance.lines("lane.assigned") if line["lane"] == "partners.commands"]
    return set(given[-1]["partitions"]) if given else set()


async def test_two_instances_share_partitions_and_survive_rebalances_under_load(
    stack: Stack, bus: Bus, tables: Tables
) -> None:
    first = ServiceProcess(stack, "partners", instance=0, supervised=True)
    second = ServiceProcess(stack, "partners", instance=1, supervised=True)
    async with Tape.of(stack) as tape, steady_load(bus, a_second=50) as load:
        with first:
            await eventually(lambda: answered_by(first) > 20, "the first answers alone")
            with second:
                await eventually(lambda: len(partitions_of(first)) == len(partitions_of(second)) == 2, "they share")
                await eventually(lambda: answered_by(second) > 20, "both answer")
                second.kill()
                await load.more(100)
                first.kill()
                await load.more(100)
            await eventually(lambda: len(partitions_of(first)) == 4, "the first has all again")
            await load.more(50)
            await nothing_lost_or_doubled(load, bus, tables, tape)
