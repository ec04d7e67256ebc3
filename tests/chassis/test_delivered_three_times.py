"""Promise 3: every message delivered three times has one effect and one answer."""

import pytest

from contracts.message import Command
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.delivery import deliver_three_times
from tests.support import Bus, ServiceProcess, Tables, Tape, command_record, eventually, partner_cases
from tests.support.all_cases import ALL_CASES
from tests.support.cases import handlers_in_the_code

pytestmark = ONE_LOOP
PARTNER_COMMANDS = [command for command, service in handlers_in_the_code().items() if service == "partners"]


@pytest.mark.parametrize("command", PARTNER_COMMANDS, ids=lambda command: command.type)
async def test_a_message_delivered_three_times_has_one_effect_and_the_same_answer(
    command: type[Command], partners: ServiceProcess, bus: Bus, tables: Tables
) -> None:
    prepared = await ALL_CASES[command](bus)

    async with Tape.of(bus.stack) as tape:
        record = await deliver_three_times(bus, prepared)
        wanted = len(prepared.events)
        await eventually(lambda: len(tape.of_command(record.command_id)) >= wanted, "its events on the wire")

    assert prepared.effects(tables) == 1
    assert sorted(seen.topic for seen in tape.of_command(record.command_id)) == sorted(prepared.events)


async def test_three_deliveries_in_one_batch_have_one_effect(
    partners: ServiceProcess, bus: Bus, tables: Tables
) -> None:
    prepared = await partner_cases.reserve_upload(bus)
    record = command_record(bus.stack, prepared.command, prepared.actor)
    last = command_record(bus.stack, prepared.command, prepared.actor, command_id=record.command_id)

    await bus.send_all([record, record, record, last], partition=0)

    assert await bus.answer_to(last) == await bus.answer_to(record)
    assert prepared.effects(tables) == 1
