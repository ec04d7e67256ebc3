"""Promise 5: an instance that is stopped for a deployment and one that is killed come back to their partitions.

`test_rebalances.py` kills both and takes one away for good; here one ends gracefully, is started again, and at the end
both have their share and answer.
"""

import asyncio
from collections.abc import Iterator

import pytest

from contracts.partners import COMMANDS
from contracts.topics import BY_NAME
from deploy.local.stack import Stack
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.steady_load import nothing_lost_or_doubled, steady_load
from tests.chassis.test_rebalances import answered_by, partitions_of
from tests.support import Bus, ServiceProcess, Tables, Tape, eventually, together

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("quiet")]
ALL = {f"{COMMANDS}/{number}" for number in range(BY_NAME[COMMANDS].partitions)}


@pytest.fixture
def instances(stack: Stack) -> Iterator[tuple[ServiceProcess, ServiceProcess]]:
    first = ServiceProcess(stack, "partners", instance=0)
    second = ServiceProcess(stack, "partners", instance=1, supervised=True)
    with together(first, second):
        yield first, second


async def test_two_instances_lose_and_double_nothing_while_one_is_deployed_and_one_is_killed(
    stack: Stack, bus: Bus, tables: Tables, instances: tuple[ServiceProcess, ServiceProcess]
) -> None:
    first, second = instances
    async with Tape.of(stack) as tape, steady_load(bus, a_second=50) as load:
        await eventually(lambda: share(instances), "they share")
        await eventually(lambda: min(map(answered_by, instances)) > 20, "both answer")

        assert await asyncio.to_thread(first.stop) == 0
        await load.more(50)
        await asyncio.to_thread(first.start)
        second.kill()
        await load.more(100)

        before = [answered_by(instance) for instance in instances]
        await eventually(lambda: share(instances), "they share again")
        await eventually(lambda: all(answered_by(i) > n for i, n in zip(instances, before, strict=True)), "both answer")
        await nothing_lost_or_doubled(load, bus, tables, tape)
    assert second.starts == 2


def share(instances: tuple[ServiceProcess, ServiceProcess]) -> bool:
    """Each has some, none is in two hands, none is left over."""
    first, second = map(partitions_of, instances)
    return bool(first) and bool(second) and first.isdisjoint(second) and first | second == ALL
