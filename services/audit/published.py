"""Reads back what was published outside the database; what is away is named, never taken for empty."""

import asyncio
from http import HTTPStatus

import urllib3
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import CHECKPOINTS
from services.audit.bucket import Bucket
from services.audit.note import NoteRefusedError
from services.audit.settings import AuditSettings
from services.audit.witness_address import WitnessAddress
from services.wire.kafka import client_options
from services.wire.objects import StoreError

PATIENCE_SECONDS = 10.0
PLACES = ("bucket", "topic")


class WitnessSilentError(Exception):
    """The witness is away, or has co-signed nothing yet."""


async def collect(settings: AuditSettings, near: int) -> tuple[list[str], list[str]]:
    """The newest notes of bucket and topic, then the witness's, and the names of places that could not be read."""
    notes: list[str] = []
    away = []
    try:
        notes += await asyncio.to_thread(lambda: Bucket(settings).newest(near))
    except StoreError as error:
        away.append(f"bucket: {error}")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            notes += await _topic(settings)
    except (KafkaError, OSError, TimeoutError) as error:
        away.append(f"topic: {type(error).__name__}")
    if settings.witness:
        try:
            notes.append(await asyncio.to_thread(cosigned_note, settings.witness))
        except (WitnessSilentError, NoteRefusedError) as error:
            away.append(f"witness: {error}")
    return notes, away


def places(settings: AuditSettings) -> int:
    """How many places there are to read from."""
    return len(PLACES) + (settings.witness is not None)


def cosigned_note(witness: WitnessAddress) -> str:
    """What the witness co-signed last, from the witness itself; raises WitnessSilentError, NoteRefusedError."""
    try:
        answer = urllib3.request("GET", f"{witness.url}/checkpoint", timeout=PATIENCE_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise WitnessSilentError(type(error).__name__) from error
    if answer.status != HTTPStatus.OK:
        raise WitnessSilentError(f"answered with {answer.status}")
    note = answer.data.decode("utf-8", "replace")
    witness.key.moment(note)
    return note


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
