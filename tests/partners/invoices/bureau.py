"""The partners desk on the real database: each `put` is one batch and one transaction, as the chassis runs it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.message import Actor, Command, Context
from contracts.message import Outcome as Result
from services.chassis import Call, Fact, Inbound, Outcome, Reply, Write, outbox
from services.chassis.patience import wait_out
from services.partners.book import Book
from services.partners.decisions.rules import Rules
from services.partners.desk import load_book, save_book
from services.partners.dossiers.evidence import Finding
from services.partners.dossiers.upload import Upload
from services.partners.handlers import HANDLERS
from services.partners.invoices.ledger import InvoiceRules, Ledger
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring
from tests.partners.desk import ISSUER, MASTER, answered

ROOT_ADMINS = "root-1"


@dataclass(slots=True)
class Bureau:
    """`stored` is what the document store would say."""

    engine: AsyncEngine
    rules: InvoiceRules
    stored: Mapping[str, Finding] = field(default_factory=dict)

    async def put(self, *calls: tuple[Command, Actor], now: datetime | None = None) -> list[Outcome]:
        """All calls as one batch; done again after a conflict, like any batch."""

        async def once() -> list[Outcome]:
            async with self.engine.begin() as connection:
                return await self._batch(Write(connection), [_inbound(*call) for call in calls], now)

        return await wait_out(once)

    async def _batch(self, tx: Write, fresh: Sequence[Inbound], now: datetime | None) -> list[Outcome]:
        book = await load_book(tx, fresh, self.book())
        at = now or datetime.now(UTC)
        calls = [Call(each.actor, each.context, each.message_id, at) for each in fresh]
        outcomes = [
            answered(HANDLERS[type(c.request)](c.request, call, book)) for c, call in zip(fresh, calls, strict=True)
        ]
        await save_book(tx, book)
        await outbox.append(tx, _told(calls, outcomes))
        return outcomes

    async def one(self, command: Command, actor: Actor, now: datetime | None = None) -> Outcome:
        (outcome,) = await self.put((command, actor), now=now)
        return outcome

    def book(self) -> Book:
        ledger = Ledger(self.rules)
        return Book(Allowlist(ISSUER, ROOT_ADMINS), presigned, Keyring(MASTER), self.stored, Rules(), ledger)

    async def keep(self, book: Book) -> None:
        """Store what was made in memory."""
        async with self.engine.begin() as connection:
            await save_book(Write(connection), book)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Every statement sent meanwhile."""
        seen: list[str] = []

        def listen(*args: Any) -> None:
            seen.append(args[2])

        event.listen(self.engine.sync_engine, "before_cursor_execute", listen)
        try:
            yield seen
        finally:
            event.remove(self.engine.sync_engine, "before_cursor_execute", listen)


def presigned(upload: Upload) -> tuple[str, dict[str, str]]:
    return f"https://s3/{upload.object_key}", {}


def _inbound(command: Command, actor: Actor) -> Inbound:
    context = Context(request_id="r", command_id=uuid4())
    return Inbound(command, uuid4(), actor, context, -1, b"", cast("Any", None))


def _told(calls: Sequence[Call], outcomes: Sequence[Outcome]) -> list[tuple[Call, Fact, Result, str | None]]:
    """A version that is given twice would hit the outbox's own constraint."""
    replies = [(call, reply) for call, reply in zip(calls, outcomes, strict=True) if isinstance(reply, Reply)]
    return [(call, fact, Result.SUCCEEDED, None) for call, reply in replies for fact in reply.facts]
