"""A command lane in this process: records in, tables and replies out, with any desk a test likes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from random import SystemRandom
from typing import Any

import structlog
from aiokafka import ConsumerRecord

from contracts.message import Command
from contracts.partner_events import PartnerCommandRefused
from contracts.partners import ReserveUpload
from deploy.local.stack import Stack
from services.chassis import Desk
from services.chassis.commands import CommandProcessor, Handler
from services.chassis.database import connect
from services.chassis.outbox import Relay
from services.wire.actor import private_key, public_key
from services.wire.envelope import Opener
from services.wire.kafka import make_producer
from services.wire.settings import OwnerSettings
from tests.support import RawRecord

_offsets = count(SystemRandom().randrange(10**9, 10**12))


def settings_of(stack: Stack, service: str) -> OwnerSettings:
    """The settings of a service, as its process would load them."""
    return OwnerSettings(_env_file=str(stack.home.settings(service)))  # type: ignore[call-arg]


def as_consumed(record: RawRecord) -> ConsumerRecord:
    """The record as a poll would hand it over, at a position no real record has."""
    return ConsumerRecord(
        topic=record.topic,
        partition=99,
        offset=next(_offsets),
        timestamp=0,
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=record.headers,
    )


def desk_of(
    handler: Handler,
    save: Callable[..., Awaitable[None]] | None = None,
    command: type[Command] = ReserveUpload,
) -> Desk:
    """A desk that knows one command, ReserveUpload unless named, and keeps nothing unless `save` does."""

    async def gather(_: Sequence[Any]) -> None:
        return None

    async def load(*_: Any) -> list[Any]:
        return []

    async def keep_nothing(*_: Any) -> None:
        return None

    return Desk({command: handler}, load, save or keep_nothing, PartnerCommandRefused, gather)


@asynccontextmanager
async def lane(stack: Stack, desk: Desk) -> AsyncIterator[CommandProcessor]:
    """The chassis' own processor on the database and broker logins of the partners service."""
    settings = settings_of(stack, "partners")
    engine, producer = connect(settings.database_url.get_secret_value()), make_producer(settings)
    await producer.start()
    try:
        types = {command.type: command for command in desk.handlers}
        own_key = private_key(settings.service_signing_key.get_secret_value()).public_key()
        opener = Opener("partners", public_key(settings.actor_public_key), types, own_key)
        with structlog.testing.capture_logs():
            yield CommandProcessor(desk, opener, engine, producer, Relay(engine, producer, "/partners"))
    finally:
        await producer.stop()
        await engine.dispose()
