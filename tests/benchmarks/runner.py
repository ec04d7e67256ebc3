"""The rounds: each system in turn on the same prepared requests, the order turning with every round.

A run counts only if every 201 is found as rows afterwards. Before each run the machine is let come to rest, so that
nobody pays for another's left-over work: Gatehouse's relay and audit log go on after the last answer.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import psutil
from rich.console import Console

from tests.benchmarks.figures import Figures, Run
from tests.benchmarks.load import Plan, Sample, measure
from tests.benchmarks.processes import cpu_seconds, resident_mib
from tests.benchmarks.rows import expect_all, expect_none
from tests.benchmarks.systems import System, Systems
from tests.benchmarks.workload import GATEHOUSE, Batch, Workload

WARM_SECONDS = 0.5
QUIET_SHARE, QUIET_SECONDS = 25.0, 4.0
GUESSED_RATE = {1: 250.0, 32: 1000.0, 256: 1500.0}
MARGIN = 1.4
OPEN_CONNECTIONS = 64
FIRST_WARM_REQUESTS, WARM_REQUESTS, WARM_CONNECTIONS = 2000, 300, 32
LEAST_ARRIVALS, LONGEST_TENTH_SECONDS = 300, 8.0
TENTH_OF = frozenset({GATEHOUSE, "monolith"})
TENTH = "10pct"


@dataclass(frozen=True, slots=True)
class Length:
    """How much is measured: the rounds, the seconds of each run, and the numbers of connections."""

    rounds: int
    seconds: float
    connections: tuple[int, ...]


class Bench:
    """Measures workloads on systems into `figures`."""

    def __init__(self, systems: Systems, pool: Executor, length: Length, console: Console) -> None:
        self.systems, self._pool, self._length, self._console = systems, pool, length, console
        self.figures = Figures()

    async def run(self, workloads: Sequence[Workload]) -> None:
        for turn in range(self._length.rounds):
            for workload in workloads:
                order = self.systems.each[turn % 3 :] + self.systems.each[: turn % 3]
                await self.warm_up(workload, order, FIRST_WARM_REQUESTS if turn == 0 else WARM_REQUESTS)
                for connections in self._length.connections:
                    await self._compare(workload, order, connections)
                await self._tenth(workload, order)

    async def warm_up(self, workload: Workload, order: Sequence[System], count: int) -> None:
        """Statements, connections and the broker's hot code are there before anything is measured."""
        batch = await workload.prepare(count, [system.name for system in order])
        for system in order:
            await self._load(workload, system, Plan(system.port, WARM_CONNECTIONS, 0.0, 5.0), batch)

    async def _compare(self, workload: Workload, order: Sequence[System], connections: int) -> None:
        names = {system.name: f"{workload.name}.{connections}.{system.name}" for system in order}
        fastest = max(self.figures.rate(name) for name in names.values())
        rate = fastest * MARGIN or GUESSED_RATE.get(connections, GUESSED_RATE[256])
        plan = Plan(0, connections, WARM_SECONDS, self._length.seconds)
        batch = await workload.prepare(int(rate * plan.total_seconds) + 2 * connections, names)
        for system in order:
            await self.record(names[system.name], workload, system, replace(plan, port=system.port), batch)

    async def _tenth(self, workload: Workload, order: Sequence[System]) -> None:
        """A tenth of what Gatehouse and one monolith could carry at most, arriving at a constant rate."""
        most = max(self._length.connections)
        for system in (system for system in order if system.name in TENTH_OF):
            rate = self.figures.rate(f"{workload.name}.{most}.{system.name}") / 10
            seconds = min(max(self._length.seconds, LEAST_ARRIVALS / rate), LONGEST_TENTH_SECONDS)
            plan = Plan(system.port, OPEN_CONNECTIONS, WARM_SECONDS, seconds, rate)
            batch = await workload.prepare(int(rate * plan.total_seconds) + 2, [system.name])
            await self.record(f"{workload.name}.{TENTH}.{system.name}", workload, system, plan, batch)

    async def record(self, name: str, workload: Workload, system: System, plan: Plan, batch: Batch) -> None:
        crowd = await _rest()
        before, began = cpu_seconds(self.systems.processes), time.perf_counter()
        sample = await self._load(workload, system, plan, batch)
        memory = resident_mib(system.own)
        behind = await self.systems.backlog.drain()
        run = self._run(system, sample, before, (began, memory))
        self.figures.add(name, run)
        moments = f"p50 {run.p50_ms:8.1f}  p95 {run.p95_ms:8.1f}  p99 {run.p99_ms:8.1f} ms"
        line = f"{name:<28} {run.commands_per_s:7,.0f}/s  {moments}"
        log = f"  audit log complete after {behind:.1f} s" if system.name == GATEHOUSE else ""
        others = f"  [red]others took {crowd:.0f} % of the machine[/]" if crowd > QUIET_SHARE else ""
        self._console.print(line + log + others, highlight=False)

    async def _load(self, workload: Workload, system: System, plan: Plan, batch: Batch) -> Sample:
        await expect_none(workload, system.name, batch.ids)
        sample = await asyncio.wrap_future(self._pool.submit(measure, plan, batch.requests))
        created = sample.created()
        if len(created) < len(sample.shots):
            other = len(sample.shots) - len(created)
            self._console.print(f"[red]{system.name}: {other} answers were not 201, such as {sample.failures}")
        await expect_all(workload, system.name, [batch.ids[number] for number in created])
        return sample

    def _run(
        self, system: System, sample: Sample, before: dict[str, float], began: tuple[float, dict[str, float]]
    ) -> Run:
        spent = cpu_seconds(self.systems.processes)
        took = sample.measured()
        if not took:
            raise RuntimeError(f"{system.name}: nothing was answered while it was measured")
        mine = system.own.keys() | self.systems.engines.keys()
        mine -= set() if system.name == GATEHOUSE else {"kafka"}
        return Run(
            sample.rate,
            took[len(took) // 2],
            took[int(len(took) * 0.95)],
            took[int(len(took) * 0.99)],
            began[1],
            {name: (spent[name] - before[name]) * 1e6 / len(sample.created()) for name in sorted(mine)},
            sample.cpu_seconds / (sample.ended - began[0]),
        )


async def _rest() -> float:
    """Wait until the machine is mostly idle, or a few seconds at most; returns the per cent that others take."""
    deadline, share = time.monotonic() + QUIET_SECONDS, 100.0
    psutil.cpu_percent()
    while share > QUIET_SHARE and time.monotonic() < deadline:
        await asyncio.sleep(0.3)
        share = psutil.cpu_percent()
    return share
