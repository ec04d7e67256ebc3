"""Pages on their way to people, after the commit: a pager that is down loses none (S1.37).

The row in `page_deliveries` is the job, one for each level of a page. A claim moves the next try into the future, so
two couriers or a crash send nothing twice at once. Each delivery has a task of its own, and its tries never end: they
only become rarer, up to one each `longest_pause`. The table is looked at every half a second and a few pages are taken
each time: nobody reads faster, and a storm of dossiers leaves the service its CPU.

What is sent names the partner by id only: a name is text of a stranger, and pagers render links and mentions.
"""

import asyncio
import random
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.message import Target
from contracts.work_events import PageSent
from services.chassis import Fact, Write
from services.chassis.own_facts import tell
from services.chassis.patience import wait_out
from services.partners.review.pager import AT_ONCE, Pager

SERVICE = "partners"
LOOK_SECONDS = 0.5
LEASE = timedelta(seconds=30)

_CLAIM = """
    WITH due AS (
        SELECT d.page_id, d.level FROM page_deliveries d
        WHERE d.status IN ('queued', 'failed') AND d.next_try_at <= now()
        ORDER BY d.next_try_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE page_deliveries d SET tries = d.tries + 1, next_try_at = now() + $2
    FROM due JOIN pages p ON p.id = due.page_id
    WHERE d.page_id = due.page_id AND d.level = due.level
    RETURNING d.page_id, d.level, d.tries, p.partner_id, p.dossier_version, p.raised_at
"""
_SENT = """
    UPDATE page_deliveries SET status = 'sent', sent_at = now(), failure = NULL
    WHERE page_id = $1 AND level = $2 AND status <> 'sent'
"""
_FAILED = """
    UPDATE page_deliveries SET status = 'failed', failure = $3, next_try_at = now() + $4
    WHERE page_id = $1 AND level = $2 AND status IN ('queued', 'failed')
"""

log = structlog.get_logger()


class Message(NamedTuple):
    """One claimed delivery."""

    page_id: UUID
    level: int
    tries: int
    partner_id: UUID
    dossier_version: int
    raised_at: datetime

    @property
    def title(self) -> str:
        return "Dossier to review" if self.level == 1 else f"Dossier to review, not acknowledged (level {self.level})"

    @property
    def body(self) -> str:
        waits = f"{self.raised_at:%Y-%m-%d %H:%M} UTC"
        return f"Partner {self.partner_id}, dossier version {self.dossier_version}, waits since {waits}."

    def sent(self) -> Fact:
        """Told once: the delivery at one level is an aggregate with this one event."""
        data = PageSent(page_id=self.page_id, level=self.level, tries=self.tries)
        targets = {"page": self.page_id, "partner": self.partner_id}
        about = tuple(Target(type=kind, id=str(identifier)) for kind, identifier in targets.items())
        return Fact("page_delivery", uuid5(self.page_id, str(self.level)), 1, data, about)


class Courier:
    def __init__(self, engine: AsyncEngine, pager: Pager, longest_pause: timedelta) -> None:
        self._engine, self._pager, self._longest_pause = engine, pager, longest_pause
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send what is due until cancelled; a database that is away is waited for."""
        try:
            while True:
                await wait_out(self.start_due)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self.close()

    async def start_due(self) -> int:
        """Claim what is due and start a task for each; returns how many."""
        messages = await self._claim(AT_ONCE - len(self._sending))
        for message in messages:
            task = asyncio.create_task(self._deliver(message))
            self._sending.add(task)
            task.add_done_callback(self._done)
        return len(messages)

    async def drain(self) -> None:
        """Wait for the messages in hand."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def close(self) -> None:
        for task in self._sending:
            task.cancel()
        await self.drain()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("page.unsettled", error=type(error).__name__)  # its claim runs out and it is tried again

    async def _claim(self, room: int) -> list[Message]:
        if room <= 0:
            return []
        async with self._engine.begin() as tx:
            rows = (await tx.exec_driver_sql(_CLAIM, (room, LEASE))).mappings()
            return [Message(**row) for row in rows]

    async def _deliver(self, message: Message) -> None:
        failure = await self._pager.send(message.level, message.title, message.body, message.page_id)
        async with self._engine.begin() as tx:
            if failure is None:
                done = await tx.exec_driver_sql(_SENT, (message.page_id, message.level))
                if done.rowcount:
                    await tell(Write(tx), SERVICE, message.sent())
            else:
                again = backoff(message.tries, self._longest_pause)
                await tx.exec_driver_sql(_FAILED, (message.page_id, message.level, failure, again))
        if failure:
            log.warning("page.unsent", page_id=str(message.page_id), tries=message.tries, error=failure)


def backoff(tries: int, longest: timedelta) -> timedelta:
    """1, 2, 4, … seconds up to the longest pause, each between half and all of it."""
    pause = min(longest, timedelta(seconds=2.0 ** min(tries - 1, 16)))
    return pause * random.uniform(0.5, 1.0)  # noqa: S311
