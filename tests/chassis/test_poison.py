"""Promise 4: poison is buried whole within five tries, and its neighbours are answered meanwhile."""

from base64 import b64decode
from dataclasses import replace

import pytest

from contracts.partners import COMMANDS, QUERIES, ListPartners
from deploy.local.stack import Stack
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.poisons import POISONS, good, with_a_header_name_that_is_not_utf8
from tests.support import Bus, RawRecord, ServiceProcess, Tables, command_record, eventually, root_admin
from tests.support.wire import careless_producer, send_together

TRIES = 5
PARTITION = 2

pytestmark = ONE_LOOP


@pytest.mark.parametrize("kind", POISONS)
async def test_poison_is_buried_with_its_raw_bytes_and_its_neighbours_are_answered(
    kind: str, stack: Stack, partners: ServiceProcess, bus: Bus, tables: Tables
) -> None:
    before, poison, after = good(stack), POISONS[kind](stack), good(stack)
    starts = partners.starts

    _, offset, _ = await bus.send_all([before, poison, after], PARTITION)

    assert (await bus.answer_to(before)).status == 201
    assert (await bus.answer_to(after)).status == 201
    [letter] = await eventually(lambda: tables.letters_at(COMMANDS, PARTITION, offset), "its dead letter")
    assert (letter["key"], letter["value"], letter["tries"] <= TRIES) == (poison.key, poison.value, True)
    assert _headers(letter) == [(name.replace("\0", "�"), value or b"") for name, value in poison.headers]
    assert letter["error"]
    assert partners.starts == starts, f"{kind} ended the service\n{partners.tail()}"


def _headers(letter: dict[str, object]) -> list[tuple[str, bytes]]:
    return [(name, b64decode(value)) for name, value in letter["headers"]]  # type: ignore[attr-defined]


async def test_a_batch_of_nothing_but_poison_leaves_one_letter_each(
    stack: Stack, partners: ServiceProcess, bus: Bus, tables: Tables
) -> None:
    poisons: list[RawRecord] = [bend(stack) for bend in POISONS.values()]

    offsets = await bus.send_all(poisons, PARTITION)
    last = good(stack)
    await bus.send(last, PARTITION)

    assert (await bus.answer_to(last)).status == 201
    assert all(len(tables.letters_at(COMMANDS, PARTITION, offset)) == 1 for offset in offsets)


async def test_a_header_of_a_stranger_without_a_value_does_no_harm(
    stack: Stack, partners: ServiceProcess, bus: Bus
) -> None:
    record = good(stack).with_header("x-note", None)

    await bus.send(record)

    assert (await bus.answer_to(record)).status == 201


async def test_a_header_name_that_is_not_utf8_is_buried_too(
    stack: Stack, partners: ServiceProcess, bus: Bus, tables: Tables
) -> None:
    """The client library decodes names itself: it must neither skip its neighbours nor stop for ever."""
    before, poison, after = good(stack), with_a_header_name_that_is_not_utf8(stack), good(stack)

    async with careless_producer(stack, "gateway") as sender:
        _, sent, _ = await send_together(sender, [before, poison, after], PARTITION)

    assert (await bus.answer_to(before)).status == 201
    assert (await bus.answer_to(after)).status == 201
    assert await eventually(lambda: tables.letters_at(sent.topic, sent.partition, sent.offset), "its dead letter")


async def test_no_poison_among_questions_stops_the_next_question(
    stack: Stack, partners: ServiceProcess, bus: Bus
) -> None:
    """Nothing is lost by not reading a question, so what cannot be read is dropped."""
    starts, actor = partners.starts, root_admin(stack)
    poisons = [replace(bend(stack), topic=QUERIES) for bend in POISONS.values()]
    question = command_record(stack, ListPartners(limit=1), actor)

    await bus.send_all([*poisons, question], PARTITION)

    assert (await bus.answer_to(question)).status == 200
    assert partners.starts == starts, partners.tail()
