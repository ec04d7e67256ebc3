"""Kafka clients of a principal, as strict or as loose as a test needs them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.local.stack import Stack

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
    client = AIOKafkaConsumer(
        *topics, **login(stack, principal), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await client.start()
    try:
        partitions = client.assignment()
        await (client.seek_to_end(*partitions) if from_end else client.seek_to_beginning(*partitions))
        for partition in partitions:
            await client.position(partition)
        yield client
    finally:
        await client.stop()
