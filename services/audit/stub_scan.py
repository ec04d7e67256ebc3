"""Judges the stubs of a database: each must be one that an `audit.purged` event of the same log allows.

Invariant: an `audit.purged` counts only if the signed checkpoint over it proves that it is in the log. Its own batch is
enough for that, so a stub is judged wherever it stands, however much later it was named.
"""

from collections.abc import Sequence
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
_PURGES = """
    SELECT e.position, e.raw, e.recorded_at, c.size, c.note, coalesce(c.leaf_hashes, ''), b.size, b.range_hashes
    FROM audit.events e
    LEFT JOIN LATERAL (SELECT * FROM audit.checkpoints WHERE size > e.position ORDER BY size LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT * FROM audit.checkpoints WHERE size <= e.position ORDER BY size DESC LIMIT 1) b ON true
    WHERE e.type = $1 AND e.raw IS NOT NULL
"""
_HOLDS = "SELECT position, raw FROM audit.events WHERE type = ANY($1::text[]) AND raw IS NOT NULL"
_STUBS = """
    SELECT position, id::text, type, schema_version, aggregate_type, aggregate_id::text, aggregate_version, recorded_at,
        coalesce(subjects, ''), coalesce(leaf_hash, ''), purged_by
    FROM audit.events WHERE purged_by IS NOT NULL ORDER BY position
"""


async def refused_stubs(connection: Any, verifier: Verifier) -> list[Finding]:
    """The first stub that may not stand where it does, and the parts that are not what was committed to."""
    check = PurgeCheck(await _purges(connection, verifier), await _holds(connection))
    refused: list[Finding] = []
    cursor = await connection.cursor(_STUBS)
    while not refused and (rows := await cursor.fetch(_PAGE)):
        for *kept, leaf, by in rows:
            stub = Stub(*kept)
            detail = check.refusal(stub, leaf, by)
            if detail:
                refused.append(Finding(Kind.ALTERED, stub.position, detail))
                break
    detail = "the stubs from here on are not those that audit.purged named"
    parts = [Finding(Kind.COLUMN_DIFFERS, first, detail, until) for first, until in check.unfulfilled()]
    # what comes behind a refused one was not read, so a part that goes on there can't be judged
    return [*refused, *(part for part in parts if not refused or (part.until or 0) < refused[0].position)]


async def _purges(connection: Any, verifier: Verifier) -> list[Purge]:
    purges = []
    for position, raw, recorded_at, *batch in await connection.fetch(_PURGES, LogPurged.type):
        purge = Purge.of(position, raw)
        if purge and purge.said_at <= recorded_at + _TICK and _is_proven(verifier, position, raw, batch):
            purges.append(purge)
    return purges


def _is_proven(verifier: Verifier, position: int, raw: bytes, batch: Sequence[Any]) -> bool:
    """Do the leaf hashes of its batch lead to what was signed, and is it one of them?"""
    size, note, leaves, start, peaks = batch
    hashes = [leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)]
    try:
        tree = CompactRange(start or 0, list(peaks or ()))
        tree.extend(hashes)
        signed = verifier.checkpoint(note or "")
    except (NoteRefusedError, ValueError):
        return False
    if (signed.size, signed.root) != (tree.size, tree.root()) or size != tree.size:
        return False
    return bool(hashes[position - (start or 0)] == leaf_hash(raw))


async def _holds(connection: Any) -> list[HoldChange]:
    changes = [change_of(position, parse(raw)) for position, raw in await connection.fetch(_HOLDS, list(TYPES))]
    return [change for change in changes if change]
