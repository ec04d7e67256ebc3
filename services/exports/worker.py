"""The worker of exports: has each file made by a process of its own, and reports with commands.

The row is the job. One file of a service is made at a time, by the instance that holds its turn; with the instance the
turn is gone, and the next one goes on: the process that is left behind and the new one don't meet, for each makes the
file under a lock of its own, and what was made is not made again.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.export_messages import ExportMessages
from contracts.exports import OfExport
from services.chassis import OwnCommands, fetch
from services.chassis.patience import wait_out
from services.exports.points import JobPoint
from services.wire.crash import reach

IDLE_SECONDS = 1.0
MOST_TRIES = 5
LOOK_AGAIN = timedelta(minutes=1)

_TURN = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.exports', 0))"
_CLAIM = """
    UPDATE exports SET state = 'RUNNING' WHERE state IN ('REQUESTED', 'RUNNING') AND id = (
        SELECT id FROM exports WHERE state IN ('REQUESTED', 'RUNNING') AND next_try_at <= now()
        ORDER BY next_try_at, id LIMIT 1)
    RETURNING id, tries
"""
_MADE = "UPDATE exports SET next_try_at = now() + $2::interval WHERE id = $1 RETURNING id"
_BROKEN = """
    UPDATE exports SET tries = tries + 1, next_try_at = now() + $2::interval WHERE id = $1 RETURNING tries, failure
"""

log = structlog.get_logger()


class _Job(NamedTuple):
    id: UUID
    tries: int


def pause_after(tries: int) -> timedelta:
    """10 s, then three times as long each time: the last try comes after some seven minutes."""
    return timedelta(seconds=10 * 3**tries)


class ExportWorker:
    """`module` is what makes one export: `python -m module EXPORT_ID`, told by the same environment."""

    def __init__(
        self,
        engine: AsyncEngine,
        commands: OwnCommands,
        messages: ExportMessages,
        module: str,
        pause: Callable[[int], timedelta] = pause_after,
    ) -> None:
        self._engine, self._commands, self._messages = engine, commands, messages
        self._module, self._pause = module, pause

    async def run(self) -> None:
        """Make what is due, one after the other, until cancelled; a database that is away is waited for."""
        while True:
            if not await wait_out(self.advance):
                await asyncio.sleep(IDLE_SECONDS)

    async def advance(self) -> bool:
        """Try one export that is due; False where there is none, or another instance has the turn."""
        async with self._turn() as mine:
            job = await self._claim() if mine else None
            if job is None:
                return False
            reach(JobPoint.AFTER_CLAIM)
            await self._report(job, await self._make(job.id))
            return True

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        """The transaction reads nothing after its lock, so it holds back no vacuum however long a file takes."""
        async with self._engine.begin() as turn:
            [(mine,)] = await fetch(turn, _TURN)
            yield mine

    async def _claim(self) -> _Job | None:
        found = await self._write(_CLAIM)
        return _Job(*found) if found else None

    async def _make(self, export_id: UUID) -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", self._module, str(export_id))
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise

    async def _report(self, job: _Job, exit_code: int) -> None:
        """The next look is put off first, so that it does not come before the report is handled."""
        report: OfExport | None = None
        if exit_code == 0:
            await wait_out(partial(self._write, _MADE, job.id, LOOK_AGAIN))
            report = self._messages.finish(export_id=job.id)
        else:
            tries, failure = await wait_out(partial(self._write, _BROKEN, job.id, self._pause(job.tries)))
            log.warning("export.failed", export_id=str(job.id), tries=tries, exit_code=exit_code, failure=failure)
            if tries >= MOST_TRIES:
                why = failure or f"its process ended with {exit_code}"
                report = self._messages.fail(export_id=job.id, why=why[:500])
        if report:
            reach(JobPoint.BEFORE_REPORT)
            await wait_out(partial(self._commands.send, report, f"{job.id}:{job.tries}"))
            reach(JobPoint.AFTER_REPORT)

    async def _write(self, statement: str, *args: Any) -> Any:
        async with self._engine.begin() as connection:
            return next(iter(await fetch(connection, statement, *args)), None)
