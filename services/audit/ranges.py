"""The log verified by several processes at once, each reading a range that begins and ends at a checkpoint.

Invariant: a range begins with a compact range that leads to a root which the log's key has signed, and the range before
must end by proving that very root. So nothing is taken on trust, and the first finding in the order of ranges is what
one process, reading from 0 on, would have found. All of them read one snapshot.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import asyncpg

from services.audit.merkle import CompactRange
from services.audit.note import NoteRefusedError, Verifier
from services.audit.one_range import Part, Range
from services.audit.range_process import in_processes
from services.audit.report import Kind, Report, first_of
from services.audit.scan import PAGE, conclude, newest_within, read_range, stored_near
from services.audit.verify import Stored, Verification

RANGES = 2
CONCLUSION = 0.1
"""What looking for gaps takes of the time of a range: by so much is the last one shorter."""
WORTH_IT = 100_000
"""Events below which another process costs more than it saves."""


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
                concluded = await conclude(connection, last)
                return _joined(await parts, concluded, starts[-1].size)
            finally:
                parts.cancel()
                await asyncio.wait([parts])
    finally:
        await connection.close()


async def _cuts(connection: Any, verifier: Verifier, newest: int, ranges: int) -> list[CompactRange]:
    """Where ranges meet: checkpoints whose compact range is the signed one. A spoilt one is no place to begin."""
    cuts: dict[int, CompactRange] = {}
    for nth in range(1, ranges):
        stored = await stored_near(connection, int(newest * nth / (ranges - CONCLUSION)))
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
