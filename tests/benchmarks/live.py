"""A constant stream of events: how long after the broker had one does a signed checkpoint cover it."""

import asyncio
import time
from collections import deque

import asyncpg

from contracts.topics import CHECKPOINTS
from deploy.local.stack import Stack
from services.audit.note import parse_checkpoint, split_note
from tests.benchmarks.stories import Telling, telling
from tests.support.wire import reader

EVERY_SECONDS = 0.1
_RECORDED = "SELECT coalesce(max(size), 0) FROM audit.checkpoints"


class Behind:
    """When the count of told events was what; the oldest that is not covered says how far behind something is."""

    def __init__(self) -> None:
        self._told: deque[tuple[float, int]] = deque()
        self.most = 0.0

    def sees(self, now: float, told: int, covered: int) -> None:
        self._told.append((now, told))
        while self._told and self._told[0][1] <= covered:
            self._told.popleft()
        if self._told:
            self.most = max(self.most, now - self._told[0][0])


async def live(stack: Stack, rate: int, seconds: float) -> dict[str, float]:
    """`rate` events a second for `seconds`: the rate that the broker took, and the most seconds behind."""
    connection = await asyncpg.connect(stack.state.dsn("postgres"))
    published = _Published(stack)
    watching = asyncio.create_task(published.watch())
    try:
        before = await connection.fetchval(_RECORDED)
        recorded_behind, published_behind = Behind(), Behind()
        with telling(stack, rate, seconds) as telling_process:
            began = await _first(telling_process)
            while (told := telling_process.told) < rate * seconds or published.size < before + told:
                now, recorded = time.perf_counter(), await connection.fetchval(_RECORDED)
                recorded_behind.sees(now, told, recorded - before)
                published_behind.sees(now, told, published.size - before)
                if told < rate * seconds:
                    ended = now
                await asyncio.sleep(EVERY_SECONDS)
    finally:
        watching.cancel()
        await connection.close()
    return {
        "live_per_s": told / (ended + EVERY_SECONDS - began),
        "live_recorded_behind_s": recorded_behind.most,
        "live_published_behind_s": published_behind.most,
    }


async def _first(telling_process: Telling) -> float:
    while not telling_process.told:
        await asyncio.sleep(EVERY_SECONDS / 10)
    return time.perf_counter()


class _Published:
    """The size of the newest checkpoint on the topic; it is there only when the bucket has it too, or soon."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self.size = stack, 0

    async def watch(self) -> None:
        async with reader(self._stack, "downstream", CHECKPOINTS.name, from_end=True) as consumer:
            async for record in consumer:
                self.size = parse_checkpoint(split_note(record.value.decode())[0]).size
