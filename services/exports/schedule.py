"""Exports by the clock. The timer only issues commands: a slot is an intent, so two timers and restarts make one file.

The newest slot that has passed is issued, also one that nobody was awake for.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from contracts.export_messages import ExportMessages
from services.chassis import OwnCommands
from services.chassis.patience import wait_out
from services.exports.job_settings import Daily

POLL_SECONDS = 5.0

log = structlog.get_logger()


def last_slot(daily: Daily, now: datetime) -> datetime:
    """The moment its time last came. Where a clock is put forward over it, it is an hour by that clock later."""
    zone = ZoneInfo(daily.zone)
    today = now.astimezone(zone).date()
    slots = (datetime.combine(today - timedelta(days=back), daily.at, zone).astimezone(UTC) for back in range(3))
    return next(slot for slot in slots if slot <= now)


class Schedule:
    def __init__(
        self,
        commands: OwnCommands,
        messages: ExportMessages,
        wanted: Sequence[Daily],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises ValueError for a dataset that the service does not own."""
        for daily in wanted:
            if daily.dataset not in messages.datasets:
                raise ValueError(f"GATEHOUSE_EXPORT_SCHEDULE: {daily.dataset} is not a dataset of this service")
        self._commands, self._messages, self._wanted, self._now = commands, messages, wanted, now
        self._issued: dict[Daily, datetime] = {}

    async def run(self) -> None:
        """Until cancelled; a broker that is away is waited for."""
        while True:
            await wait_out(self.issue)
            await asyncio.sleep(POLL_SECONDS)

    async def issue(self) -> int:
        """Ask for whatever has come due; returns how many commands that took."""
        due = [(daily, last_slot(daily, self._now())) for daily in self._wanted]
        fresh = [(daily, slot) for daily, slot in due if self._issued.get(daily) != slot]
        for daily, slot in fresh:
            command = self._messages.start_scheduled(dataset=daily.dataset, format=daily.format, scheduled_for=slot)
            await self._commands.send(command, f"{daily.dataset}:{daily.format}:{slot.isoformat()}")
            self._issued[daily] = slot
            log.info("export.scheduled", dataset=daily.dataset, format=daily.format, slot=slot.isoformat())
        return len(fresh)
