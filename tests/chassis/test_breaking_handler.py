"""Promise 4, the twelfth kind: a command that breaks its batch is found, tried five times and buried alone."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from contracts.failures import Code
from deploy.local.stack import Stack
from services.chassis import Call, Outcome, Refusal, Reply, Write, fetch
from services.chassis.patience import TRIES
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.poisons import good
from tests.chassis.workbench import as_consumed, desk_of, lane
from tests.support import Bus, Tables

pytestmark = ONE_LOOP


async def test_a_handler_that_raises_is_tried_five_times_and_its_neighbours_are_answered(
    stack: Stack, bus: Bus, tables: Tables
) -> None:
    batch = [good(stack) for _ in range(5)]
    poison, calls = batch[2], list[Call]()

    def handle(_: Any, call: Call, __: Any) -> Outcome:
        calls.append(call)
        if call.message_id == poison.message_id:
            raise ZeroDivisionError("the thirteenth hour")
        return Reply(201)

    records = [as_consumed(record) for record in batch]
    async with lane(stack, desk_of(handle)) as process:
        await process(records)

    answers = [await bus.answer_to(record) for record in batch]
    assert [answer.status for answer in answers] == [201, 201, 500, 201, 201]
    assert answers[2].code == Code.INTERNAL
    assert "thirteenth" not in answers[2].body.decode()
    [letter] = tables.letters_at(poison.topic, 99, records[2].offset)
    assert (letter["value"], letter["tries"]) == (poison.value, TRIES)
    assert "thirteenth hour" in letter["error"]
    alone = [call for call in calls if call.message_id == poison.message_id]
    assert len(alone) == 1 + TRIES, "once with its neighbours, then five times alone"


BROKEN_STATEMENTS: dict[str, tuple[str, tuple[object, ...]]] = {
    "the server refuses": ("SELECT 1 / $1::int", (0,)),
    "the driver refuses": ("SELECT $1::int", ("thirteen",)),
    "a constraint refuses": ("INSERT INTO replies (message_id) VALUES ($1)", (UUID(int=0),)),
    "nobody granted": ("DELETE FROM dead_letters", ()),
    "nobody can parse": ("SELEKT", ()),
}


@pytest.mark.parametrize("what", BROKEN_STATEMENTS)
async def test_a_row_that_breaks_its_batch_is_buried_alone(what: str, stack: Stack, bus: Bus, tables: Tables) -> None:
    batch = [good(stack) for _ in range(3)]
    poison, (statement, args) = batch[1], BROKEN_STATEMENTS[what]

    def handle(_: Any, call: Call, calls: list[Call]) -> Outcome:
        calls.append(call)
        return Reply(201)

    async def save(tx: Write, calls: list[Call]) -> None:
        if any(call.message_id == poison.message_id for call in calls):
            await fetch(tx, statement, *args)

    records = [as_consumed(record) for record in batch]
    async with lane(stack, desk_of(handle, save)) as process, asyncio.timeout(60):
        await process(records)

    assert [(await bus.answer_to(record)).status for record in batch] == [201, 500, 201]
    [letter] = tables.letters_at(poison.topic, 99, records[1].offset)
    assert letter["tries"] == TRIES


async def test_a_refusal_is_no_failure_and_is_not_buried(stack: Stack, bus: Bus, tables: Tables) -> None:
    record = good(stack)
    consumed = as_consumed(record)

    async with lane(stack, desk_of(lambda *_: Refusal(Code.NOT_FOUND))) as process:
        await process([consumed])

    assert (await bus.answer_to(record)).status == 404
    assert tables.letters_at(record.topic, 99, consumed.offset) == []


@pytest.mark.parametrize("asked_for", [-1, 8, 2**40])
async def test_a_command_that_asks_for_a_reply_nowhere_still_takes_effect(
    stack: Stack, tables: Tables, asked_for: int
) -> None:
    record = good(stack).with_header("ce_replypartition", str(asked_for).encode())

    async with lane(stack, desk_of(lambda *_: Reply(201))) as process:
        await process([as_consumed(record)])

    assert tables.value("SELECT count(*) FROM replies WHERE message_id = %s", record.message_id) == 1
