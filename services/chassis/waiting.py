"""Answers that come later: who waits for one, and what they are told once a worker's report settles it.

A command whose outcome hangs on slow outside work is `Deferred` under a key. Its caller waits, or is told 202 by the
gateway and asks for the operation; the row here outlives any crash. Whoever settles the key answers all who wait.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.chassis.database import Write, fetch, insert
from services.chassis.inbox import Asker, StoredReply
from services.chassis.outcome import Outcome
from services.chassis.replies import render

_SETTLE = """
    DELETE FROM waiting WHERE key = ANY($1::uuid[])
    RETURNING key, message_id, command_id, request_id, issuer, subject, body_sha256, reply_partition
"""


async def remember(tx: Write, waiting: Sequence[tuple[UUID, Asker]]) -> None:
    await insert(tx, "waiting", [{"key": key, **asker._asdict()} for key, asker in waiting])


async def settle(tx: Write, outcomes: Mapping[UUID, Outcome]) -> list[tuple[Asker, StoredReply]]:
    """What everybody who waits for these keys is told; one answer a command is the binding one."""
    if not outcomes:
        return []
    answered: list[tuple[Asker, StoredReply]] = []
    for key, *fields in await fetch(tx, _SETTLE, list(outcomes)):
        asker = Asker(*fields)
        reply = render(asker, outcomes[key])
        first = all(asker.command_id != other.command_id for other, _ in answered)
        answered.append((asker, reply._replace(binding=reply.binding and first)))
    return answered
