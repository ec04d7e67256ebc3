"""Kafka as this project needs it: one poll = one batch, offsets last, nothing skipped in silence.

FastStream's and aiokafka's defaults are at-most-once, `latest`, `acks=1` and skip a batch whose header is not
UTF-8; each setting below undoes one of them and is pinned by a contract test.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage
from faststream.security import SASLScram512

from services.chassis.patience import pause
from services.wire import telemetry
from services.wire.crash import Point, reach
from services.wire.envelope import Record
from services.wire.header_names import accept_any_header_name
from services.wire.kafka import tls
from services.wire.settings import ServiceSettings

POLL_MS = 1_000
REBALANCE_MS = 10_000
BEATS_A_SESSION = 3
DRAIN_SECONDS = 20.0

Sent = Awaitable[Any] | None
Process = Callable[[Sequence[Record]], Awaitable[Sent]]


class Fetch(NamedTuple):
    """How long the broker gathers records for one answer: until it has `min_bytes`, at most `max_wait_ms`.

    One batch, that is one transaction, holds at most `max_records`: everyone in it waits for the last.
    """

    min_bytes: int
    max_wait_ms: int
    max_records: int


AT_ONCE = Fetch(min_bytes=1, max_wait_ms=500, max_records=128)  # the broker wakes the fetch with the first record
IN_BULK = Fetch(min_bytes=200_000, max_wait_ms=250, max_records=1_024)  # nobody waits for the answer: fewer batches

log = structlog.get_logger()


def make_broker(settings: ServiceSettings) -> KafkaBroker:
    accept_any_header_name()
    trust = tls(settings)
    security = SASLScram512(
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        use_ssl=trust is not None,
        ssl_context=trust,
    )
    return KafkaBroker(
        settings.kafka_bootstrap,
        security=security,
        client_id=f"{settings.service}-{settings.instance}",
        metadata_max_age_ms=30_000,
        allow_auto_create_topics=False,
        graceful_timeout=settings.stop_seconds / 2,  # the rest is for what they left to the relay and the producer
        apply_types=False,
        logger=logging.getLogger("broker"),
    )


async def _raw_message(records: tuple[Record, ...]) -> KafkaAckableMessage:
    """Hand the records over untouched; we decode them ourselves."""
    return KafkaAckableMessage(
        body=records, raw_message=records, correlation_id="-", message_id="-", consumer=FAKE_CONSUMER
    )


async def _raw_body(message: KafkaAckableMessage) -> Any:
    return message.raw_message


class Lane(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer group on explicit topics. `process` returns when each record is settled, or not at all.

    It may return what it sent and the broker has not acknowledged yet: offsets wait for that, the next batch does not.
    """

    def __init__(
        self, group: str, instance: int, topics: Collection[str], process: Process, fetch: Fetch = AT_ONCE
    ) -> None:
        self.name = self.group = group
        self.topics, self._instance, self._fetch = tuple(topics), instance, fetch
        self._process = process
        self._busy = asyncio.Lock()
        self._tail: asyncio.Task[None] | None = None
        self.assigned: bool = False
        self.in_hand = 0
        self.moved_at = time.monotonic()
        self._seen_positions: dict[TopicPartition, int] = {}

    def attach(self, broker: KafkaBroker, session_seconds: float) -> None:
        session_ms = round(session_seconds * 1000)
        self._subscriber = broker.subscriber(
            *self.topics,
            batch=True,
            group_id=self.group,
            # Static membership: after a crash a process has its partitions back at once, not after a timeout.
            group_instance_id=f"{self.group}-{self._instance}",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // BEATS_A_SESSION,
            rebalance_timeout_ms=REBALANCE_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            fetch_min_bytes=self._fetch.min_bytes,
            fetch_max_wait_ms=self._fetch.max_wait_ms,
            listener=self,
            parser=_raw_message,
            decoder=_raw_body,
        )
        # FastStream's own poll sleeps again after an empty one: latency for whoever comes then, CPU when it is short.
        self._subscriber.get_msg = self._poll  # type: ignore[method-assign]
        self._subscriber(self._on_batch)

    @property
    def consumer(self) -> AIOKafkaConsumer:
        return self._subscriber.consumer

    async def _poll(self, consumer: AIOKafkaConsumer) -> tuple[Record, ...]:
        """One batch as soon as there is something; empty after a second without."""
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=self._fetch.max_records)
        return tuple(chain.from_iterable(batches.values()))

    async def _on_batch(self, records: tuple[Record, ...]) -> None:
        started = time.monotonic()
        self.in_hand += len(records)
        sent = await self._processed(records)
        if self._tail:
            await self._tail
        self._tail = asyncio.create_task(self._end(records, sent, started))

    async def _processed(self, records: tuple[Record, ...]) -> Sent:
        async with self._busy:
            self.moved_at = time.monotonic()
            try:
                return await self._process(records)
            except Exception:
                # FastStream would log this and go on with the next batch: the records would be lost.
                log.critical("lane.broke", lane=self.name, exc_info=True)
                os._exit(70)

    async def _end(self, records: tuple[Record, ...], sent: Sent, started: float) -> None:
        """Commit the offsets once all is sent; what the broker did not take is processed again, and deduplicated."""
        tries = 0
        while sent:
            try:
                await sent
                break
            except KafkaError as error:
                tries += 1
                log.warning("lane.unsent", lane=self.name, tries=tries, error=repr(error))
                await pause(tries)
                sent = await self._processed(records)
        reach(Point.BEFORE_OFFSETS)
        await self._commit(records)
        self.in_hand, self.moved_at = self.in_hand - len(records), time.monotonic()
        telemetry.BATCH_SECONDS.labels(self.name).observe(self.moved_at - started)
        telemetry.BATCH_SIZE.labels(self.name).observe(len(records))

    async def _commit(self, records: Sequence[Record]) -> None:
        offsets = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        try:
            await self.consumer.commit(offsets)
        except KafkaError as error:
            log.warning("lane.commit_failed", lane=self.name, error=repr(error))  # redelivered, and deduplicated

    async def on_partitions_revoked(self, _: Collection[TopicPartition]) -> None:
        """Drain: what is in hand ends before its partitions go to another instance."""
        self.assigned = False
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                async with self._busy:
                    if self._tail:
                        await self._tail
        except TimeoutError:
            log.warning("lane.drain_timeout", lane=self.name)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.assigned = True
        self.moved_at = time.monotonic()
        log.info("lane.assigned", lane=self.name, partitions=sorted(f"{tp.topic}/{tp.partition}" for tp in assigned))

    async def lag(self) -> int:
        """Records of the assigned partitions that are not handled yet, as far as the client knows."""
        behind = sum(max(0, end - position) for position, end in (await self._places()).values()) + self.in_hand
        telemetry.LAG.labels(self.name).set(behind)
        return behind

    async def stuck_seconds(self) -> float:
        """How long records have been waiting, in hand or not fetched, while nothing moved; 0 when all moves."""
        positions = {partition: position for partition, (position, _) in (await self._places()).items()}
        moved, self._seen_positions = positions != self._seen_positions, positions
        if not await self.lag() or (moved and not self.in_hand):
            self.moved_at = time.monotonic()
        return time.monotonic() - self.moved_at

    async def _places(self) -> dict[TopicPartition, tuple[int, int]]:
        """Where it reads each partition and where that ends, if that is known: the client waits for it without end."""
        known = {}
        for partition in self.consumer.assignment():
            with suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(0):
                    position = await self.consumer.position(partition)
                known[partition] = position, self.consumer.highwater(partition) or 0
        return known
