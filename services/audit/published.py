"""Reads back what was published outside the database; what is away is named, never taken for empty."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import CHECKPOINTS
from services.audit.bucket import Bucket, BucketError
from services.audit.settings import AuditSettings
from services.wire.kafka import client_options

PATIENCE_SECONDS = 10.0
PLACES = ("bucket", "topic")


async def collect(settings: AuditSettings, near: int) -> tuple[list[str], list[str]]:
    """The newest notes of bucket and topic, and the names of places that could not be read."""
    notes: list[str] = []
    away = []
    try:
        notes += await asyncio.to_thread(lambda: Bucket(settings).newest(near))
    except BucketError as error:
        away.append(f"bucket: {error}")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            notes += await _topic(settings)
    except (KafkaError, OSError, TimeoutError) as error:
        away.append(f"topic: {type(error).__name__}")
    return notes, away


async def _topic(settings: AuditSettings) -> list[str]:
    """Every note that compaction has left, oldest first; one for each origin in the end."""
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    partition = TopicPartition(CHECKPOINTS.name, 0)
    await consumer.start()
    try:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        notes = []
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(partition, timeout_ms=500)).values():
                notes += [record.value.decode("utf-8", "replace") for record in records if record.value]
        return notes
    finally:
        await consumer.stop()
