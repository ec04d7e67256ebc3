"""The log's own figures: how fast it is written, verified, and caught up with when it was away.

On the stack's own schema, topics and bucket. The CPU time that PostgreSQL and the audit service together took for an
event stands beside the rates, since the machine is rarely alone.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from rich.console import Console

from deploy.local.environment import AUDIT_ORIGIN
from deploy.local.keys import public_key
from deploy.local.stack import Stack
from services.audit.note import Verifier
from services.audit.ranges import verify_log
from services.wire import actor
from tests.benchmarks.beside import commands_beside
from tests.benchmarks.figures import Goal
from tests.benchmarks.live import live
from tests.benchmarks.stories import tell
from tests.support import ServiceProcess

VERIFY_GOAL, INGEST_GOAL = 150_000, 10_000
BEHIND_GOAL, CATCH_UP_GOAL, SLOWER_GOAL = 5.0, 5.0, 1.25
LIVE_SECONDS = 30.0
_RECORDED = "SELECT coalesce(max(size), 0) FROM audit.checkpoints"

Figures = dict[str, float]


async def measure_log(stack: Stack, events: int, console: Console, result: Path) -> None:
    """`events` wait on the topics while the service is away; it takes them in, lives on, and all of it is verified."""
    connection = await asyncpg.connect(stack.state.dsn("postgres"))
    try:
        figures = await _caught_up(stack, connection, events)
        with ServiceProcess(stack, "audit"):
            figures |= await live(stack, INGEST_GOAL, LIVE_SECONDS)
        figures |= await commands_beside(stack)
        figures |= await _verified(stack, connection)
    finally:
        await connection.close()
    for goal in _goals(figures):
        console.print(f"[{'green' if goal.kept else 'red'}]{goal.text}: {goal.measured}")
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps({"figures": figures}, indent=1) + "\n", encoding="utf-8")


async def _caught_up(stack: Stack, connection: Any, events: int) -> Figures:
    before = await connection.fetchval(_RECORDED)
    await asyncio.to_thread(tell, stack, events)

    async def recorded() -> None:
        while await connection.fetchval(_RECORDED) < before + events:
            await asyncio.sleep(0.1)

    with ServiceProcess(stack, "audit"):
        first = await _first(connection, before)
        seconds, cpu = await timed(connection, recorded)
    taken = before + events - first
    return {"ingest_per_s": taken / seconds, "ingest_cpu_us": cpu * 1e6 / taken}


async def _verified(stack: Stack, connection: Any) -> Figures:
    verifier = Verifier(AUDIT_ORIGIN, actor.public_key(public_key(stack.state.secrets["audit_signing_key"])))

    async def verified() -> None:
        report = await verify_log(stack.state.dsn("postgres"), verifier)
        if report.finding:
            raise RuntimeError(f"the log is not what was signed: {report.finding}")

    await connection.execute("VACUUM ANALYZE audit.events, audit.event_targets")  # else autovacuum is measured
    size = await connection.fetchval(_RECORDED)
    seconds, cpu = await timed(connection, verified)
    return {"verified": size, "verify_per_s": size / seconds, "verify_cpu_us": cpu * 1e6 / size}


async def _first(connection: Any, before: int) -> int:
    """Measured from the first batch on: a service that starts is no slower at its work."""
    while (size := await connection.fetchval(_RECORDED)) == before:
        await asyncio.sleep(0.05)
    return int(size)


async def timed(connection: Any, work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds, and the CPU seconds of this process, its children and this stack's PostgreSQL meanwhile."""
    postmaster = psutil.Process(connection.get_server_pid()).parent()
    roots = [psutil.Process(), *([postmaster] if postmaster else [])]
    cpu, began = _cpu(roots), time.perf_counter()
    await work()
    return time.perf_counter() - began, _cpu(roots) - cpu


def _cpu(roots: Sequence[psutil.Process]) -> float:
    """Of whole families: what a child has used is its parent's when it is gone."""
    spent = 0.0
    for process in (member for root in roots for member in (root, *root.children(recursive=True))):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent += times.user + times.system + times.children_user + times.children_system
    return spent


def _goals(found: Figures) -> list[Goal]:
    ingest, verify, told = found["ingest_per_s"], found["verify_per_s"], found["live_per_s"]
    behind, published = found["live_recorded_behind_s"], found["live_published_behind_s"]
    times, slower = found["catch_up_per_s"] / found["live_events_per_s"], found["beside_p50_ms"] / found["alone_p50_ms"]
    return [
        Goal(
            f"from the topics into the log ≥ {INGEST_GOAL:,} events/s",
            f"{ingest:,.0f}/s, {found['ingest_cpu_us']:.1f} µs CPU an event",
            ingest >= INGEST_GOAL,
        ),
        Goal(
            f"told for {LIVE_SECONDS:.0f} s, under a signed checkpoint ≤ {BEHIND_GOAL:.0f} s later",
            f"{told:,.0f}/s, {behind:.1f} s behind at most, {published:.1f} s to bucket and topic",
            told >= INGEST_GOAL * 0.99 and behind <= BEHIND_GOAL,
        ),
        Goal(
            f"catching up ≥ {CATCH_UP_GOAL:.0f} times the live rate of {found['live_events_per_s']:,.0f} events/s",
            f"{times:.1f} times",
            times >= CATCH_UP_GOAL,
        ),
        Goal(
            f"p50 of the staff call meanwhile ≤ {SLOWER_GOAL} times",
            f"{found['beside_p50_ms']:.1f} against {found['alone_p50_ms']:.1f} ms",
            slower <= SLOWER_GOAL,
        ),
        Goal(
            f"a log of {found['verified']:,.0f} events verified at ≥ {VERIFY_GOAL:,} events/s",
            f"{verify:,.0f}/s, {found['verify_cpu_us']:.1f} µs CPU an event",
            verify >= VERIFY_GOAL,
        ),
    ]
