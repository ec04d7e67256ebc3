"""What the client libraries get wrong by default (design.md): each setting is pinned as the started client has it."""

import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import httpx
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import OffsetResetStrategy
from faststream import AckPolicy
from faststream.kafka import KafkaResponse
from starlette.applications import Starlette

from contracts.message import Header
from contracts.partners import COMMANDS
from contracts.topics import BY_NAME, REPLIES
from deploy.local.stack import Stack
from services.chassis.health import Health
from services.chassis.messaging import Lane, make_broker
from services.gateway.dispatch import Dispatcher
from services.gateway.settings import GatewaySettings
from services.wire.kafka import client_options, make_producer
from services.wire.settings import ServiceSettings
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.lanes import Taken, running
from tests.chassis.poisons import good
from tests.chassis.workbench import settings_of
from tests.support import eventually
from tests.support.wire import producer, reader, send_together

pytestmark = ONE_LOOP
ALL_REPLICAS = -1
MINUTE_MS = 60_000


def gateway_settings(stack: Stack) -> GatewaySettings:
    return GatewaySettings(_env_file=str(stack.home.settings("gateway")))  # type: ignore[call-arg]


async def end_of_replies(stack: Stack) -> int:
    """How many records there ever were on the topic of replies."""
    partitions = [TopicPartition(REPLIES.name, number) for number in range(REPLIES.partitions)]
    async with reader(stack, "gateway", REPLIES.name) as consumer:
        return sum((await consumer.end_offsets(partitions)).values())


async def send(stack: Stack, *names_and_values: tuple[str, bytes]) -> bytes:
    """Put a good command with more headers on the topic; its body."""
    record = good(stack)
    for name, value in names_and_values:
        record = record.with_header(name, value)
    async with producer(stack, "gateway") as client:
        await send_together(client, [record])
    return record.value or b""


async def test_a_dead_instance_keeps_its_partitions_as_long_as_the_settings_say(stack: Stack) -> None:
    settings = settings_of(stack, "partners").model_copy(update={"kafka_session_seconds": 4.5})

    async with running(stack, Taken(), settings=settings) as lane:
        assert lane.consumer._session_timeout_ms == 4_500  # noqa: SLF001
        assert lane.consumer._heartbeat_interval_ms == 1_500  # noqa: SLF001


async def test_a_lane_reads_explicit_topics_from_the_beginning_and_commits_only_by_itself(stack: Stack) -> None:
    async with running(stack, Taken()) as lane:
        consumer, subscriber = lane.consumer, lane._subscriber  # noqa: SLF001

        assert consumer.subscription() == {COMMANDS}
        assert consumer._subscription.subscribed_pattern is subscriber.pattern is None  # noqa: SLF001
        assert consumer._enable_auto_commit is False  # noqa: SLF001
        assert OffsetResetStrategy.from_str(consumer._auto_offset_reset) == OffsetResetStrategy.EARLIEST  # noqa: SLF001
        assert consumer._client._metadata_max_age_ms < MINUTE_MS  # noqa: SLF001
        assert (subscriber.ack_policy, subscriber._no_reply) == (AckPolicy.MANUAL, True)  # noqa: SLF001


@pytest.mark.parametrize("made", ["a service's", "the gateway's"])
async def test_a_producer_waits_for_all_replicas_and_learns_soon_of_a_new_leader(made: str, stack: Stack) -> None:
    gateway = Dispatcher(gateway_settings(stack))
    client = make_producer(settings_of(stack, "partners")) if made == "a service's" else gateway._producer  # noqa: SLF001

    assert client._sender._acks == ALL_REPLICAS  # noqa: SLF001
    assert client._txn_manager is None, "a fenced producer would need a restart"  # noqa: SLF001
    assert client.client._metadata_max_age_ms < MINUTE_MS  # noqa: SLF001
    assert (gateway._consumer._group_id, gateway._consumer._enable_auto_commit) == (None, False)  # noqa: SLF001


