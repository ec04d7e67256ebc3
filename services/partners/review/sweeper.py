"""The timer of reviews and pages. It decides nothing: it finds what is due and issues commands, as often as it likes.

The command's handler looks again, under the partner's lock, so two sweepers, a killed one and a wrong clock do no harm.
An intent names the moment that was due, since a pause moves it, and the minute of asking, since an answer given too
early would otherwise be the answer for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.message import Command
from contracts.reviews import BreachReview, EscalatePage, WarnReview
from services.chassis import OwnCommands
from services.chassis.database import fetch
from services.chassis.patience import wait_out

POLL = timedelta(seconds=5)
ASK_AGAIN = timedelta(minutes=1)
AT_ONCE = 200

_TO_WARN = "SELECT partner_id, round, warn_at FROM reviews WHERE warned_at IS NULL AND warn_at <= $1 ORDER BY warn_at"
_TO_BREACH = "SELECT partner_id, round, due_at FROM reviews WHERE breached_at IS NULL AND due_at <= $1 ORDER BY due_at"
_TO_ESCALATE = (
    "SELECT id, partner_id, level, escalate_at FROM pages WHERE escalate_at <= $1 AND level < $2 ORDER BY escalate_at"
)
_NEXT = """
    SELECT least(
        (SELECT min(warn_at) FROM reviews WHERE warned_at IS NULL AND warn_at > $1),
        (SELECT min(due_at) FROM reviews WHERE breached_at IS NULL AND due_at > $1),
        (SELECT min(escalate_at) FROM pages WHERE escalate_at > $1 AND level < $2))
"""

log = structlog.get_logger()


class Due(NamedTuple):
    """A command to issue because `since` has passed."""

    command: Command
    since: datetime

    def intent(self, now: datetime) -> str:
        return f"{self.command.model_dump_json()} {self.since.isoformat()} {(now - self.since) // ASK_AGAIN}"


class Sweeper:
    """`levels`: how many people the pager can tell; `now` is the wall clock unless a test brings its own."""

    def __init__(
        self,
        engine: AsyncEngine,
        commands: OwnCommands,
        levels: int,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=True)
        self._commands, self._levels, self._now = commands, levels, now
        self._issued: set[str] = set()

    async def run(self) -> None:
        """Sweep until cancelled; a database or broker that is away is waited for."""
        while True:
            upcoming = await wait_out(self.sweep)
            await asyncio.sleep(self.rest(upcoming).total_seconds())

    def rest(self, upcoming: datetime | None) -> timedelta:
        """Until the next due moment, or a poll: others write the table too, and clocks are set."""
        return POLL if upcoming is None else min(POLL, max(upcoming - self._now(), timedelta(milliseconds=10)))

    async def sweep(self) -> datetime | None:
        """Issue a command for whatever is due; returns the next moment at which something will be."""
        now = self._now()
        due, upcoming = await self._look(now)
        intents = {one.intent(now): one for one in due}
        self._issued &= intents.keys()  # what is not due any more was handled
        fresh = [(intent, one.command) for intent, one in intents.items() if intent not in self._issued]
        for start in range(0, len(fresh), AT_ONCE):
            await self._issue(fresh[start : start + AT_ONCE])
        return upcoming

    async def _look(self, now: datetime) -> tuple[list[Due], datetime | None]:
        async with self._engine.connect() as read:
            due = [Due(WarnReview(partner_id=p, round=n), at) for p, n, at in await fetch(read, _TO_WARN, now)]
            due += [Due(BreachReview(partner_id=p, round=n), at) for p, n, at in await fetch(read, _TO_BREACH, now)]
            due += [
                Due(EscalatePage(page_id=page, partner_id=partner, level=level + 1), at)
                for page, partner, level, at in await fetch(read, _TO_ESCALATE, now, self._levels)
            ]
            [(upcoming,)] = await fetch(read, _NEXT, now, self._levels)
        return due, upcoming

    async def _issue(self, fresh: Sequence[tuple[str, Command]]) -> None:
        sent: list[Awaitable[None]] = [self._commands.send(command, intent) for intent, command in fresh]
        await asyncio.gather(*sent)
        self._issued.update(intent for intent, _ in fresh)
        log.info("review.swept", issued=len(fresh))
