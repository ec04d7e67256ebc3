"""Two shapes of load: closed (as fast as the answers come) and open (at a fixed rate, whatever the answers do).

Runs in a process of its own; `measure` is the entry point that the runner submits to it.
"""

import asyncio
import gc
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import uvloop

from tests.benchmarks.client import LOST, Connection, connect

DRAIN_SECONDS = 30.0
KEPT_FAILURES = 3
CREATED = 201


class Shot(NamedTuple):
    """One request: its number, the answer's status, when it was due and when its answer was complete."""

    number: int
    status: int
    due: float
    done: float


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` requests a second whatever happens, or as many as `connections` can carry when it is None.

    Without a rate the measured seconds begin when every connection has been answered once on average: 256 requests
    that came at once are no steady state, least of all for a system that works on all of them at a time.
    """

    port: int
    connections: int
    warm_seconds: float
    seconds: float
    rate: float | None = None

    @property
    def total_seconds(self) -> float:
        return self.warm_seconds + self.seconds


@dataclass(slots=True)
class Sample:
    """What happened. Only answers between `opened` and `closed` are measured; all of them are counted in the end."""

    shots: list[Shot] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    opened: float = math.inf
    closed: float = 0.0
    ended: float = 0.0
    cpu_seconds: float = 0.0

    def created(self) -> list[int]:
        """The numbers of all requests answered with 201."""
        return [shot.number for shot in self.shots if shot.status == CREATED]

    def measured(self) -> list[float]:
        """Milliseconds of each 201 in the window, in ascending order."""
        inside = (s for s in self.shots if s.status == CREATED and self.opened < s.done <= self.closed)
        return sorted((shot.done - shot.due) * 1000 for shot in inside)

    @property
    def rate(self) -> float:
        return len(self.measured()) / (self.closed - self.opened)


class Load:
    """One run of one plan over prepared requests; ends early when they run out."""

    def __init__(self, plan: Plan, requests: list[bytes]) -> None:
        self._plan, self._requests = plan, requests
        self._next = self._open = 0
        self._sent: dict[Connection, tuple[int, float]] = {}
        self._idle: list[Connection] = []
        self._backlog: deque[float] = deque()
        self._exhausted: float | None = None
        self._warm_until, self._end = math.inf, math.inf
        self._finished = asyncio.Event()
        self.sample = Sample()

    async def run(self) -> Sample:
        plan, clock = self._plan, time.perf_counter
        self._connections = await connect(plan.port, plan.connections, self._answered)
        began, cpu = clock(), time.process_time()
        self._warm_until = began + plan.warm_seconds
        async with asyncio.timeout(plan.total_seconds + DRAIN_SECONDS):
            if plan.rate is None:
                for connection in self._connections:
                    self._fire(connection, clock())
            else:
                self._idle.extend(self._connections)
                await self._arrivals(began, plan.rate)
            await self._finished.wait()
        self.sample.cpu_seconds = time.process_time() - cpu
        self.sample.ended = clock()
        self.sample.closed = min(self._end, self._exhausted or self._end)
        for connection in self._connections:
            connection.close()
        return self.sample

    def _open_window(self, moment: float) -> None:
        self.sample.opened, self._end = moment, moment + self._plan.seconds

    async def _arrivals(self, began: float, rate: float) -> None:
        """Each request is due at its own moment; one that finds no idle connection waits, and its wait counts."""
        due = began
        self._open_window(self._warm_until)
        while due < self._end and self._next + len(self._backlog) < len(self._requests):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            while due <= time.perf_counter() and due < self._end:
                self._backlog.append(due)
                due += 1 / rate
            while self._idle and self._backlog:
                self._fire(await self._take(), self._backlog.popleft())
        self._exhausted = min(self._end, due)
        self._finish_when_quiet()

    async def _take(self) -> Connection:
        """The connection that was used last; a server closes those that are idle for long."""
        connection = self._idle.pop()
        if not connection.is_open:
            [connection] = await connect(self._plan.port, 1, self._answered)
            self._connections.append(connection)
        return connection

    def _fire(self, connection: Connection, due: float) -> None:
        if self._next >= len(self._requests):
            self._exhausted = self._exhausted or due
            return
        number, self._next = self._next, self._next + 1
        self._open += 1
        self._sent[connection] = (number, due)
        connection.send(self._requests[number])

    def _answered(self, connection: Connection, status: int, body: bytes) -> None:
        now = time.perf_counter()
        number, due = self._sent.pop(connection)
        self._open -= 1
        self.sample.shots.append(Shot(number, status, due, now))
        if status != CREATED and len(self.sample.failures) < KEPT_FAILURES:
            self.sample.failures.append(f"{status} {body[:300]!r}")
        if status == LOST:
            self._exhausted = now
        if self._end is math.inf and now >= self._warm_until and len(self.sample.shots) >= self._plan.connections:
            self._open_window(now)
        if self._plan.rate is not None:
            self._reuse(connection)
        elif now < self._end and status != LOST:
            self._fire(connection, now)
        self._finish_when_quiet()

    def _reuse(self, connection: Connection) -> None:
        if self._backlog:
            self._fire(connection, self._backlog.popleft())
        else:
            self._idle.append(connection)

    def _finish_when_quiet(self) -> None:
        over = self._exhausted is not None or time.perf_counter() >= self._end
        if over and not self._open and not self._backlog:
            self._finished.set()


def measure(plan: Plan, requests: list[bytes]) -> Sample:
    """Run the plan in this process; collections of garbage would be seen as latency, so there are none."""
    gc.disable()
    try:
        return uvloop.run(Load(plan, requests).run())
    finally:
        gc.enable()
        gc.collect()
