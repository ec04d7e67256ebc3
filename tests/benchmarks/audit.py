"""The log's own figures: how fast it is written, verified, and caught up with when it was away.

On the stack's own schema, topics and bucket. Live and catching up are the same work, so both are told as one rate from
the topics. The CPU time that PostgreSQL and the audit service together took for an event stands beside each figure,
since the machine is rarely alone.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import psutil
from rich.console import Console

from deploy.local.environment import AUDIT_ORIGIN
from deploy.local.keys import public_key
from deploy.local.stack import Stack
from services.audit.note import Verifier
from services.audit.ranges import verify_log
from services.wire import actor
from tests.audit.ledger import TOPIC, event
from tests.support import ServiceProcess
from tests.support.wire import producer

STORY, WAVE = 5, 5_000
VERIFY_GOAL, INGEST_GOAL = 150_000, 10_000
_RECORDED = "SELECT coalesce(max(size), 0) FROM audit.checkpoints"


async def measure_log(stack: Stack, events: int, console: Console, result: Path) -> None:
    """`events` wait on the topics while the service is away; it takes them in, and then all of it is verified."""
    dsn = stack.state.dsn("postgres")
    connection = await asyncpg.connect(dsn)
    before = await connection.fetchval(_RECORDED)
    await _tell(stack, events)
    figures: dict[str, float] = {}

    async def recorded() -> None:
        while await connection.fetchval(_RECORDED) < before + events:
            await asyncio.sleep(0.1)

    with ServiceProcess(stack, "audit"):
        first = await _first(connection, before)
        seconds, cpu = await _timed(connection, recorded)
        taken = before + events - first
    figures["ingest_per_s"], figures["ingest_cpu_us"] = taken / seconds, cpu * 1e6 / taken

    verifier = Verifier(AUDIT_ORIGIN, actor.public_key(public_key(stack.state.secrets["audit_signing_key"])))

    async def verified() -> None:
        report = await verify_log(dsn, verifier)
        if report.finding:
            raise RuntimeError(f"the log is not what was signed: {report.finding}")

    size = before + events
    seconds, cpu = await _timed(connection, verified)
    figures["verify_per_s"], figures["verify_cpu_us"] = size / seconds, cpu * 1e6 / size
    await connection.close()
    _show(console, figures, size)
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps({"events": size, "figures": figures}, indent=1) + "\n", encoding="utf-8")


async def _first(connection: Any, before: int) -> int:
    """Measured from the first batch on: a service that starts is no slower at its work."""
    while (size := await connection.fetchval(_RECORDED)) == before:
        await asyncio.sleep(0.05)
    return int(size)


async def _tell(stack: Stack, events: int) -> None:
    """Stories of five events, as the partners service would publish them."""
    async with producer(stack, "partners", linger_ms=20, max_batch_size=1 << 20) as client:
        for start in range(0, events, WAVE):
            sent = []
            for number in range(start, min(start + WAVE, events)):
                if number % STORY == 0:
                    partner = uuid4()
                document = event(number % STORY + 1, partner)
                sent.append(await client.send(TOPIC, orjson.dumps(document), key=partner.bytes))
            await asyncio.gather(*sent)


async def _timed(connection: Any, work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
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


def _show(console: Console, figures: dict[str, float], size: int) -> None:
    verify, ingest = figures["verify_per_s"], figures["ingest_per_s"]
    for text, rate, goal, cpu in (
        ("from the topics into the log", ingest, INGEST_GOAL, figures["ingest_cpu_us"]),
        (f"a log of {size:,} events verified", verify, VERIFY_GOAL, figures["verify_cpu_us"]),
    ):
        colour = "green" if rate >= goal else "red"
        console.print(f"[{colour}]{text}: {rate:,.0f} events/s (goal {goal:,}), {cpu:.1f} µs CPU an event")
