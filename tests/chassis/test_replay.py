"""Promise 4, afterwards: an operator replays a dead letter, and nobody else can.

A replay is what `gatehouse dead-letters replay` does: the letter is marked, and the same bytes are sent again with one
more header that names it.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from deploy.local.stack import Stack
from services.chassis import Refusal
from services.chassis.dead_letters import REPLAY_HEADER
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.workbench import as_consumed, desk_of, lane
from tests.support import Bus, RawRecord, ServiceProcess, Tables, command_record, eventually, partner_admin
from tests.support.applicants import reservation

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("partners")]
AN_HOUR_AGO = -3600


def late_command(stack: Stack) -> RawRecord:
    """A command that waited so long for its service that its assertion expired."""
    actor = partner_admin(stack)
    return command_record(stack, reservation("kyb", actor.subject), actor, now=time.time() + AN_HOUR_AGO)


async def buried(bus: Bus, tables: Tables, record: RawRecord) -> int:
    """Send what cannot be accepted; the id of its letter."""
    sent = await bus.send(record)
    find = lambda: tables.letters_at(sent.topic, sent.partition, sent.offset)  # noqa: E731
    return int((await eventually(find, "its dead letter"))[0]["id"])


def mark_replayed(tables: Tables, letter: int) -> None:
    with tables.connection() as connection:
        connection.execute("UPDATE dead_letters SET replayed_at = now() WHERE id = %s", [letter])


def effects(tables: Tables, record: RawRecord) -> Sequence[object]:
    return tables.rows("SELECT status FROM replies WHERE command_id = %s", record.command_id)


async def test_a_letter_that_an_operator_replays_is_answered(stack: Stack, bus: Bus, tables: Tables) -> None:
    record = late_command(stack)
    letter = await buried(bus, tables, record)
    assert not effects(tables, record)

    mark_replayed(tables, letter)
    await bus.send(record.with_header(REPLAY_HEADER, str(letter).encode()))

    assert (await bus.answer_to(record)).status == 201
    assert len(effects(tables, record)) == 1


async def test_a_letter_replayed_three_times_has_one_effect(stack: Stack, bus: Bus, tables: Tables) -> None:
    record = late_command(stack)
    letter = await buried(bus, tables, record)
    mark_replayed(tables, letter)

    for _ in range(3):
        await bus.send(record.with_header(REPLAY_HEADER, str(letter).encode()))

    assert await bus.answer_to(record, nth=3) == await bus.answer_to(record, nth=1)
    assert len(effects(tables, record)) == 1


async def test_nobody_replays_a_letter_that_no_operator_marked(stack: Stack, bus: Bus, tables: Tables) -> None:
    record = late_command(stack)
    letter = await buried(bus, tables, record)

    again = await buried(bus, tables, record.with_header(REPLAY_HEADER, str(letter).encode()))

    assert again != letter
    assert not effects(tables, record)


async def test_a_marked_letter_opens_the_door_for_no_other_message(stack: Stack, bus: Bus, tables: Tables) -> None:
    record, other = late_command(stack), late_command(stack)
    letter = await buried(bus, tables, record)
    mark_replayed(tables, letter)

    await buried(bus, tables, other.with_header(REPLAY_HEADER, str(letter).encode()))

    assert not effects(tables, other)


async def test_a_marked_letter_may_be_late_but_not_altered(stack: Stack, bus: Bus, tables: Tables) -> None:
    record = late_command(stack)
    letter = await buried(bus, tables, record)
    mark_replayed(tables, letter)
    altered = replace(record, value=(record.value or b"").replace(b'"kyb"', b'"licensing"'))

    await buried(bus, tables, altered.with_header(REPLAY_HEADER, str(letter).encode()))

    assert not effects(tables, record)


async def test_a_letter_that_was_malformed_stays_buried_however_often_it_is_replayed(
    stack: Stack, bus: Bus, tables: Tables
) -> None:
    record = late_command(stack).without_header("ce_id")
    letter = await buried(bus, tables, record)
    mark_replayed(tables, letter)

    again = await buried(bus, tables, record.with_header(REPLAY_HEADER, str(letter).encode()))

    assert "incomplete" in tables.rows("SELECT error FROM dead_letters WHERE id = %s", again)[0]["error"]


async def test_a_command_buried_by_a_broken_handler_is_answered_once_the_handler_is_mended(
    stack: Stack, bus: Bus, tables: Tables, partners: ServiceProcess
) -> None:
    actor = partner_admin(stack)
    record = command_record(stack, reservation("kyb", actor.subject), actor)

    def broken(*_: object) -> Refusal:
        raise ZeroDivisionError

    async with lane(stack, desk_of(broken)) as process:
        consumed = as_consumed(record)
        await process([consumed])
    [letter] = tables.letters_at(record.topic, 99, consumed.offset)
    mark_replayed(tables, letter["id"])
    await bus.send(record.with_header(REPLAY_HEADER, str(letter["id"]).encode()))

    assert (await bus.answer_to(record, nth=1)).status == 500
    assert (await bus.answer_to(record, nth=2)).status == 201
