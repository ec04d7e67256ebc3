"""Reads the whole log out of a database for `log_file`: one snapshot, a page in memory, up to the newest seal."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from contracts.retention import LogPurged
from services.audit.file_stubs import Ahead, StubEntry
from services.audit.holds import TYPES
from services.audit.log_file import Entry, Seal
from services.audit.stub import Stub

PAGE = 2_000
_AHEAD = """
    SELECT position, raw FROM audit.events WHERE type = ANY($1::text[]) AND position < $2
        AND EXISTS (SELECT FROM audit.events WHERE purged_by IS NOT NULL) ORDER BY position
"""
_SEALED = "SELECT coalesce(max(size), 0) FROM audit.checkpoints"
_EVENTS = """
    SELECT CASE WHEN purged_by IS NULL THEN coalesce(raw, '') ELSE raw END, position, id::text, type, schema_version,
        aggregate_type, aggregate_id::text, aggregate_version, recorded_at, coalesce(subjects, ''),
        coalesce(leaf_hash, ''), purged_by
    FROM audit.events ORDER BY position
"""
_SEALS = "SELECT size, note, leaf_hashes FROM audit.checkpoints ORDER BY size"


async def entries(dsn: str, cosigned: str | None = None) -> AsyncIterator[Entry]:
    """`cosigned` is a note that the witness signed; it takes the place of the same checkpoint without its signature.

    Raises OSError or asyncpg.PostgresError when the log can't be read.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            sealed = await connection.fetchval(_SEALED)
            for position, raw in await connection.fetch(_AHEAD, [LogPurged.type, *TYPES], sealed):
                yield Ahead(position, raw)
            events: Any = await connection.cursor(_EVENTS)
            done = 0
            async for size, note, leaves in connection.cursor(_SEALS, prefetch=100):
                while done < size:
                    page = await events.fetch(min(PAGE, size - done))
                    if not page:
                        break
                    for raw, *kept, leaf, by in page:
                        yield StubEntry(Stub(*kept), leaf, by) if raw is None else raw
                    done += len(page)
                is_witnessed = cosigned is not None and cosigned.startswith(note)
                yield Seal(cosigned if cosigned and is_witnessed else note, leaves)
    finally:
        await connection.close()
