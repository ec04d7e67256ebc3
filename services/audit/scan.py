"""Feeds the verifier from a database: one snapshot, read page by page, memory of one page.

Invariant: what was published outside is read before the snapshot is taken, so a growing log is never accused.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import asyncpg

from services.audit.envelope import DERIVED
from services.audit.node_check import differs
from services.audit.nodes import LEVELS
from services.audit.packed import EVENTS, TARGETS, agreed
from services.audit.report import Finding, Kind, Report
from services.audit.stub_scan import refused_stubs
from services.audit.verify import Stored, Verification

PAGE = 4_000
GRACE_SECONDS = 60
_ANYWHERE = -(2**63)

_TEXT_IDS = ("id", "aggregate_id", "command_id")
_COLUMNS = ", ".join(f"{name}::text" if name in _TEXT_IDS else name for name in DERIVED)
_EVENTS = f"""
    SELECT position, CASE WHEN purged_by IS NULL THEN coalesce(raw, '') ELSE raw END AS raw,
        coalesce(leaf_hash, '') AS leaf_hash, recorded_at, {_COLUMNS}, purged_by
    FROM audit.events WHERE position >= $1 AND ($2::bigint IS NULL OR position < $2)
    ORDER BY position LIMIT $3
"""  # noqa: S608
_CHECKPOINTS = """
    SELECT size, root, coalesce(range_hashes, '{}'), coalesce(leaf_hashes, ''), coalesce(note, ''), created_at
    FROM audit.checkpoints WHERE size > $1 AND size <= $2 ORDER BY size
"""
_TARGETS = "SELECT position, type, id FROM audit.event_targets WHERE position >= $1 AND position < $2"
_NODES = """
    SELECT level, index, coalesce(hash, '') FROM unnest($1::int[]) AS kept
    JOIN audit.tree_nodes ON level = kept AND index >= $2::bigint >> kept AND index < $3::bigint >> kept
"""
_STRAYS = """
    SELECT level, index FROM audit.tree_nodes WHERE level <> ALL($1::int[]) OR index < 0 OR index >= $2::bigint >> level
    ORDER BY index, level LIMIT 1
"""
_NEWEST = "SELECT coalesce(max(size), 0) FROM audit.checkpoints"
_GAPS = """
    SELECT * FROM (
        SELECT position, aggregate_type, aggregate_id, aggregate_version, lag(aggregate_version, 1, 0)
            OVER (PARTITION BY aggregate_id, aggregate_type ORDER BY aggregate_version, position) AS before
        FROM audit.events) AS version
    WHERE aggregate_version <> before + 1
      AND (SELECT recorded_at FROM audit.events WHERE position = version.position) < now() - make_interval(secs => $1)
    ORDER BY position LIMIT 1
"""


async def newest_size(dsn: str) -> int:
    """The size of the newest stored checkpoint: where to look in the bucket."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        size: int = await connection.fetchval(_NEWEST)
        return size
    finally:
        await connection.close()


async def scan(dsn: str, verification: Verification, page: int = PAGE) -> Report:
    """Verify the whole log; raises OSError or asyncpg.PostgresError when it can't be read."""
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"jit": "off"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await scan_within(connection, verification, page)
    finally:
        await connection.close()


async def scan_within(connection: Any, verification: Verification, page: int = PAGE) -> Report:
    """The same in a transaction that is open already: what is verified is what it sees."""
    await read_range(connection, verification, page)
    return await conclude(connection, verification)


async def read_range(
    connection: Any, verification: Verification, page: int = PAGE, start: int | None = None, end: int | None = None
) -> None:
    """Feed the events from `start` on and before `end`; one that is None is the end of the log itself."""
    # whatever stands before position 0 is read too
    begin = _ANYWHERE if start is None else start
    with _uncollected():
        while await _feed_page(connection, verification, Stretch(begin, end, page)) and verification.finding is None:
            begin = verification.size


@contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of short-lived objects and no cycles: looking for these costs a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


async def conclude(connection: Any, verification: Verification) -> Report:
    """The report, once the log has been read to its end."""
    newest, size = await newest_within(connection), verification.size
    beyond = [Stored(*row) for row in await connection.fetch(f"{_CHECKPOINTS} LIMIT 1", size, newest)]
    strays = await _strays(connection, size)
    gaps = [*await _gaps(connection), *await refused_stubs(connection, verification.verifier)]
    return verification.finish(newest, next(iter(beyond), None), gaps, strays)


async def newest_within(connection: Any) -> int:
    size: int = await connection.fetchval(_NEWEST)
    return size


async def stored_near(connection: Any, position: int) -> Stored | None:
    """The first checkpoint that covers this many events."""
    rows = await connection.fetch(f"{_CHECKPOINTS} LIMIT 1", position - 1, 2**62)
    return Stored(*rows[0]) if rows else None


class Stretch(NamedTuple):
    """Events that stand at `begin` or behind it and before `end`: as many as one page holds."""

    begin: int
    end: int | None
    number: int


async def _feed_page(connection: Any, verification: Verification, stretch: Stretch) -> bool:
    """Whether there was something to feed. Row by row only where the page as a whole does not agree."""
    start = verification.size
    stop = start + stretch.number if stretch.end is None else min(start + stretch.number, stretch.end)
    page = await connection.fetch(EVENTS, stretch.begin, stop)
    known = page and agreed(page, await connection.fetchrow(TARGETS, start, stop), start)
    if known:
        checkpoints, nodes = await _beside(connection, start, start + len(page))
        verification.feed_agreed(known, checkpoints, nodes)
        return True
    rows = await connection.fetch(_EVENTS, *stretch)
    checkpoints, nodes = await _beside(connection, start, start + len(rows))
    verification.feed(rows, checkpoints, await connection.fetch(_TARGETS, start, start + len(rows)), nodes)
    return bool(rows)


async def _beside(connection: Any, start: int, end: int) -> tuple[list[Stored], Sequence[Any]]:
    """The checkpoints within, and the nodes that end there."""
    checkpoints = [Stored(*row) for row in await connection.fetch(_CHECKPOINTS, start, end)]
    return checkpoints, await connection.fetch(_NODES, LEVELS, start, end)


async def _strays(connection: Any, size: int) -> list[Finding]:
    return [differs(tuple(row), "covers what is not there") for row in await connection.fetch(_STRAYS, LEVELS, size)]


async def _gaps(connection: Any) -> list[Finding]:
    """A17. An event that is still on its way is no gap."""
    found = []
    for position, kind, name, version, before in await connection.fetch(_GAPS, GRACE_SECONDS):
        detail = f"version {version} of {kind} {name} follows on version {before}"
        found.append(Finding(Kind.AGGREGATE_GAP, position, detail))
    return found
