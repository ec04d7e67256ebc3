"""Where Gatehouse's CPU goes: CPU µs a command by process, and py-spy's stacks where it is installed."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.load import Plan, Sample, measure
from tests.benchmarks.processes import cpu_seconds
from tests.benchmarks.runner import FIRST_WARM_REQUESTS, GUESSED_RATE, WARM_CONNECTIONS, WARM_SECONDS
from tests.benchmarks.systems import SERVICES, Systems
from tests.benchmarks.workload import GATEHOUSE, Batch, Workload

CONNECTIONS = 256
SHOWN = 60
HERTZ = 200
EVERYWHERE = 0.95
"""A frame on more samples than this is the way in, and says nothing."""


async def profile(systems: Systems, pool: Executor, workload: Workload, seconds: float, console: Console) -> None:
    """One run for the CPU table without a profiler, then one for each service under py-spy."""
    gatehouse = systems.each[0]
    plan = Plan(gatehouse.port, CONNECTIONS, WARM_SECONDS, seconds)
    await _run(
        pool, replace(plan, connections=WARM_CONNECTIONS), await workload.prepare(FIRST_WARM_REQUESTS, [GATEHOUSE])
    )
    batch = await _prepare(workload, plan)
    before, began, machine = cpu_seconds(systems.processes), time.perf_counter(), psutil.cpu_times()
    sample = await _run(pool, plan, batch)
    await systems.backlog.drain()
    took = time.perf_counter() - began
    spent = {name: total - before[name] for name, total in cpu_seconds(systems.processes).items()}
    spent["load generator"] = sample.cpu_seconds
    spent["idle"] = psutil.cpu_times().idle - machine.idle
    spent["others"] = took * (psutil.cpu_count() or 1) - sum(spent.values())
    _show_cpu(spent, took, len(sample.created()), console)
    console.print(f"{sample.rate:,.0f} commands/s over {CONNECTIONS} connections")
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    for service in SERVICES if spy else ():
        if service in gatehouse.own:
            stacks = systems.logs / f"{service}.stacks"
            batch = await _prepare(workload, plan)
            await _sample(pool, plan, batch, (str(spy), gatehouse.own[service], stacks))
            _show_stacks(service, stacks, console)


def _show_cpu(spent: dict[str, float], took: float, answered: int, console: Console) -> None:
    table = Table("process", "CPU µs a command", "share of a core")
    for name, used in sorted(spent.items(), key=lambda row: -row[1]):
        table.add_row(name, f"{used * 1e6 / answered:,.0f}", f"{used / took:.0%}")
    console.print(table)


async def _run(pool: Executor, plan: Plan, batch: Batch) -> Sample:
    return await asyncio.wrap_future(pool.submit(measure, plan, batch.requests))


async def _prepare(workload: Workload, plan: Plan) -> Batch:
    return await workload.prepare(int(GUESSED_RATE[CONNECTIONS] * plan.total_seconds), [GATEHOUSE])


async def _sample(pool: Executor, plan: Plan, batch: Batch, spy: tuple[str, int, Path]) -> None:
    binary, pid, stacks = spy
    flags = ("-d", str(max(1, round(plan.seconds))), "-r", str(HERTZ), "-f", "raw", "-o", str(stacks))
    load = asyncio.create_task(_run(pool, plan, batch))
    recorder = await asyncio.create_subprocess_exec(
        binary, "record", "-p", str(pid), *flags, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await recorder.wait()
    await load


def _show_stacks(service: str, stacks: Path, console: Console) -> None:
    """Frames by the share of samples they are on, callees included; idle threads are left out."""
    within: Counter[str] = Counter()
    total = 0
    for line in stacks.read_text(encoding="utf-8").splitlines():
        names, _, count = line.rpartition(" ")
        frames = names.split(";")
        if not frames[-1].startswith("_worker"):
            total += int(count)
            within.update(dict.fromkeys(frames, int(count)))
    table = Table(f"{service}: on the stack in", "frame")
    for frame, samples in within.most_common(SHOWN):
        if samples < total * EVERYWHERE:
            table.add_row(f"{samples / total:.1%}", frame)
    console.print(table)
    console.print(f"all stacks: {stacks}")
