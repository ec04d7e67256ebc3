"""Control of promise 3: with nothing claimed, `deliver_three_times` notices and the effect triples."""

import pytest

from deploy.local.stack import Stack
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.controls import command as control
from tests.chassis.delivery import deliver_three_times
from tests.support import Bus, ServiceProcess, Tables, eventually, partner_cases

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("quiet")]


async def test_without_the_inbox_the_effect_triples(stack: Stack, bus: Bus, tables: Tables) -> None:
    with ServiceProcess(stack, "partners", command=control("without-inbox")):
        prepared = await partner_cases.reserve_upload(bus)

        with pytest.raises(AssertionError):
            await deliver_three_times(bus, prepared)

        await eventually(lambda: prepared.effects(tables) == 3, "the effect of each delivery")
