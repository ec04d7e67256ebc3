"""What is due: events older than the period of their class and under no legal hold, as the parts of an `audit.purged`.

Where a part begins and ends is of no meaning; it is as large as one transaction that removes it should be.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.retention import HELD_KINDS, LogPurged, PurgedPart, RetentionClass, types_of
from services.audit.stub import Stub, Subject, digest_of, marks
from services.chassis import Read, Write, fetch

PART = 500
PARTS = 20
"""Of one event: with every position a range of its own that is some 200 KB, and a topic takes 1 MB."""

_END = 2**63 - 1
_OLD = """
    e.type = ANY($1::text[]) AND e.purged_by IS NULL AND e.recorded_at < $2 AND e.position < coalesce((
        SELECT size FROM checkpoints WHERE created_at < $2 ORDER BY created_at DESC, size DESC LIMIT 1), 0)
"""
_HELD = f"(SELECT held_positions({_END}, 0, {_END}))"
_DUE = f"""
    SELECT e.position, e.id::text, e.type, e.schema_version, e.aggregate_type, e.aggregate_id::text,
        e.aggregate_version, e.recorded_at, e.leaf_hash, e.actor_type, e.actor_subject
    FROM events e WHERE {_OLD} AND e.position NOT IN {_HELD} ORDER BY e.position LIMIT $3
"""  # noqa: S608
_COUNT = f"""
    SELECT count(*) FILTER (WHERE NOT held), count(*) FILTER (WHERE held)
    FROM (SELECT e.position IN {_HELD} AS held FROM events e WHERE {_OLD}) AS old
"""  # noqa: S608
_SUBJECTS = """
    SELECT position, type, id FROM event_targets
    WHERE position BETWEEN $1 AND $2 AND position = ANY($3::bigint[]) AND type = ANY($4::text[])
"""

Periods = Mapping[RetentionClass, int]


async def plan(read: Read | Write, periods: Periods, now: datetime) -> LogPurged | None:
    """The next events to name, at most `PARTS` times `PART` of them; None where nothing is due."""
    parts: list[PurgedPart] = []
    for kind, days in periods.items():
        before = now - timedelta(days=days)
        rows = await fetch(read, _DUE, list(types_of(kind)), before, PART * (PARTS - len(parts)))
        for start in range(0, len(rows), PART):
            stubs = await _stubs(read, rows[start : start + PART])
            parts.append(
                PurgedPart(
                    retention_class=kind,
                    days=days,
                    recorded_before=before,
                    types=tuple(sorted({stub.type for stub in stubs})),
                    ranges=ranges_of([stub.position for stub in stubs]),
                    count=len(stubs),
                    stubs=digest_of(stubs),
                )
            )
        if len(parts) >= PARTS:
            break
    return LogPurged(parts=tuple(parts)) if parts else None


async def due(read: Read, periods: Periods, now: datetime) -> dict[RetentionClass, tuple[int, int]]:
    """How many events of each class would go, and how many stay because they are held."""
    found = {}
    for kind, days in periods.items():
        [(free, held)] = await fetch(read, _COUNT, list(types_of(kind)), now - timedelta(days=days))
        found[kind] = (free, held)
    return found


def ranges_of(positions: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The runs in ascending positions, first and last."""
    ranges: list[tuple[int, int]] = []
    for position in positions:
        if ranges and ranges[-1][1] == position - 1:
            ranges[-1] = (ranges[-1][0], position)
        else:
            ranges.append((position, position))
    return tuple(ranges)


async def _stubs(read: Read | Write, rows: Sequence[Any]) -> list[Stub]:
    positions = [row.position for row in rows]
    subjects: defaultdict[int, list[Subject]] = defaultdict(list)
    for position, kind, name in await fetch(read, _SUBJECTS, positions[0], positions[-1], positions, list(HELD_KINDS)):
        subjects[position].append((kind, name))
    return [
        Stub._make([*kept, marks(leaf, subjects[kept[0]], actor_type, actor)])
        for *kept, leaf, actor_type, actor in rows
    ]
