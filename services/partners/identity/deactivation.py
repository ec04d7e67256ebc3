"""Who left a roster is deactivated at the identity provider, however long that is away (S1.43).

The row in `deactivations` is the job: it is written in the transaction that removes the contact, and it is what the
partner view shows as a task until it is done. A claim moves the next try into the future, so two instances or a crash
ask for nobody twice at once, and asking again is harmless. What the provider said is reported with a command; if that
gets lost, the claim runs out and the whole is done again.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.partners import RecordDeactivation
from services.chassis import OwnCommands
from services.outgoing import Errands
from services.partners.identity.scim import Deactivated, Failed, ScimDirectory

AT_ONCE = 8
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


class Deactivator(Errands[Job]):
    """Each person has a task of their own, so that one slow answer holds up nobody else."""

    at_once = AT_ONCE
    unsettled = "deactivation.unreported"

    def __init__(self, engine: AsyncEngine, directory: ScimDirectory, own_commands: OwnCommands) -> None:
        super().__init__()
        self._engine, self._directory, self._own_commands = engine, directory, own_commands

    async def claim(self, room: int) -> Sequence[Job]:
        now = datetime.now(UTC)
        async with self._engine.begin() as tx:
            return list(map(Job._make, await tx.exec_driver_sql(_CLAIM, (now, room, now + LEASE))))

    async def do(self, job: Job) -> None:
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
