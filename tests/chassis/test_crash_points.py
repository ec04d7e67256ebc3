"""Promise 1: kill -9 anywhere, and every acknowledged command has one effect and exactly its events, in order.

Both lists come from the code: `crash.Point` and every `HANDLERS` table. A new handler without a case fails
`test_every_handler_has_a_case`; a new point is killed at like the others, and fails if it is never reached.
"""

from collections.abc import Iterator

import pytest

from contracts.catalogue import command_types
from contracts.message import Command
from deploy.local.stack import Stack
from services.chassis.crash import Point
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.crashing import survives
from tests.support import Bus, ServiceProcess
from tests.support.all_cases import ALL_CASES
from tests.support.cases import handlers_in_the_code

pytestmark = ONE_LOOP
HANDLERS = handlers_in_the_code()
EXAMPLE = next(command for command in HANDLERS if command.type == "partner.approve")


@pytest.fixture(scope="module")
def services(stack: Stack, partners: ServiceProcess) -> Iterator[dict[str, ServiceProcess]]:
    """One supervised process for each service that has handlers."""
    with ServiceProcess(stack, "staffing", supervised=True) as staffing:
        yield {"partners": partners, "staffing": staffing}


def test_every_handler_has_a_case() -> None:
    assert set(HANDLERS) == set(ALL_CASES) == set(command_types())


@pytest.mark.parametrize("point", Point)
async def test_a_command_survives_a_kill_at_every_point(
    point: Point, services: dict[str, ServiceProcess], bus: Bus
) -> None:
    await survives(bus, services[HANDLERS[EXAMPLE]], point, await ALL_CASES[EXAMPLE](bus))


@pytest.mark.parametrize("command", HANDLERS, ids=lambda command: command.type)
async def test_every_command_survives_a_kill_between_commit_and_publish(
    command: type[Command], services: dict[str, ServiceProcess], bus: Bus
) -> None:
    await survives(bus, services[HANDLERS[command]], Point.AFTER_COMMIT, await ALL_CASES[command](bus))


@pytest.mark.faults
@pytest.mark.parametrize("point", Point)
@pytest.mark.parametrize("command", HANDLERS, ids=lambda command: command.type)
async def test_every_command_survives_a_kill_at_every_point(
    command: type[Command], point: Point, services: dict[str, ServiceProcess], bus: Bus
) -> None:
    await survives(bus, services[HANDLERS[command]], point, await ALL_CASES[command](bus))
