"""What the chassis remembers of messages long handled is forgotten, a little at a time.

Invariant: nothing goes that a redelivery could still ask for. A topic of commands keeps its records for a day, so after
`messages_kept_days` a claim, and an answer that binds nobody, are of no use. A binding answer is what makes a person's
`Idempotency-Key` work and stays for `answers_kept_days`; that of a service's own command pins its intent for ever.
"""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.patience import wait_out
from services.wire.settings import OwnerSettings

AT_ONCE = 1_000
PAUSE_SECONDS = 3_600.0

_INBOX = """
    DELETE FROM inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM inbox WHERE received_at < $1::timestamptz LIMIT $2))
"""
_REPLIES = """
    DELETE FROM replies WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM replies WHERE created_at < $1::timestamptz AND NOT binding LIMIT $2))
"""
_ANSWERS = """
    DELETE FROM replies WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM replies
        WHERE created_at < $1::timestamptz AND binding AND (issuer, subject) <> ('', $3) LIMIT $2))
"""

log = structlog.get_logger()


class Pruning:
    """Background work of every service that owns a database; any number of instances may do it."""

    def __init__(self, engine: AsyncEngine, settings: OwnerSettings) -> None:
        self._engine, self._service = engine, settings.service
        self._messages = timedelta(days=settings.messages_kept_days)
        self._answers = timedelta(days=settings.answers_kept_days)

    async def run(self) -> None:
        """A full batch is followed by the next one at once."""
        while True:
            pruned = await wait_out(self.once)
            if max(pruned.values()) < AT_ONCE:
                await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311

    async def once(self) -> dict[str, int]:
        """One batch of each kind, each in a transaction of its own; returns how many went."""
        now = datetime.now(UTC)
        work: dict[str, tuple[str, tuple[Any, ...]]] = {
            "inbox": (_INBOX, (now - self._messages, AT_ONCE)),
            "replies": (_REPLIES, (now - self._messages, AT_ONCE)),
            "answers": (_ANSWERS, (now - self._answers, AT_ONCE, self._service)),
        }
        pruned = {}
        for kind, (statement, values) in work.items():
            async with self._engine.begin() as tx:
                pruned[kind] = (await tx.exec_driver_sql(statement, values)).rowcount
        if any(pruned.values()):
            log.info("messages.pruned", **pruned)
        return pruned
