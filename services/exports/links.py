"""A link to a file is handed out only once the log is told who got it (A13): the event is committed before the answer.

Invariant: the export's row is locked while it is decided, so versions count on without a gap beside its commands, and
whoever waited for an erasure here finds the file's time over. The link itself stands in no event.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.export_messages import ExportMessages
from contracts.failures import Code
from contracts.message import Outcome
from services.chassis import Call, Refusal, Write
from services.chassis.database import is_away
from services.chassis.outbox import Relay, append
from services.exports.book import load_exports
from services.exports.export import Export
from services.exports.files import LINK_LIFETIME, key_of, link, store_of
from services.exports.formats import Format
from services.exports.settings import ExportSettings

_COUNT_ON = "UPDATE exports SET version = $2 WHERE id = $1"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Given:
    """The export as it is now that its event is told."""

    export: Export
    link: str
    expires_at: datetime


class ExportLinks:
    def __init__(self, engine: AsyncEngine, relay: Relay, settings: ExportSettings, messages: ExportMessages) -> None:
        self._engine, self._relay, self._messages = engine, relay, messages
        self._service, self._store = settings.service, store_of(settings)

    async def give(self, export_id: UUID, call: Call) -> Given | Refusal | None:
        """None where there is no file any more; what can't be recorded is refused, whatever the reason."""
        try:
            return await self._give(export_id, call)
        except Exception as error:
            if not is_away(error):
                log.exception("export.link_unrecorded", export_id=str(export_id))
            return Refusal(Code.DEPENDENCY_UNAVAILABLE)

    async def _give(self, export_id: UUID, call: Call) -> Given | None:
        async with self._engine.begin() as connection:
            tx = Write(connection)
            export = (await load_exports(tx, [export_id], lock=True)).get(export_id)
            now = datetime.now(UTC)  # not the call's: it may have waited for the erasure that ended this file
            fact = export.give_link(now, LINK_LIFETIME, self._messages) if export else None
            if export is None or fact is None:
                return None
            given = Given(export, self._link(export), now + LINK_LIFETIME)
            await tx.exec_driver_sql(_COUNT_ON, (export.id, export.version))
            partitions = await append(tx, [(call, fact, Outcome.SUCCEEDED, None)])
        self._relay.wake(partitions)
        return given

    def _link(self, export: Export) -> str:
        return link(self._store, key_of(self._service, export.id, Format(export.format)))
