"""Pages on their way to people, after the commit: a pager that is down loses none (S1.37).

The row in `page_deliveries` is the job, one for each level of a page. A claim moves the next try into the future, so
two couriers or a crash send nothing twice at once. Each delivery has a task of its own, and its tries never end: they
only become rarer, up to one each `longest_pause`. The table is looked at every half a second and a few pages are taken
each time: nobody reads faster, and a storm of dossiers leaves the service its CPU.

What is sent names the partner by id only: a name is text of a stranger, and pagers render links and mentions.
"""

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
from services.outgoing import Errands
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


class Courier(Errands[Message]):
    at_once = AT_ONCE
    idle_seconds = LOOK_SECONDS
    unsettled = "page.unsettled"

    def __init__(self, engine: AsyncEngine, pager: Pager, longest_pause: timedelta) -> None:
        super().__init__()
        self._engine, self._pager, self._longest_pause = engine, pager, longest_pause

    async def claim(self, room: int) -> list[Message]:
        async with self._engine.begin() as tx:
            rows = (await tx.exec_driver_sql(_CLAIM, (room, LEASE))).mappings()
            return [Message(**row) for row in rows]

    async def do(self, message: Message) -> None:
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
