"""Answers on their way back: rendered once, stored with the transaction, sent as the same bytes every time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from pydantic import BaseModel

from contracts.failures import is_binding, problem
from contracts.message import Header
from contracts.topics import REPLIES
from services.chassis.inbox import Asker, StoredReply
from services.chassis.outcome import Outcome, Refusal
from services.wire.kafka import to_wire


def to_json(body: BaseModel | None) -> bytes:
    """Times as RFC 3339 UTC with Z; an absent body is no bytes."""
    if body is None:
        return b""
    return orjson.dumps(body.model_dump(), default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: object) -> object:
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)


def render(asker: Asker, outcome: Outcome) -> StoredReply:
    etag = location = about = None
    if isinstance(outcome, Refusal):
        refused = problem(outcome.code, asker.request_id, outcome.detail, **outcome.extra)
        encoded, status = refused.model_dump_json(exclude_none=True).encode(), refused.status
        about = outcome.about
    else:
        encoded, status, etag, location = to_json(outcome.body), outcome.status, outcome.etag, outcome.location
        about = outcome.body.about() if outcome.body else None
    return StoredReply(
        message_id=asker.message_id,
        command_id=asker.command_id,
        binding=is_binding(status),
        body_sha256=asker.body_sha256,
        status=status,
        etag=etag,
        location=location,
        body=encoded,
        about=about,
    )


async def send(producer: AIOKafkaProducer, answers: Sequence[tuple[Asker, StoredReply]]) -> "asyncio.Future[list[Any]]":
    """Send; what is returned is done when the broker has them all. A caller that asked for no reply gets none."""
    sent = []
    for asker, reply in answers:
        if not 0 <= asker.reply_partition < REPLIES.partitions:
            continue
        headers = to_wire({Header.STATUS: reply.status, Header.ETAG: reply.etag, Header.LOCATION: reply.location})
        sent.append(
            await producer.send(
                REPLIES.name,
                reply.body,
                key=asker.message_id.bytes,
                partition=asker.reply_partition,
                headers=headers,
            )
        )
    return asyncio.gather(*sent)
