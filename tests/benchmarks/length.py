"""What an event costs while the log grows from ten thousand to `upto` events: it should be the same.

The log is filled through the service itself, and measured on the `SAMPLE` events that follow.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from contracts.audit import ListEvents, ProveEvent
from contracts.audit_consistency import ProveConsistency
from deploy.local.environment import AUDIT_ORIGIN
from deploy.local.keys import public_key
from deploy.local.stack import Stack
from services.audit.consistency import ConsistencyProver
from services.audit.note import Verifier
from services.audit.proofs import Prover
from services.audit.queries import list_events
from services.audit.ranges import verify_log
from services.chassis import Read, Refusal
from services.chassis.database import connect
from services.wire import actor
from tests.audit.test_queries import CALL
from tests.benchmarks.audit import Figures, timed
from tests.benchmarks.beside import AS_FAST_AS_IT_GOES
from tests.benchmarks.stories import tell
from tests.support import ServiceProcess

SMALLEST, TIMES = 10_000, 10
SAMPLE, AT_ONCE, QUESTIONS = 20_000, 250_000, 50
_SIZE = "SELECT coalesce(max(size), 0) FROM audit.checkpoints"
_AT = "SELECT id, aggregate_id FROM audit.events WHERE position = ANY($1::bigint[])"


async def measure_length(stack: Stack, upto: int, console: Console, result: Path) -> None:
    connection = await asyncpg.connect(stack.state.dsn("postgres"))
    found, wanted = list[Figures](), SMALLEST
    try:
        while wanted <= upto:
            await _fill(stack, connection, wanted)
            found.append(await _Measured(stack, connection).all())
            console.print(found[-1])
            wanted *= TIMES
    finally:
        await connection.close()
    console.print(_table(found))
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


async def _fill(stack: Stack, connection: Any, wanted: int) -> None:
    size = await connection.fetchval(_SIZE)
    with ServiceProcess(stack, "audit", env=AS_FAST_AS_IT_GOES):
        while size < wanted:
            await asyncio.to_thread(tell, stack, min(AT_ONCE, wanted - size))
            size += min(AT_ONCE, wanted - size)
            await _recorded(connection, size)


async def _recorded(connection: Any, size: int) -> None:
    while await connection.fetchval(_SIZE) < size:
        await asyncio.sleep(0.1)


class _Measured:
    def __init__(self, stack: Stack, connection: Any) -> None:
        self._stack, self._connection = stack, connection
        self._verifier = Verifier(AUDIT_ORIGIN, actor.public_key(public_key(stack.state.secrets["audit_signing_key"])))

    async def all(self) -> Figures:
        await self._connection.execute("VACUUM ANALYZE audit.events, audit.event_targets")
        figures = await self._ingest() | await self._verify()
        return figures | await self._questions(int(figures["events"]))

    async def _ingest(self) -> Figures:
        """From the first batch on, of events that wait."""
        await asyncio.to_thread(tell, self._stack, SAMPLE)
        before = await self._connection.fetchval(_SIZE)
        with ServiceProcess(self._stack, "audit", env=AS_FAST_AS_IT_GOES):
            while (first := await self._connection.fetchval(_SIZE)) == before:
                await asyncio.sleep(0.02)
            seconds, cpu = await timed(self._connection, lambda: _recorded(self._connection, before + SAMPLE))
        taken = before + SAMPLE - first
        return {"events": before + SAMPLE, "ingest_per_s": taken / seconds, "ingest_cpu_us": cpu * 1e6 / taken}

    async def _verify(self) -> Figures:
        async def verified() -> None:
            report = await verify_log(self._stack.state.dsn("postgres"), self._verifier)
            if report.finding:
                raise RuntimeError(f"the log is not what was signed: {report.finding}")

        await self._connection.execute("VACUUM ANALYZE audit.events, audit.event_targets")
        size = await self._connection.fetchval(_SIZE)
        seconds, cpu = await timed(self._connection, verified)
        return {"verify_per_s": size / seconds, "verify_cpu_us": cpu * 1e6 / size}

    async def _questions(self, size: int) -> Figures:
        """Milliseconds in the service, medians; places all over the log."""
        random = Random(size)  # noqa: S311
        rows = await self._connection.fetch(_AT, random.sample(range(size), QUESTIONS))
        prover, consistency = Prover(self._verifier), ConsistencyProver(self._verifier)
        engine = connect(self._stack.state.dsn("audit", driver="postgresql+asyncpg"))
        try:
            async with engine.connect() as opened:
                read = Read(opened)
                proofs = [partial(prover.prove, ProveEvent(event_id=row["id"]), CALL, read) for row in rows]
                sizes = [ProveConsistency(from_size=random.randint(1, size)) for _ in rows]
                stories = [ListEvents(target_type="partner", target_id=str(row["aggregate_id"])) for row in rows]
                return {
                    "inclusion_ms": await _median(proofs),
                    "consistency_ms": await _median([partial(consistency.prove, asked, CALL, read) for asked in sizes]),
                    "timeline_ms": await _median([partial(list_events, story, CALL, read) for story in stories]),
                }
        finally:
            await engine.dispose()


async def _median(questions: Sequence[Callable[[], Awaitable[Any]]]) -> float:
    took = []
    for ask in questions:
        began = time.perf_counter()
        outcome = await ask()
        took.append((time.perf_counter() - began) * 1000)
        match outcome:
            case Refusal():
                raise RuntimeError(f"no answer: {outcome}")
    return median(took)


def _table(found: list[Figures]) -> Table:
    table = Table(*found[0]) if found else Table()
    for figures in found:
        table.add_row(*(f"{value:,.1f}" for value in figures.values()))
    return table
