"""Send a message to its owner and await its reply: the only place where HTTP meets Kafka.

Replies come by one raw batched loop over this instance's own partition of `gateway.replies`, and resolve futures
by message id. Nothing is awaited one message at a time: a send is not waited for, only its failure is noticed.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from uuid_utils.compat import uuid7

from contracts.failures import Code
from contracts.message import Actor, Context, Header, Request
from contracts.topics import REPLIES
from services.gateway.problems import Failure
from services.gateway.settings import GatewaySettings
from services.wire.actor import ISSUER, private_key
from services.wire.kafka import client_options, make_producer
from services.wire.requests import Outgoing, Sender

SEND_SECONDS = 3.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply's exact bytes and the headers it travels with."""

    status: int
    body: bytes
    etag: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks and from where; `request_id` and `traceparent` follow the message everywhere."""

    actor: Actor
    request_id: str
    ip: str | None
    traceparent: str


def command_id(caller: Caller, method: str, route: str, key: str | None) -> UUID:
    """Stable for one (issuer, subject, method, route, Idempotency-Key), else new."""
    if key is None:
        return uuid7()
    parts = (caller.actor.issuer, caller.actor.subject, method, route, key)
    return uuid5(NAMESPACE_URL, "".join(f"{len(part)}:{part}" for part in parts))


class Dispatcher:
    """`ask` sends one request and returns its answer. Start before use; stop waits for nothing."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._sender = Sender("/gateway", ISSUER, private_key(settings.actor_signing_key.get_secret_value()))
        self._partition = settings.instance % REPLIES.partitions
        self._producer: AIOKafkaProducer = make_producer(settings)
        self._consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
        self._waiting: dict[bytes, asyncio.Future[Answer]] = {}
        self._running: set[UUID] = set()
        self._loop_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._producer.start()
        await self._consumer.start()
        mine = TopicPartition(REPLIES.name, self._partition)
        self._consumer.assign([mine])
        await self._consumer.seek_to_end(mine)
        self._loop_task = asyncio.create_task(self._receive())

    async def stop(self) -> None:
        if self._loop_task:
            self._loop_task.cancel()
        await self._consumer.stop()
        await self._producer.stop()

    @property
    def receiving(self) -> bool:
        return self._loop_task is not None and not self._loop_task.done()

    async def ask(self, request: Request, caller: Caller, command: UUID, topic: str | None = None) -> Answer:
        """The owner's answer. Raises TimeoutError when it is late, though the message may still take effect.

        Raises Failure(IDEMPOTENCY_IN_PROGRESS), and Failure(DEPENDENCY_UNAVAILABLE) when it was not sent.
        """
        if command in self._running:
            raise Failure(Code.IDEMPOTENCY_IN_PROGRESS)
        message_id = uuid7()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[message_id.bytes] = answer
        self._running.add(command)
        try:
            delivery = await self._buffered(request, caller, command, message_id, topic or request.topic)
            delivery.add_done_callback(lambda sent: _note_failure(sent, answer))
            async with asyncio.timeout(self._settings.reply_seconds):
                return await answer
        except TimeoutError as error:
            if not delivery.done() or delivery.exception():  # 202 is a promise, and the broker has acknowledged nothing
                raise Failure(Code.DEPENDENCY_UNAVAILABLE, "ask again with the same Idempotency-Key") from error
            raise
        except KafkaError as error:
            log.warning(
                "dispatch.unsent",
                request_id=caller.request_id,
                command_id=str(command),
                traceparent=caller.traceparent,
                error=repr(error),
            )
            raise Failure(Code.DEPENDENCY_UNAVAILABLE) from error
        finally:
            self._waiting.pop(message_id.bytes, None)
            self._running.discard(command)

    async def _buffered(self, *message: Any) -> "asyncio.Future[Any]":
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await self._send(*message)
        except TimeoutError as error:
            raise Failure(Code.DEPENDENCY_UNAVAILABLE) from error

    async def _send(
        self, request: Request, caller: Caller, command: UUID, message_id: UUID, topic: str
    ) -> "asyncio.Future[Any]":
        context = Context(
            request_id=caller.request_id, command_id=command, ip=caller.ip, traceparent=caller.traceparent
        )
        body, key, headers = Outgoing(request, caller.actor, context, topic, self._partition, message_id).pack(
            self._sender
        )
        sent: asyncio.Future[Any] = await self._producer.send(topic, body, key=key, headers=headers)
        return sent

    async def _receive(self) -> None:
        while True:
            try:
                batches = await self._consumer.getmany(timeout_ms=1000)
            except KafkaError as error:
                log.warning("dispatch.receive_failed", error=repr(error))
                await asyncio.sleep(0.5)
                continue
            for records in batches.values():
                for record in records:
                    self._resolve(record)

    def _resolve(self, record: Any) -> None:
        waiting = self._waiting.get(record.key)
        if waiting is None or waiting.done():
            return
        try:
            waiting.set_result(_answer(record))
        except (KeyError, ValueError, AttributeError) as error:  # one bad reply must not end the loop for all
            log.warning("dispatch.bad_reply", offset=record.offset, error=repr(error))


def _answer(record: Any) -> Answer:
    headers = {name: value.decode() for name, value in record.headers}
    return Answer(
        int(headers[Header.STATUS]), record.value or b"", headers.get(Header.ETAG), headers.get(Header.LOCATION)
    )


def _note_failure(sent: "asyncio.Future[Any]", answer: "asyncio.Future[Answer]") -> None:
    if not sent.cancelled() and (error := sent.exception()) and not answer.done():
        answer.set_exception(error)
