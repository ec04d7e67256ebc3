"""What the log tells of one aggregate, in the order in which it happened. Pure.

Invariant: a story has no holes. Topics are read side by side, so a later version may be recorded first; it waits until
what it follows on is there, and every state that a fold makes is one in which the aggregate really was.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson

State = TypeVar("State")


class Row(NamedTuple):
    """One event of the log; `raw` is None where it is not `wanted` by a fold, and where retention has purged it."""

    aggregate_id: UUID
    version: int
    position: int
    recorded_at: datetime
    wanted: bool
    raw: bytes | None


class Told(NamedTuple):
    """An event as a fold sees it."""

    type: str
    at: datetime
    actor: Mapping[str, Any]
    data: Mapping[str, Any]


@dataclass(slots=True)
class Story:
    """One aggregate's events from version 1 on: the `last` to be recorded, and how many are there but still `waiting`.

    At version 0 nothing can be told of it yet. `purged` counts events of which nothing can be told any more.
    """

    id: UUID
    version: int = 0
    waiting: int = 0
    purged: int = 0
    last: Row | None = None
    events: list[Told] = field(default_factory=list)

    def fold(self, state: State, tells: Mapping[str, Callable[[State, Told], None]]) -> State:
        """Let every event that says something about this state say it."""
        for event in self.events:
            if tell := tells.get(event.type):
                tell(state, event)
        return state


def stories_of(rows: Iterable[Row]) -> dict[UUID, Story]:
    """By aggregate, from rows in the order of versions."""
    stories: dict[UUID, Story] = {}
    for row in rows:
        story = stories.setdefault(row.aggregate_id, Story(row.aggregate_id))
        if row.version != story.version + 1:
            story.waiting += 1
            continue
        story.version = row.version
        story.last = row if story.last is None or story.last.position < row.position else story.last
        if row.wanted and row.raw is None:
            story.purged += 1
        elif row.raw is not None:
            story.events.append(_told(row.raw))
    return stories


def _told(raw: bytes) -> Told:
    event = orjson.loads(raw)
    return Told(event["type"], datetime.fromisoformat(event["occurred_at"]), event["actor"], event["data"])
