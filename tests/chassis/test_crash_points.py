"""Promise 1: kill -9 anywhere, and every acknowledged command has one effect and exactly its events, in order.

Both lists come from the code: `crash.Point` and every `HANDLERS` table. A handler without a case fails
`test_every_handler_has_a_case`; a new point is killed at like the others, and fails if it is never reached.
"""

import asyncio
from collections.abc import Iterator

import pytest

from contracts.catalogue import command_types
from contracts.message import Command
from contracts.staffing import CREDENTIALS
from deploy.local.stack import Stack
from services.wire.crash import Point
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.crashing import survives
from tests.support import Bus, ServiceProcess, together
from tests.support.all_cases import ALL_CASES
from tests.support.cases import Prepared, handlers_in_the_code
from tests.support.export_cases import NO_EXPORT_JOBS

HANDLERS = handlers_in_the_code()
Services = dict[str, ServiceProcess]


@pytest.fixture(scope="module")
def services(stack: Stack, partners: ServiceProcess) -> Iterator[Services]:
    """One supervised process for each service that has handlers."""
    others = {name: ServiceProcess(stack, name, supervised=True, env=NO_EXPORT_JOBS) for name in ("staffing", "audit")}
    with together(*others.values()):
        yield {"partners": partners, **others}


async def every_command_of(topic: str, bus: Bus) -> list[Prepared]:
    """Each command that travels on one topic, so that one poll can hold them all."""
    return [await ALL_CASES[command](bus) for command in HANDLERS if command.topic == topic]


def test_every_handler_has_a_case() -> None:
    assert set(HANDLERS) == set(ALL_CASES) == set(command_types())


@ONE_LOOP
@pytest.mark.parametrize("point", Point)
async def test_a_batch_of_every_command_survives_a_kill_at_every_point(
    point: Point, services: Services, bus: Bus
) -> None:
    of_partners = await every_command_of("partners.commands", bus)
    of_staffing = await every_command_of("staffing.commands", bus)
    of_audit = await every_command_of("audit.commands", bus)

    await asyncio.gather(
        survives(bus, services["partners"], point, *of_partners),
        survives(bus, services["staffing"], point, *of_staffing),
        survives(bus, services["audit"], point, *of_audit),
    )


@ONE_LOOP
async def test_a_batch_of_credentials_survives_a_kill_after_its_commit(services: Services, bus: Bus) -> None:
    batch = await every_command_of(CREDENTIALS, bus)

    await survives(bus, services["staffing"], Point.AFTER_COMMIT, *batch)


@ONE_LOOP
@pytest.mark.faults
@pytest.mark.parametrize("point", Point)
@pytest.mark.parametrize("command", HANDLERS, ids=lambda command: command.type)
async def test_every_command_alone_survives_a_kill_at_every_point(
    command: type[Command], point: Point, services: Services, bus: Bus
) -> None:
    await survives(bus, services[HANDLERS[command]], point, await ALL_CASES[command](bus))
