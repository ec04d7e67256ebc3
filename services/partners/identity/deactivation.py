"""Who left a roster is deactivated at the identity provider, however long that is away (S1.43).

The row in `deactivations` is the job: it is written in the transaction that removes the contact, and it is what the
partner view shows as a task until it is done. A claim moves the next try into the future, so two instances or a crash
ask for nobody twice at once, and asking again is harmless. What the provider said is reported with a command; if that
gets lost, the claim runs out and the whole is done again.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.partners import RecordDeactivation
from services.chassis import OwnCommands
from services.chassis.patience import wait_out
from services.partners.identity.scim import Deactivated, Failed, ScimDirectory

AT_ONCE = 8
IDLE_SECONDS = 1.0
LEASE = timedelta(seconds=60)
LONGEST = timedelta(seconds=60)

_CLAIM = """
    WITH due AS (
        SELECT partner_id, issuer, subject, removed_at FROM deactivations
        WHERE status = 'pending' AND next_try_at <= $1
        ORDER BY next_try_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE deactivations d SET tries = d.tries + 1, next_try_at = $3 FROM due
    WHERE (d.partner_id, d.issuer, d.subject, d.removed_at) = (due.partner_id, due.issuer, due.subject, due.removed_at)
    RETURNING d.partner_id, d.issuer, d.subject, d.removed_at, d.tries
"""
_POSTPONE = """
    UPDATE deactivations SET failure = $5, next_try_at = $6
    WHERE (partner_id, issuer, subject, removed_at) = ($1, $2, $3, $4) AND status = 'pending'
"""

log = structlog.get_logger()


class Job(NamedTuple):
    partner_id: UUID
    issuer: str
    subject: str
    removed_at: datetime
    tries: int


class Deactivator:
    """Runs until cancelled; each person has a task of their own, so that one slow answer holds up nobody else."""

    def __init__(self, engine: AsyncEngine, directory: ScimDirectory, own_commands: OwnCommands) -> None:
        self._engine, self._directory, self._own_commands = engine, directory, own_commands
        self._running: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()

    async def run(self) -> None:
        try:
            while True:
                self._freed.clear()
                if not await wait_out(self.start_due):
                    await self._rest()
        finally:
            for task in self._running:
                task.cancel()
            await self.drain()

    async def _rest(self) -> None:
        """Until there is room again, or for a while: many who can't be deactivated must not hold up who can."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._freed.wait()
        except TimeoutError:
            pass

    async def start_due(self) -> int:
        """Claim what is due and start a task for each; returns how many."""
        jobs = await self._claim(AT_ONCE - len(self._running))
        for job in jobs:
            task = asyncio.create_task(self._do(job))
            self._running.add(task)
            task.add_done_callback(self._done)
        return len(jobs)

    async def drain(self) -> None:
        """Wait for what is in hand."""
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()):
            log.warning("deactivation.unreported", error=repr(error))  # its claim runs out

    async def _claim(self, room: int) -> Sequence[Job]:
        if room <= 0:
            return []
        now = datetime.now(UTC)
        async with self._engine.begin() as tx:
            return list(map(Job._make, await tx.exec_driver_sql(_CLAIM, (now, room, now + LEASE))))

    async def _do(self, job: Job) -> None:
        outcome = await self._directory.deactivate(job.issuer, job.subject)
        if isinstance(outcome, Failed):
            log.warning("deactivation.failed", partner_id=str(job.partner_id), tries=job.tries, why=outcome.why)
            again = max(backoff(job.tries), outcome.retry_after or timedelta())
            await self._postpone(job, outcome.why, again)
            return
        known = isinstance(outcome, Deactivated)
        report = RecordDeactivation(
            partner_id=job.partner_id,
            issuer=job.issuer,
            subject=job.subject,
            removed_at=job.removed_at,
            known=known,
        )
        await self._own_commands.send(report, report.model_dump_json())

    async def _postpone(self, job: Job, why: str, again: timedelta) -> None:
        async with self._engine.begin() as tx:
            await tx.exec_driver_sql(_POSTPONE, (*job[:4], why, datetime.now(UTC) + again))


def backoff(tries: int) -> timedelta:
    """1, 2, 4, … up to 60 seconds, each between half and all of it."""
    return min(timedelta(seconds=2 ** min(tries - 1, 10)), LONGEST) * random.uniform(0.5, 1.0)  # noqa: S311
