"""Rows of a table that are jobs: claimed when they are due, and each done in a task of its own.

Invariant: a claim moves the next try into the future, so two instances or a crash do nothing twice at once; what is
not settled is claimed again when its claim has run out. A slow or dead job holds up no other, and however many can't
be done, those that can have their turn.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

import structlog

from services.chassis.patience import wait_out

Job = TypeVar("Job")

log = structlog.get_logger()


class Errands(ABC, Generic[Job]):
    """`at_once` jobs at most are in hand; without being woken it looks again after `idle_seconds`."""

    at_once: ClassVar[int]
    idle_seconds: ClassVar[float] = 1.0
    unsettled: ClassVar[str]
    """The log line about a job whose end could not be written down."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._in_hand: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def claim(self, room: int) -> Sequence[Job]:
        """At most `room` jobs that are due, from now on claimed."""

    @abstractmethod
    async def do(self, job: Job) -> None:
        """Do it and write down what came of it."""

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    async def run(self) -> None:
        """Do what is due until cancelled; a database that is away is waited for."""
        try:
            while True:
                self._woken.clear()
                if not await wait_out(self.start_due):
                    await self._rest()
        finally:
            await self.close()

    async def start_due(self) -> int:
        """Claim what is due and start a task for each; returns how many."""
        room = self.at_once - len(self._in_hand)
        jobs = await self.claim(room) if room > 0 else ()
        for job in jobs:
            task = asyncio.create_task(self.do(job))
            self._in_hand.add(task)
            task.add_done_callback(self._done)
        return len(jobs)

    async def drain(self) -> None:
        """Wait for what is in hand."""
        await asyncio.gather(*self._in_hand, return_exceptions=True)

    async def close(self) -> None:
        for task in self._in_hand:
            task.cancel()
        await self.drain()

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.idle_seconds):
                await self._woken.wait()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._in_hand.discard(task)
        self.wake()
        if not task.cancelled() and (error := task.exception()):
            log.warning(self.unsettled, error=type(error).__name__)  # its claim runs out and it is tried again
