"""What the broker has not acknowledged yet: the next batch does not wait for it, offsets do."""

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import uuid4

from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from deploy.local.stack import Stack
from services.chassis.messaging import Sent
from services.wire.envelope import Record
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.lanes import running
from tests.chassis.poisons import good
from tests.support import eventually
from tests.support.wire import producer, send_together

pytestmark = ONE_LOOP


class Sending:
    """Takes batches and says for each that its answers are on their way: a future for the test to end."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Record]] = []
        self.sent: list[asyncio.Future[None]] = []

    async def __call__(self, records: Sequence[Record]) -> Sent:
        self.batches.append(records)
        self.sent.append(asyncio.get_running_loop().create_future())
        return self.sent[-1]


def places(records: Sequence[Record]) -> set[tuple[str, int, int]]:
    return {(record.topic, record.partition, record.offset) for record in records}


async def put(stack: Stack) -> None:
    async with producer(stack, "gateway") as client:
        await send_together(client, [good(stack)])


async def test_the_next_batch_begins_before_the_acknowledgement_and_offsets_wait_for_it(stack: Stack) -> None:
    sending, group = Sending(), f"partners.{uuid4().hex}"
    await put(stack)

    async with running(stack, sending, group) as lane:
        await eventually(lambda: sending.batches, "the first batch")
        first = sending.batches[0][-1]
        place = TopicPartition(first.topic, first.partition)
        await put(stack)
        await eventually(lambda: len(sending.batches) > 1, "another batch, while the first is not acknowledged")
        meanwhile = await lane.consumer.committed(place)
        sending.sent[0].set_result(None)
        await eventually(partial(lane.consumer.committed, place), "its offset is committed")
        for late in sending.sent[1:]:
            late.set_result(None)

    assert meanwhile is None


async def test_what_the_broker_did_not_take_is_processed_again_before_its_offsets_are_committed(stack: Stack) -> None:
    sending, group = Sending(), f"partners.{uuid4().hex}"
    await put(stack)

    async with running(stack, sending, group) as lane:
        await eventually(lambda: sending.batches, "the first batch")
        place = TopicPartition(sending.batches[0][-1].topic, sending.batches[0][-1].partition)
        sending.sent[0].set_exception(KafkaTimeoutError())
        again = await eventually(
            lambda: [n for n, batch in enumerate(sending.batches) if n and places(batch) == places(sending.batches[0])],
            "the same records again",
        )
        meanwhile = await lane.consumer.committed(place)
        sending.sent[again[0]].set_result(None)
        await eventually(partial(lane.consumer.committed, place), "its offset is committed")
        for late in sending.sent:
            if not late.done():
                late.set_result(None)

    assert meanwhile is None
