"""Control of promise 1: a chassis that commits offsets before it handles loses what it holds when it is killed."""

import pytest

from deploy.local.stack import Stack
from services.wire.crash import Point
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.controls import command as control
from tests.chassis.crashing import kill_at
from tests.support import Bus, ServiceProcess, Tables, command_record
from tests.support.partner_cases import reserve_upload

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("quiet")]


async def test_offsets_before_handling_lose_the_command(stack: Stack, bus: Bus, tables: Tables) -> None:
    with ServiceProcess(stack, "partners", command=control("offsets-first"), supervised=True) as service:
        lost, next_one = await reserve_upload(bus), await reserve_upload(bus)
        record = command_record(stack, lost.command, lost.actor)

        await kill_at(Point.AFTER_CLAIM, service, bus, [(lost, record)])
        after = command_record(stack, next_one.command, next_one.actor)
        await bus.send_all([after], partition=0)

        assert (await bus.answer_to(after)).status == 201
        assert bus.replies[record.message_id] == []
        assert lost.effects(tables) == 0
