"""Kafka clients of a principal, as strict or as loose as a test needs them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.producer import message_accumulator
from aiokafka.producer import producer as producer_module
from aiokafka.record import default_records
from aiokafka.structs import RecordMetadata

from deploy.local.stack import Stack
from tests.support.records import RawRecord

LARGEST = 6 * 1024 * 1024


def login(stack: Stack, principal: str) -> dict[str, Any]:
    """aiokafka's names for what the stack knows of a principal."""
    known = stack.state.kafka(principal)
    return {
        "bootstrap_servers": known["bootstrap"],
        "security_protocol": known["security_protocol"],
        "sasl_mechanism": known["sasl_mechanism"],
        "sasl_plain_username": known["username"],
        "sasl_plain_password": known["password"],
    }


@asynccontextmanager
async def producer(stack: Stack, principal: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**login(stack, principal), acks="all", max_request_size=LARGEST, **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def reader(stack: Stack, principal: str, *topics: str, from_end: bool = False) -> AsyncIterator[AIOKafkaConsumer]:
    """Reads every partition of `topics` without a group, from the beginning or from now on."""
    # Not "earliest" when it is to start at the end: the library may have begun to fetch before it is told to seek.
    start = "latest" if from_end else "earliest"
    client = AIOKafkaConsumer(*topics, **login(stack, principal), enable_auto_commit=False, auto_offset_reset=start)
    await client.start()
    try:
        partitions = client.assignment()
        await (client.seek_to_end(*partitions) if from_end else client.seek_to_beginning(*partitions))
        for partition in partitions:
            await client.position(partition)
        yield client
    finally:
        await client.stop()


async def until_now(consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
    """All records from where the consumer stands to the ends its partitions have now."""
    ends = await consumer.end_offsets(consumer.assignment())
    found: list[ConsumerRecord] = []
    while any([await consumer.position(partition) < end for partition, end in ends.items()]):
        batches = await consumer.getmany(timeout_ms=500)
        found += [record for records in batches.values() for record in records]
    return found


@asynccontextmanager
async def consumer_of(stack: Stack, principal: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without topics yet; `options` are aiokafka's."""
    client = AIOKafkaConsumer(**login(stack, principal), enable_auto_commit=False, **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def careless_producer(stack: Stack, principal: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that asks header names to encode themselves, so that they may be any bytes."""
    builder = default_records._DefaultRecordBatchBuilderPy  # noqa: SLF001
    with (
        patch.object(message_accumulator, "DefaultRecordBatchBuilder", builder),
        patch.object(producer_module, "DefaultRecordBatchBuilder", builder),
    ):
        async with producer(stack, principal, linger_ms=50) as client:
            yield client


async def send_together(
    client: AIOKafkaProducer, records: Iterable[RawRecord], partition: int | None = None
) -> list[RecordMetadata]:
    """Put many at once: on one partition they come as one batch."""
    sent = [
        await client.send(record.topic, record.value, key=record.key, headers=list(record.headers), partition=partition)
        for record in records
    ]
    return list(await asyncio.gather(*sent))
