"""The events of a subject that were recorded at or before an instant, and no others.

Each statement goes by an index to the subject's own events, so what an answer costs follows from the subject's history
and not from the size of the log. They need no common snapshot: a position that a checkpoint covers never changes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.audit_as_of import Known
from services.audit.as_of.told import Row, Story, stories_of
from services.chassis import Read, fetch

REACHED = """
    SELECT (SELECT size FROM checkpoints WHERE created_at <= $1 ORDER BY created_at DESC, size DESC LIMIT 1) AS size,
           EXISTS (SELECT FROM checkpoints WHERE created_at > $1) AS final
"""
EVENTS = """
    SELECT e.aggregate_id, e.aggregate_version, e.position, e.recorded_at, e.type = ANY($4::text[]),
           CASE WHEN e.type = ANY($4::text[]) THEN e.raw END
    FROM events e WHERE e.aggregate_id = ANY($1::uuid[]) AND e.aggregate_type = $2 AND e.position < $3
    ORDER BY e.aggregate_id, e.aggregate_version
"""
_MEMBERSHIPS = """
    SELECT DISTINCT e.aggregate_id FROM event_targets t JOIN events e USING (position)
    WHERE t.type = 'branch' AND t.id = $1 AND t.position < $2 AND e.aggregate_type = 'membership'
"""


class Reached(NamedTuple):
    """The log as it was at an instant: its first `size` events; `final` once it has gone on since."""

    as_of: datetime
    size: int
    final: bool

    def known(self, stories: Iterable[Story]) -> Known:
        """What an answer made of these rests on."""
        told = list(stories)
        last = max((story.last for story in told if story.last), key=lambda row: row.position)
        return Known(
            as_of=self.as_of,
            position=last.position,
            recorded_at=last.recorded_at,
            checkpoint_size=self.size,
            final=self.final,
            waiting=sum(story.waiting for story in told),
        )


async def reached(read: Read, as_of: datetime) -> Reached:
    [(size, final)] = await fetch(read, REACHED, as_of)
    return Reached(as_of, size or 0, final)


async def stories(read: Read, log: Reached, kind: str, ids: Sequence[UUID], types: Iterable[str]) -> dict[UUID, Story]:
    """Of aggregates of one kind; only events of these types are read, the others are counted."""
    rows = await fetch(read, EVENTS, list(ids), kind, log.size, list(types))
    return stories_of(Row(*row) for row in rows)


async def memberships_at(read: Read, log: Reached, branch_id: UUID) -> list[UUID]:
    """Every membership that ever had access to this branch, by then."""
    return [row.aggregate_id for row in await fetch(read, _MEMBERSHIPS, str(branch_id), log.size)]
