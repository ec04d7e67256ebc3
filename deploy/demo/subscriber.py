"""A downstream team in the demo: reads event topics with its own credentials, and can write nothing."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import BY_NAME, EVENT_TOPICS
from deploy.local.state import State

Offsets = dict[TopicPartition, int]


def _consumer(state: State) -> AIOKafkaConsumer:
    known = state.kafka("downstream")
    return AIOKafkaConsumer(
        bootstrap_servers=known["bootstrap"],
        security_protocol=known["security_protocol"],
        sasl_mechanism=known["sasl_mechanism"],
        sasl_plain_username=known["username"],
        sasl_plain_password=known["password"],
        enable_auto_commit=False,
    )


async def ends(state: State) -> Offsets:
    """Where every event topic ends now."""
    consumer = _consumer(state)
    await consumer.start()
    try:
        return dict(await consumer.end_offsets(_partitions()))
    finally:
        await consumer.stop()


async def received(state: State, since: Offsets, until: Iterable[str], seconds: float = 10.0) -> list[dict[str, Any]]:
    """Events since those offsets, until each type of `until` was seen; what came in `seconds` otherwise."""
    consumer, events, missing = _consumer(state), [], set(until)
    await consumer.start()
    try:
        consumer.assign(list(since))
        for partition, offset in since.items():
            consumer.seek(partition, offset)
        async with asyncio.timeout(seconds):
            while missing:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    events += [json.loads(record.value) for record in records]
                missing -= {event["type"] for event in events}
    except TimeoutError:
        pass
    finally:
        await consumer.stop()
    return sorted(events, key=lambda event: (event["occurred_at"], event["aggregate_id"], event["aggregate_version"]))


def _partitions() -> list[TopicPartition]:
    return [TopicPartition(name, number) for name in EVENT_TOPICS for number in range(BY_NAME[name].partitions)]
