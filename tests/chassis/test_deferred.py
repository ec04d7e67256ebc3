"""An answer that comes later: who asked is told by whoever settles it, once, and again under the same key."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from contracts.failures import Code
from contracts.partners import DocumentKind, ReserveUpload
from deploy.local.stack import Stack
from services.chassis import Call, Decision, Deferred, Refusal, Reply
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.workbench import as_consumed, desk_of, lane
from tests.support import Bus, RawRecord, Tables, command_record, partner_admin

pytestmark = ONE_LOOP

BEGIN, FINISH, FAIL = 1, 2, 3


def desk(key: UUID) -> Any:
    """The size of the upload tells what to do with `key`."""

    def handle(command: ReserveUpload, _: Call, __: Any) -> Decision:
        if command.size == BEGIN:
            return Deferred(key)
        outcome = Reply(200, etag='"7"') if command.size == FINISH else Refusal(Code.SWAP_RPC_FAILED)
        return Reply(201, settles={key: outcome})

    return desk_of(handle)


def order(stack: Stack, size: int, command_id: UUID | None = None) -> RawRecord:
    command = ReserveUpload(kind=DocumentKind.KYB, content_type="application/pdf", size=size, sha256="ab" * 32)
    return command_record(stack, command, partner_admin(stack, "ada"), command_id=command_id)


async def test_nobody_is_answered_before_it_is_settled_and_then_exactly_once(stack: Stack, bus: Bus) -> None:
    first, last = order(stack, BEGIN), order(stack, FINISH)

    async with lane(stack, desk(uuid4())) as process:
        await (await process([as_consumed(first)]))
        assert bus.replies[first.message_id] == []
        await (await process([as_consumed(last)]))

        answer = await bus.answer_to(first)
        assert (answer.status, answer.headers["etag"]) == (200, '"7"')
        await (await process([as_consumed(order(stack, FINISH))]))
        await bus.answer_to(last)
        assert len(bus.replies[first.message_id]) == 1


async def test_the_settled_answer_is_given_again_under_its_key(stack: Stack, bus: Bus) -> None:
    command_id = uuid7()
    first = order(stack, BEGIN, command_id)

    async with lane(stack, desk(uuid4())) as process:
        await process([as_consumed(first)])
        await process([as_consumed(order(stack, FINISH))])
        again = order(stack, BEGIN, command_id)
        await process([as_consumed(again)])

    assert await bus.answer_to(again) == await bus.answer_to(first)


async def test_everybody_who_asked_under_one_key_is_answered(stack: Stack, bus: Bus, tables: Tables) -> None:
    command_id = uuid7()
    askers = [order(stack, BEGIN, command_id) for _ in range(3)]

    async with lane(stack, desk(uuid4())) as process:
        for asker in askers:
            await process([as_consumed(asker)])
        await process([as_consumed(order(stack, FINISH))])

    assert [(await bus.answer_to(asker)).status for asker in askers] == [200, 200, 200]
    bound = "SELECT count(*) FROM replies WHERE command_id = %s AND binding"
    assert tables.value(bound, command_id) == 1


async def test_a_redelivery_while_it_is_pending_asks_nothing_twice(stack: Stack, bus: Bus, tables: Tables) -> None:
    key = uuid4()
    first = order(stack, BEGIN)

    async with lane(stack, desk(key)) as process:
        for _ in range(3):
            await process([as_consumed(first)])

    assert tables.value("SELECT count(*) FROM waiting WHERE key = %s", key) == 1


@pytest.mark.parametrize("size", [FINISH, FAIL])
async def test_a_refusal_settles_like_a_success(stack: Stack, bus: Bus, tables: Tables, size: int) -> None:
    key, first = uuid4(), order(stack, BEGIN)

    async with lane(stack, desk(key)) as process:
        await process([as_consumed(first)])
        await process([as_consumed(order(stack, size))])

    answer = await bus.answer_to(first)
    assert (answer.status, answer.code) == ((200, None) if size == FINISH else (502, Code.SWAP_RPC_FAILED))
    assert tables.value("SELECT count(*) FROM waiting WHERE key = %s", key) == 0
