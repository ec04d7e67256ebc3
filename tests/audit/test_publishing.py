"""A6: checkpoints leave the database within seconds, for a bucket that takes nothing back and for a topic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer
from botocore.exceptions import ClientError

from contracts.topics import BY_NAME, CHECKPOINTS
from deploy.local.objects import client
from deploy.local.stack import Stack
from services.audit import checkpoints
from services.audit.bucket import Bucket, ForkedError, key_of
from services.audit.checkpoints import Publisher
from services.audit.published import collect
from services.audit.settings import AuditSettings
from tests.audit.ledger import Ledger, story
from tests.support import eventually

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def publishing(ledger: Ledger, producer: AIOKafkaProducer, settings: AuditSettings) -> AsyncIterator[Publisher]:
    publisher = Publisher(ledger.engine, producer, Bucket(settings), settings.audit_origin)
    running = asyncio.create_task(publisher.run())
    yield publisher
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_checkpoint_is_in_both_places_and_bound_to_the_log(
    ledger: Ledger, producer: AIOKafkaProducer, settings: AuditSettings
) -> None:
    await ledger.take(story(3))

    async with publishing(ledger, producer, settings) as publisher:
        await eventually(lambda: publisher.published == 3)

    notes, away = await collect(settings, near=3)
    mine = [note for note in notes if note.startswith(settings.audit_origin)]
    assert away == []
    assert mine == ledger.notes * 2
    assert (await ledger.verify(mine)).published == 3


async def test_what_is_published_cannot_be_taken_back(
    stack: Stack, ledger: Ledger, producer: AIOKafkaProducer, settings: AuditSettings
) -> None:
    await ledger.take(story(3))
    await Publisher(ledger.engine, producer, Bucket(settings), settings.audit_origin).publish()
    s3, place = client(stack.state), {"Bucket": settings.checkpoint_bucket, "Key": key_of(3)}
    version = s3.head_object(**place)["VersionId"]

    retention = s3.get_object_retention(**place)["Retention"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**place, VersionId=version)
    soon = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(minutes=1)}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object_retention(**place, Retention=soon)
    s3.delete_object(**place)  # hides it behind a marker

    assert retention["Mode"] == "COMPLIANCE"
    assert retention["RetainUntilDate"] > datetime.now(UTC) + timedelta(hours=23)
    assert Bucket(settings).newest(near=3) == ledger.notes


async def test_publishing_again_changes_nothing_but_another_history_is_an_alarm(
    ledger: Ledger, settings: AuditSettings
) -> None:
    await ledger.take(story(3))
    bucket = Bucket(settings)
    (note,) = ledger.notes

    bucket.put(3, note)
    bucket.put(3, note)
    with pytest.raises(ForkedError):
        bucket.put(3, ledger.signer.checkpoint(3, b"\0" * 32))

    assert bucket.newest(near=3) == [note]


async def test_the_newest_notes_are_found_however_far_the_bucket_is_ahead_or_behind(settings: AuditSettings) -> None:
    bucket = Bucket(settings)
    for size in (1, 2, 300, 70_000):
        bucket.put(size, f"note {size}")

    found = [bucket.newest(near) for near in (0, 1, 350, 70_000, 3_000_000)]

    assert all(notes[-1] == "note 70000" for notes in found)
    assert found[0] == [f"note {size}" for size in (1, 2, 300, 70_000)]


async def test_a_growing_log_is_published_once_an_interval_and_its_end_without_waiting(
    ledger: Ledger, producer: AIOKafkaProducer, settings: AuditSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "INTERVAL_SECONDS", 0.7)
    bucket, loop = Bucket(settings), asyncio.get_running_loop()

    async with publishing(ledger, producer, settings) as publisher:
        started = loop.time()
        while loop.time() < started + 3:
            await ledger.take(story(1))
            publisher.wake()
            await asyncio.sleep(0.02)
        size = len(ledger.positions)
        await eventually(lambda: publisher.published == size, seconds=2)

    assert size > 20
    assert 3 <= len(bucket.newest(near=size)) <= 6


async def test_a_bucket_that_is_away_is_tried_until_it_is_back(
    stack: Stack, ledger: Ledger, producer: AIOKafkaProducer, settings: AuditSettings
) -> None:
    async with publishing(ledger, producer, settings) as publisher:
        await asyncio.to_thread(stack.stop_part, "seaweedfs")
        try:
            await ledger.take(story(2))
            publisher.wake()
            await asyncio.sleep(1)
            (size,) = {publisher.published}
        finally:
            await asyncio.to_thread(stack.start_part, "seaweedfs")
        await eventually(lambda: publisher.published == 2, seconds=20)

    assert size == 0
    assert Bucket(settings).newest(near=2) == ledger.notes


async def test_after_a_restart_the_newest_checkpoint_is_published(
    ledger: Ledger, producer: AIOKafkaProducer, settings: AuditSettings
) -> None:
    await ledger.take(story(2), story(2))

    for _ in range(2):
        async with publishing(ledger, producer, settings) as publisher:
            await eventually(lambda: publisher.published == 4)

    assert Bucket(settings).newest(near=4) == ledger.notes[1:]


async def test_the_topic_keeps_the_newest_checkpoint_for_ever() -> None:
    assert BY_NAME[CHECKPOINTS.name].compacted
    assert BY_NAME[CHECKPOINTS.name].writers == ("audit",)
