"""The commands of the audit service. They are about exports: the log itself takes nothing but events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.audit_events import AuditCommandRefused
from contracts.export_messages import AUDIT
from contracts.message import Command
from services.chassis import Desk, Inbound, Write
from services.chassis.commands import Handler
from services.exports.book import ExportBook
from services.exports.desk import ExportDesk
from services.exports.handlers import handlers

HANDLERS: dict[type[Command], Handler] = handlers(AUDIT)


@dataclass(slots=True)
class Book:
    """What one batch sees and changes."""

    exports: ExportBook


def audit_desk(exports: ExportDesk) -> Desk:
    async def load(tx: Write, fresh: Sequence[Inbound], sizes: Mapping[UUID, int]) -> Book:
        book = Book(exports.book(sizes))
        await book.exports.load(tx, fresh)
        return book

    async def save(tx: Write, book: Book) -> None:
        await book.exports.save(tx)

    return Desk(HANDLERS, load, save, AuditCommandRefused, exports.sizes)
