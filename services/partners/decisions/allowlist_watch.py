"""A change of the allowlist is a fact for the log (S1.19), although nobody sends a command when they edit a file.

What is recorded is compared with what is in force, so a change that was missed, made while no process ran, or lost on
the way is found by the next look. A difference that stays is told again once a minute only: while instances with
different lists run side by side, each keeps finding the other's.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.partners import RecordRootAdmins
from services.chassis import OwnCommands, fetch
from services.chassis.patience import wait_out
from services.partners.decisions.root_admins import ALLOWLIST_ID
from services.wire.allowlist import Allowlist

LOOK_SECONDS = 1.0
TOLD_AGAIN = timedelta(minutes=1)
_RECORDED = "SELECT version, subjects FROM root_admins WHERE id = $1"

log = structlog.get_logger()


class AllowlistWatch:
    def __init__(self, engine: AsyncEngine, root_admins: Allowlist, own_commands: OwnCommands) -> None:
        self._engine, self._root_admins, self._own_commands = engine, root_admins, own_commands
        self._told: tuple[str, ...] | None = None
        self._told_at = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Look now and every second until cancelled; a database or broker that is away is waited for."""
        while True:
            await wait_out(partial(self.look, datetime.now(UTC)))
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, now: datetime) -> bool:
        """Send the list if it is not the one that is recorded; says whether it did."""
        try:
            self._root_admins.refresh()
            command = RecordRootAdmins(subjects=self._root_admins.subjects)
        except ValueError as error:  # a list that can't be read or recorded must not stop the service
            log.warning("allowlist.unfit", error=repr(error))
            return False
        version, recorded = await self._recorded()
        if command.subjects == recorded or not self._is_worth_telling(command.subjects, now):
            return False
        await self._own_commands.send(command, orjson.dumps((version, command.subjects)).decode())
        self._told, self._told_at = command.subjects, now
        return True

    def _is_worth_telling(self, subjects: tuple[str, ...], now: datetime) -> bool:
        return subjects != self._told or now - self._told_at >= TOLD_AGAIN

    async def _recorded(self) -> tuple[int, tuple[str, ...]]:
        async with self._engine.connect() as connection:
            rows = await fetch(connection, _RECORDED, ALLOWLIST_ID)
        return (rows[0].version, tuple(rows[0].subjects)) if rows else (0, ())
