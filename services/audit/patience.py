"""How long the log waits for its database: for ever. An event that was read is never left out."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from services.chassis.database import is_away, is_conflict
from services.wire import telemetry

TRIES = 5
LONGEST_SECONDS = 2.0

T = TypeVar("T")
log = structlog.get_logger()


async def wait_out(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work` as soon as the database is there; after a conflict do it again, a few times."""
    waits = conflicts = 0
    while True:
        try:
            return await work()
        except Exception as error:
            if is_away(error):
                waits += 1
                telemetry.RETRIES.labels("away").inc()
                log.warning("audit.waiting", error=repr(error), waits=waits)
            elif is_conflict(error) and conflicts < TRIES:
                conflicts += 1
                telemetry.RETRIES.labels("conflict").inc()
            else:
                raise
        await pause(waits + conflicts)


async def pause(attempt: int, longest: float = LONGEST_SECONDS) -> None:
    """Exponential back-off with full jitter."""
    await asyncio.sleep(random.uniform(0, min(longest, 0.02 * 2 ** min(attempt, 16))))  # noqa: S311