async def test_a_connection_to_a_production_broker_is_encrypted_and_the_broker_is_checked(stack: Stack) -> None:
    ours = settings_of(stack, "partners").model_copy(update={"kafka_security_protocol": "SASL_SSL"})

    trusts = [client_options(ours)["ssl_context"], make_broker(ours)._connection_kwargs["ssl_context"]]  # noqa: SLF001

    assert ServiceSettings.model_fields["kafka_security_protocol"].default == "SASL_SSL"
    assert [(trust.verify_mode, trust.check_hostname) for trust in trusts] == [(ssl.CERT_REQUIRED, True)] * 2
    assert make_producer(ours).client._security_protocol == "SASL_SSL"  # noqa: SLF001


async def test_a_lane_gets_the_raw_bytes_of_what_was_sent_before_it_was_there(stack: Stack) -> None:
    body, taken = await send(stack, ("x-note", b"\xff\xfe")), Taken()

    async with running(stack, taken):
        [record] = await eventually(lambda: [one for one in taken.records if one.value == body], "the record")

    assert dict(record.headers)["x-note"] == b"\xff\xfe"


async def test_nothing_is_committed_before_the_batch_is_settled(stack: Stack) -> None:
    await send(stack)
    taken = Taken()
    taken.free.clear()
    group = f"partners.{uuid4().hex}"
    partitions = [TopicPartition(COMMANDS, number) for number in range(BY_NAME[COMMANDS].partitions)]

    async with running(stack, taken, group) as lane:
        await eventually(lambda: taken.batches, "a batch is in hand")
        meanwhile = [await lane.consumer.committed(partition) for partition in partitions]
        first = taken.records[0]
        taken.free.set()
        committed = partial(lane.consumer.committed, TopicPartition(first.topic, first.partition))
        await eventually(committed, "its offset is committed")

    assert set(meanwhile) == {None}


async def test_a_batch_that_breaks_ends_the_process_before_its_offsets_are_committed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(code: int) -> None:
        raise SystemExit(code)

    async def breaks(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(os, "_exit", end)
    lane = Lane("partners.never", 0, (COMMANDS,), breaks)  # it has no consumer: to commit would be another error
    with pytest.raises(SystemExit) as ended:
        await lane._on_batch(())  # noqa: SLF001

    assert ended.value.code == 70


@asynccontextmanager
async def careless(stack: Stack) -> AsyncIterator[None]:
    """A consumer as FastStream makes it when nothing is said about replies; its answers harm no reader of replies."""
    broker = make_broker(settings_of(stack, "partners"))

    async def handle(_: object) -> KafkaResponse:
        return KafkaResponse(b"told to whoever asked", key=uuid4().bytes, headers={Header.STATUS.value: "200"})

    subscriber = broker.subscriber(COMMANDS, group_id=f"partners.{uuid4().hex}", auto_offset_reset="earliest")
    subscriber(handle)
    await broker.start()
    try:
        yield
    finally:
        await broker.stop()


async def test_a_strangers_reply_to_header_is_not_obeyed(stack: Stack) -> None:
    body, taken = await send(stack, ("reply_to", REPLIES.name.encode())), Taken()
    before = await end_of_replies(stack)

    async with running(stack, taken):
        await eventually(lambda: any(one.value == body for one in taken.records), "the record")

    assert await end_of_replies(stack) == before


async def test_control_a_consumer_with_the_librarys_defaults_obeys_it(stack: Stack) -> None:
    await send(stack, ("reply_to", REPLIES.name.encode()))
    before = await end_of_replies(stack)

    async with careless(stack):
        is_answered: Callable[[], Awaitable[bool]] = partial(_has_grown, stack, before)
        await eventually(is_answered, "the stranger is answered")


async def _has_grown(stack: Stack, before: int) -> bool:
    return await end_of_replies(stack) > before


async def test_readyz_is_503_until_partitions_are_assigned_and_after_they_were_taken_away() -> None:
    lane, health = Lane("partners.never", 0, (COMMANDS,), Taken()), Health()
    health.watch_lanes([lane])
    transport = httpx.ASGITransport(Starlette(routes=list(health.routes())))

    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        before = await client.get("/readyz")
        await lane.on_partitions_assigned([TopicPartition(COMMANDS, 0)])
        assigned = await client.get("/readyz")
        await lane.on_partitions_revoked([])
        revoked = await client.get("/readyz")

    assert (before.status_code, assigned.status_code, revoked.status_code) == (503, 200, 503)
    assert before.json()["problems"] == {"lane.partners.never": "no assignment yet"}
