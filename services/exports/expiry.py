"""Files whose time is over leave the bucket, and so does what was begun and given up. The timer only issues commands.

The file goes first: from the moment its time is over nobody is given a link, whatever the row says, and if the process
dies in between, removing it again does no harm.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.export_messages import ExportMessages
from services.chassis import OwnCommands, fetch
from services.chassis.patience import wait_out
from services.exports.files import give_up, key_of, remove, store_of
from services.exports.formats import Format
from services.exports.points import JobPoint
from services.exports.settings import ExportSettings
from services.wire.crash import reach
from services.wire.objects import StoreError

SWEEP_SECONDS = 15.0
AT_ONCE = 100
ASK_AGAIN = timedelta(minutes=1)

_OVER = """
    SELECT id, format, expires_at FROM exports WHERE state = 'READY' AND expires_at <= $1 ORDER BY expires_at LIMIT $2
"""
_GIVEN_UP = """
    SELECT id, format FROM exports WHERE state = 'FAILED' AND num_nonnulls(upload_id, manifest) > 0 LIMIT $1
"""
_CLEARED = """
    UPDATE exports SET upload_id = NULL, rows = NULL, size = NULL, sha256 = NULL, manifest = NULL
    WHERE id = $1 AND state = 'FAILED'
"""

log = structlog.get_logger()


class ExportExpiry:
    def __init__(
        self, engine: AsyncEngine, commands: OwnCommands, messages: ExportMessages, settings: ExportSettings
    ) -> None:
        self._engine, self._commands, self._messages = engine, commands, messages
        self._service, self._store = settings.service, store_of(settings)

    async def run(self) -> None:
        """Sweep until cancelled; database and broker are waited for, the bucket is asked again next time."""
        while True:
            await wait_out(self.sweep)
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        now = datetime.now(UTC)
        async with self._engine.connect() as read:
            over, given_up = await fetch(read, _OVER, now, AT_ONCE), await fetch(read, _GIVEN_UP, AT_ONCE)
        try:
            for export in over:
                await self._expire(export, now)
            for export in given_up:
                await self._clear(export)
        except StoreError as error:
            log.warning("export.not_removed", error=str(error))

    async def _expire(self, export: Any, now: datetime) -> None:
        """An answer given too early would be the answer for ever: the minute of asking is part of the intent."""
        await asyncio.to_thread(remove, self._store, self._key(export))
        reach(JobPoint.AFTER_REMOVAL)
        minute = (now - export.expires_at) // ASK_AGAIN
        await self._commands.send(self._messages.expire(export_id=export.id), f"{export.id}:{minute}")

    async def _clear(self, export: Any) -> None:
        await asyncio.to_thread(give_up, self._store, self._key(export))
        await asyncio.to_thread(remove, self._store, self._key(export))
        async with self._engine.begin() as write:
            await write.exec_driver_sql(_CLEARED, (export.id,))

    def _key(self, export: Any) -> str:
        return key_of(self._service, export.id, Format(export.format))
