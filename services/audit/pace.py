"""Catching up leaves room for the commands whose events it records.

A service that was away could record some fifteen thousand events a second, and on shared processors everybody who waits
for an answer would pay for it. So what has waited is recorded at a multiple of the rate at which it came, a few events
at a time; what comes now is recorded at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from services.wire.envelope import Record

OLD_SECONDS = 5.0
"""Records that wait for less are no backlog."""
LEAST_PER_SECOND = 1_000.0
PORTION, PORTION_SECONDS = 128, 0.1
"""Events that are recorded in one go: some 10 ms of a processor, or what is due in this time if that is more."""

Process: TypeAlias = Callable[[Sequence[Record]], Awaitable[None]]


class Paced:
    """`behind` tells how many records wait; `times` is the multiple, and with 0 nothing is held back."""

    def __init__(self, process: Process, behind: Callable[[], Awaitable[int]], times: float) -> None:
        self._process, self._behind, self._times = process, behind, times

    async def __call__(self, records: Sequence[Record]) -> None:
        rate = await self._events_per_second(records)
        if rate is None:
            await self._process(records)
            return
        size = max(PORTION, int(rate * PORTION_SECONDS))
        for start in range(0, len(records), size):
            began, portion = time.monotonic(), records[start : start + size]
            await self._process(portion)
            await asyncio.sleep(began + len(portion) / rate - time.monotonic())

    async def _events_per_second(self, records: Sequence[Record]) -> float | None:
        """None for as fast as it goes. What waits, over the time it has waited, is the rate at which it came."""
        waited: float = time.time() - min(record.timestamp for record in records) / 1000
        if not self._times or waited < OLD_SECONDS:
            return None
        return max(LEAST_PER_SECOND, self._times * await self._behind() / waited)
