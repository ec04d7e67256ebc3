"""What passes by itself is waited for; what does not is somebody else's decision."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from aiokafka.errors import KafkaError

from services.chassis.database import is_away, is_conflict
from services.wire import telemetry

TRIES = 5
LONGEST_SECONDS = 2.0

T = TypeVar("T")
log = structlog.get_logger()


async def wait_out(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work` as soon as database and broker are there; after a conflict do it again, a few times."""
    waits = conflicts = 0
    while True:
        try:
            return await work()
        except Exception as error:
            if is_away(error) or isinstance(error, KafkaError):
                waits += 1
                telemetry.RETRIES.labels("away").inc()
                log.warning("work.waiting", error=repr(error), waits=waits)
            elif is_conflict(error) and conflicts < TRIES:
                conflicts += 1
                telemetry.RETRIES.labels("conflict").inc()
            else:
                raise
        await pause(waits + conflicts)


async def pause(attempt: int, longest: float = LONGEST_SECONDS) -> None:
    """Exponential back-off with full jitter."""
    await asyncio.sleep(random.uniform(0, min(longest, 0.02 * 2 ** min(attempt, 16))))  # noqa: S311
