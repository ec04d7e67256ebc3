"""Exactly once in effect: each message is claimed once, each command keeps one binding answer.

A message id is one delivery attempt by the gateway; a redelivery of it gets its stored reply. A command id stands
for an Idempotency-Key; the same body under it gets the stored answer, another body is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from services.chassis.database import Write, fetch, insert
from services.wire.envelope import Inbound

_CLAIM = "INSERT INTO inbox (message_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING message_id"
_STORED = """
    SELECT message_id, command_id, binding, body_sha256, status, etag, location, body, about
    FROM replies
    WHERE message_id = ANY($1::uuid[]) OR (binding AND command_id = ANY($2::uuid[]))
"""


class StoredReply(NamedTuple):
    """An answer as it was or will be sent: `body` is the exact bytes, `about` whose personal data is in them."""

    message_id: UUID
    command_id: UUID
    binding: bool
    body_sha256: bytes
    status: int
    etag: str | None
    location: str | None
    body: bytes
    about: UUID | None


class Asker(NamedTuple):
    """Who is to be answered, where, and under which command: all of a request that an answer needs."""

    message_id: UUID
    command_id: UUID
    request_id: str
    issuer: str
    subject: str
    body_sha256: bytes
    reply_partition: int


@dataclass(frozen=True, slots=True)
class Claim:
    """`fresh` are to be handled now; `by_message` and `by_command` are answers given before."""

    fresh: tuple[Inbound, ...]
    by_message: dict[UUID, StoredReply]
    by_command: dict[UUID, StoredReply]


def asker_of(inbound: Inbound) -> Asker:
    return Asker(
        inbound.message_id,
        inbound.context.command_id,
        inbound.context.request_id,
        inbound.actor.issuer,
        inbound.actor.subject,
        inbound.fingerprints[0],
        inbound.reply_partition,
    )


async def claim(tx: Write, batch: Sequence[Inbound]) -> Claim:
    """Claim the batch's message ids and look up every answer that already stands."""
    ids = [inbound.message_id for inbound in batch]
    commands = [inbound.context.command_id for inbound in batch]
    claimed = set((await tx.exec_driver_sql(_CLAIM, (ids,))).scalars())
    stored = [StoredReply(*row) for row in await fetch(tx, _STORED, ids, commands)]
    fresh = []
    for inbound in batch:
        if inbound.message_id in claimed:
            claimed.discard(inbound.message_id)
            fresh.append(inbound)
    return Claim(
        tuple(fresh),
        {reply.message_id: reply for reply in stored},
        {reply.command_id: reply for reply in stored if reply.binding},
    )


async def store(tx: Write, answered: Sequence[tuple[Asker, StoredReply]]) -> None:
    rows = [{**reply._asdict(), "issuer": asker.issuer, "subject": asker.subject} for asker, reply in answered]
    await insert(tx, "replies", rows)
