"""Reads the whole log out of a database for `log_file`: one snapshot, a page in memory, up to the newest seal."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from services.audit.log_file import Entry, Seal

PAGE = 2_000
_EVENTS = "SELECT raw FROM audit.events ORDER BY position"
_SEALS = "SELECT size, note, leaf_hashes FROM audit.checkpoints ORDER BY size"


async def entries(dsn: str, cosigned: str | None = None) -> AsyncIterator[Entry]:
    """`cosigned` is a note that the witness signed; it takes the place of the same checkpoint without its signature.

    Raises OSError or asyncpg.PostgresError when the log can't be read.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            events: Any = await connection.cursor(_EVENTS)
            done = 0
            async for size, note, leaves in connection.cursor(_SEALS, prefetch=100):
                while done < size:
                    page = await events.fetch(min(PAGE, size - done))
                    if not page:
                        break
                    for (raw,) in page:
                        yield raw
                    done += len(page)
                is_witnessed = cosigned is not None and cosigned.startswith(note)
                yield Seal(cosigned if cosigned and is_witnessed else note, leaves)
    finally:
        await connection.close()
