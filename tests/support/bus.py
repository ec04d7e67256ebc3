"""The gateway's side of the bus without a gateway: sends raw records, collects every reply by message id."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from contracts.message import Actor, Header, Request
from contracts.topics import REPLIES
from deploy.local.stack import Stack
from tests.support.records import RawRecord, command_record
from tests.support.waiting import eventually
from tests.support.wire import LARGEST, producer, reader


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply as it lies on `gateway.replies`."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body) if self.body else None

    @property
    def code(self) -> str | None:
        """The failure code of a refusal."""
        return self.json.get("code") if self.status >= 400 else None


class Bus:
    """`async with Bus.of(stack) as bus`; `replies` holds every reply seen since, by message id, in order."""

    def __init__(self, stack: Stack, sender: AIOKafkaProducer, receiver: AIOKafkaConsumer) -> None:
        self.stack = stack
        self.replies: defaultdict[UUID, list[Answer]] = defaultdict(list)
        self._sender, self._receiver = sender, receiver
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def of(cls, stack: Stack) -> AsyncIterator["Bus"]:
        async with (
            producer(stack, "gateway", linger_ms=2, max_batch_size=LARGEST) as sender,
            reader(stack, "gateway", REPLIES.name, from_end=True) as receiver,
        ):
            bus = cls(stack, sender, receiver)
            bus._listening = asyncio.create_task(bus._listen())
            try:
                yield bus
            finally:
                bus._listening.cancel()
                await asyncio.gather(bus._listening, return_exceptions=True)

    async def send(self, record: RawRecord, partition: int | None = None) -> RecordMetadata:
        """Put a record on its topic and wait for the broker."""
        return await self._sender.send_and_wait(
            record.topic, record.value, key=record.key, headers=list(record.headers), partition=partition
        )

    async def send_all(self, records: Sequence[RawRecord], partition: int) -> list[int]:
        """Put many on one partition as one record batch, which is read by one poll; returns their offsets."""
        batch = self._sender.create_batch()
        for record in records:
            headers = list(record.headers)
            appended = batch.append(key=record.key, value=record.value, timestamp=None, headers=headers)
            assert appended, "too much for one batch"
        sent = await (await self._sender.send_batch(batch, records[0].topic, partition=partition))
        return [sent.offset + n for n in range(len(records))]

    async def answer_to(self, record: RawRecord, nth: int = 1, seconds: float = 40.0) -> Answer:
        """The nth reply to a record that was sent."""
        replies = self.replies[record.message_id]

        def has_come() -> bool:
            assert self._listening, "use Bus.of"
            if self._listening.done():
                self._listening.result()
            return len(replies) >= nth

        await eventually(has_come, f"reply {nth} to {record.message_id}", seconds)
        return replies[nth - 1]

    async def ask(self, request: Request, actor: Actor, *, seconds: float = 40.0, **bent: Any) -> Answer:
        """Send a request as the gateway would and wait for its first reply."""
        record = command_record(self.stack, request, actor, **bent)
        await self.send(record)
        return await self.answer_to(record, seconds=seconds)

    async def _listen(self) -> None:
        async for record in self._receiver:
            headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
            if Header.STATUS in headers:  # other tests put stranger things here
                answer = Answer(int(headers[Header.STATUS]), record.value or b"", headers)
                self.replies[UUID(bytes=record.key)].append(answer)
