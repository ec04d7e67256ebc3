"""The partners desk on the real database: each `put` is one batch and one transaction, as the chassis runs it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.message import Actor, Command, Context
from services.chassis import Call, Inbound, Outcome, Write
from services.chassis.patience import wait_out
from services.partners.book import Book
from services.partners.desk import load_book, save_book
from services.partners.evidence import Finding
from services.partners.handlers import HANDLERS
from services.partners.invoices.ledger import InvoiceRules, Ledger
from services.partners.rules import Rules
from services.partners.upload import Upload
from services.wire.allowlist import Allowlist
from tests.partners.desk import ISSUER

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
            fresh = [_inbound(command, actor) for command, actor in calls]
            async with self.engine.begin() as connection:
                tx = Write(connection)
                book = await load_book(tx, fresh, self.book())
                at = now or datetime.now(UTC)
                outcomes = [_decided(inbound, book, at) for inbound in fresh]
                await save_book(tx, book)
            return outcomes

        return await wait_out(once)

    async def one(self, command: Command, actor: Actor, now: datetime | None = None) -> Outcome:
        (outcome,) = await self.put((command, actor), now=now)
        return outcome

    def book(self) -> Book:
        return Book(Allowlist(ISSUER, ROOT_ADMINS), presigned, self.stored, Rules(), Ledger(self.rules))

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


def _decided(inbound: Inbound, book: Book, now: datetime) -> Outcome:
    call = Call(inbound.actor, inbound.context, inbound.message_id, now)
    return HANDLERS[type(inbound.request)](inbound.request, call, book)
