"""Judges the stubs of a database: each must be one that an `audit.purged` event of the same log allows.

Invariant: an `audit.purged` counts only if the signed checkpoint over its position proves that these bytes are there.
Its own batch is enough for that, so a stub is judged wherever it stands, and where the bytes are found is of no
meaning: what has moved the rows of the log is told by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from contracts.retention import LogPurged
from services.audit.envelope import parse
from services.audit.holds import TYPES, HoldChange, change_of
from services.audit.merkle import HASH_BYTES, CompactRange, leaf_hash
from services.audit.note import NoteRefusedError, Verifier
from services.audit.purges import Purge, PurgeCheck
from services.audit.report import Finding, Kind
from services.audit.stub import Stub

_PAGE = 2_000
_TICK = timedelta(minutes=1)
_PURGES = "SELECT raw FROM audit.events WHERE type = $1 AND raw IS NOT NULL"
_BATCH = """
    SELECT c.created_at, c.size, coalesce(c.note, ''), coalesce(c.leaf_hashes, ''), coalesce(b.size, 0), b.range_hashes
    FROM (SELECT * FROM audit.checkpoints WHERE size > $1 ORDER BY size LIMIT 1) c
    LEFT JOIN (SELECT * FROM audit.checkpoints WHERE size <= $1 ORDER BY size DESC LIMIT 1) b ON true
"""
_HOLDS = "SELECT position, raw FROM audit.events WHERE type = ANY($1::text[]) AND raw IS NOT NULL"
_STUBS = """
    SELECT position, id::text, type, schema_version, aggregate_type, aggregate_id::text, aggregate_version, recorded_at,
        coalesce(subjects, ''), coalesce(leaf_hash, ''), purged_by
    FROM audit.events WHERE purged_by IS NOT NULL ORDER BY position
"""


async def refused_stubs(connection: Any, verifier: Verifier) -> list[Finding]:
    """The first stub that may not stand where it does, and the parts that are not what was committed to."""
    said = {leaf_hash(raw): raw for (raw,) in await connection.fetch(_PURGES, LogPurged.type)}
    check = PurgeCheck(await _holds(connection))
    refused: list[Finding] = []
    cursor, asked = await connection.cursor(_STUBS), set[int]()
    while not refused and (rows := await cursor.fetch(_PAGE)):
        for *kept, leaf, by in rows:
            if by not in asked:
                asked.add(by)
                check.add(await _purge_at(connection, verifier, by, said))
            stub = Stub(*kept)
            detail = check.refusal(stub, leaf, by)
            if detail:
                refused.append(Finding(Kind.ALTERED, stub.position, detail))
                break
    detail = "the stubs from here on are not those that audit.purged named"
    parts = [Finding(Kind.STUBS_DIFFER, first, detail, until) for first, until in check.unfulfilled()]
    # what comes behind a refused one was not read, so a part that goes on there can't be judged
    return [*refused, *(part for part in parts if not refused or (part.until or 0) < refused[0].position)]


async def _purge_at(connection: Any, verifier: Verifier, position: int, said: Mapping[bytes, bytes]) -> Purge | None:
    """What the log says at this position, if it is proven to say it."""
    batch = await connection.fetchrow(_BATCH, position)
    raw = batch and said.get(_signed_leaf(verifier, position, batch))
    purge = raw and Purge.of(position, raw)
    return purge if purge and purge.said_at <= batch[0] + _TICK else None


def _signed_leaf(verifier: Verifier, position: int, batch: Sequence[Any]) -> bytes:
    """The leaf hash at a position, if those of its batch lead to what was signed; else none."""
    _, size, note, leaves, start, peaks = batch
    hashes = [leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)]
    try:
        tree = CompactRange(start, list(peaks or ()))
        tree.extend(hashes)
        signed = verifier.checkpoint(note)
    except (NoteRefusedError, ValueError):
        return b""
    if (signed.size, signed.root) != (tree.size, tree.root()) or size != tree.size:
        return b""
    leaf: bytes = hashes[position - start]
    return leaf


async def _holds(connection: Any) -> list[HoldChange]:
    changes = [change_of(position, parse(raw)) for position, raw in await connection.fetch(_HOLDS, list(TYPES))]
    return [change for change in changes if change]
