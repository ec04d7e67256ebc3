"""Promise 5: each cell of the matrix, principal × topic × read or write, tried on the broker itself.

A write is tried with a record batch whose checksum is wrong: a broker that lets it past the ACL refuses the checksum
(CORRUPT_MESSAGE), so nothing is left on a topic by either answer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupAuthorizationFailedError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from contracts.topics import PRINCIPALS, TOPICS
from deploy.local.stack import Stack
from tests.support.wire import consumer_of, login

NONE, CORRUPT, REFUSED = 0, 2, 29
_MAGIC, _CHECKSUM_AT = 2, 17


@asynccontextmanager
async def connected(stack: Stack, principal: str) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(**login(stack, principal))
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


def corrupt_batch() -> bytes:
    """A record batch with one bit of its checksum turned."""
    builder = DefaultRecordBatchBuilder(_MAGIC, 0, 0, -1, -1, -1, 16_384)
    builder.append(0, None, b"key", b"never stored", [])
    batch = bytearray(builder.build())
    batch[_CHECKSUM_AT] ^= 1
    return bytes(batch)


async def tried_writes(client: AIOKafkaClient) -> dict[str, int]:
    """Topic → the broker's error code, from one request for all topics."""
    wanted = [(topic.name, [(0, corrupt_batch())]) for topic in TOPICS]
    answer = await client.send(client.get_random_node(), ProduceRequest(None, -1, 5_000, wanted))
    return {topic: partitions[0][1] for topic, partitions in answer.topics}


async def tried_reads(client: AIOKafkaClient) -> dict[str, int]:
    wanted = [(topic.name, [(0, 0, 1)]) for topic in TOPICS]
    answer = await client.send(client.get_random_node(), FetchRequest(100, 0, 1, 0, wanted))
    return {topic: partitions[0][1] for topic, partitions in answer.topics}


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_a_principal_writes_what_the_matrix_allows_and_nothing_else(stack: Stack, principal: str) -> None:
    async with connected(stack, principal) as client:
        tried = await tried_writes(client)

    assert tried == {topic.name: CORRUPT if principal in topic.writers else REFUSED for topic in TOPICS}


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_a_principal_reads_what_the_matrix_allows_and_nothing_else(stack: Stack, principal: str) -> None:
    async with connected(stack, principal) as client:
        tried = await tried_reads(client)

    refused = {topic for topic, code in tried.items() if code == REFUSED}
    assert refused == {topic.name for topic in TOPICS if principal not in topic.readers}
    assert len(tried) == len(TOPICS)


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_a_principal_joins_no_consumer_group_of_another(stack: Stack, principal: str) -> None:
    other = next(name for name in PRINCIPALS if name != principal)
    readable = next(topic for topic in TOPICS if principal in topic.readers)

    async with consumer_of(stack, principal, group_id=f"{other}.commands") as client:
        with pytest.raises(GroupAuthorizationFailedError):
            await client.committed(TopicPartition(readable.name, 0))


async def test_the_wrong_cell_is_noticed(stack: Stack) -> None:
    """Control: the administrator is refused nowhere, so the comparison above would fail for it."""
    async with connected(stack, "admin") as client:
        assert set((await tried_writes(client)).values()) == {CORRUPT}
        assert REFUSED not in set((await tried_reads(client)).values())
