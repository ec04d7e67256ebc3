"""The log verified by several processes at once, each reading a range that begins and ends at a checkpoint.

Invariant: a range begins with a compact range that leads to a root which the log's key has signed, and the range before
must end by proving that very root. So nothing is taken on trust, and the first finding in the order of ranges is what
one process, reading from 0 on, would have found. All of them read one snapshot.
"""

import asyncio
import gc
import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import asyncpg

from services.audit.merkle import CompactRange
from services.audit.note import NoteRefusedError, Verifier
from services.audit.report import Finding, Kind, Report, first_of
from services.audit.scan import PAGE, conclude, newest_within, read_range, stored_near
from services.audit.verify import Stored, Verification

RANGES = 2
WORTH_IT = 100_000
"""Events below which another process costs more than it saves."""


class Range(NamedTuple):
    """What one process reads; everything in it can be pickled."""

    dsn: str
    snapshot: str
    vkey: str
    published: tuple[str, ...]
    start: int
    peaks: tuple[bytes, ...]
    end: int
    page: int


class Part(NamedTuple):
    """What it found; `short` when the events end before the range does, `empty` when there were none."""

    finding: Finding | None
    checkpoints: int
    short: bool
    empty: bool


async def verify_log(
    dsn: str, verifier: Verifier, published: Iterable[str] = (), page: int = PAGE, ranges: int | None = None
) -> Report:
    """Verify the whole log; raises OSError or asyncpg.PostgresError when it can't be read.

    All ranges but the last, which ends where the log does, go to other processes.
    """
    notes = tuple(published)
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"jit": "off"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            newest = await newest_within(connection)
            wanted = ranges or (RANGES if newest >= WORTH_IT else 1)
            cuts = await _cuts(connection, verifier, newest, wanted)
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            starts = [CompactRange(), *cuts]
            jobs = [
                Range(dsn, snapshot, verifier.vkey(), notes, start.size, tuple(start.peaks), end.size, page)
                for start, end in zip(starts, cuts, strict=False)
            ]
            last = Verification(verifier, notes, starts[-1])
            parts = asyncio.ensure_future(in_processes(jobs))
            try:
                await read_range(connection, last, page, starts[-1].size if cuts else None)
                return _joined(await parts, await conclude(connection, last), starts[-1].size)
            finally:
                parts.cancel()
    finally:
        await connection.close()


async def _cuts(connection: Any, verifier: Verifier, newest: int, ranges: int) -> list[CompactRange]:
    """Where ranges meet: checkpoints whose compact range is the signed one. A spoilt one is no place to begin."""
    cuts: dict[int, CompactRange] = {}
    for nth in range(1, ranges):
        stored = await stored_near(connection, newest * nth // ranges)
        tree = stored and _authentic(verifier, stored)
        if tree and 0 < tree.size < newest:
            cuts[tree.size] = tree
    return [cuts[size] for size in sorted(cuts)]


def _authentic(verifier: Verifier, stored: Stored) -> CompactRange | None:
    try:
        signed = verifier.checkpoint(stored.note)
        tree = CompactRange(stored.size, list(stored.range_hashes))
    except (NoteRefusedError, ValueError):
        return None
    return tree if (signed.size, signed.root) == (tree.size, tree.root()) else None


async def in_processes(jobs: Sequence[Range]) -> list[Part]:
    if not jobs:
        return []
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(len(jobs), mp_context=multiprocessing.get_context("spawn")) as pool:
        return await asyncio.gather(*(loop.run_in_executor(pool, verify_range, job) for job in jobs))


def verify_range(job: Range) -> Part:
    """In a process of its own."""
    gc.disable()  # millions of short-lived objects, no cycles
    return asyncio.run(verify_alone(job))


async def verify_alone(job: Range) -> Part:
    start = CompactRange(job.start, list(job.peaks))
    verification = Verification(Verifier.of(job.vkey), job.published, start)
    connection = await asyncpg.connect(job.dsn, timeout=10, server_settings={"jit": "off"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{job.snapshot}'")
            await read_range(connection, verification, job.page, job.start or None, job.end)
            complete = verification.finding is not None or verification.size == job.end
            empty = verification.size == job.start
            return Part(verification.sealed_at(job.end), verification.checkpoints, not complete, empty)
    finally:
        await connection.close()


def _joined(parts: Sequence[Part], last: Report, last_start: int) -> Report:
    """The first range with a finding decides; a gap among the versions of an aggregate may lie before it."""
    checkpoints = last.checkpoints + sum(part.checkpoints for part in parts)
    nth = next((n for n, part in enumerate(parts) if part.finding), None)
    first = None if nth is None else parts[nth].finding
    if nth is None or first is None:
        return replace(last, checkpoints=checkpoints)
    nothing_follows = last.size == last_start and all(part.empty for part in parts[nth + 1 :])
    if parts[nth].short and nothing_follows and first.kind is Kind.MISSING:
        first = replace(first, kind=Kind.CUT)
    first = first_of([last.finding, first] if last.finding else [first])
    proven = min(last.proven, first.position if first else last.proven)
    return replace(last, finding=first, proven=proven, checkpoints=checkpoints)
