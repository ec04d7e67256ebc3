"""Everything on the event topics since the tape was started, as a downstream subscriber sees it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from contracts.topics import DOWNSTREAM, EVENT_TOPICS
from deploy.local.stack import Stack
from tests.support.wire import reader


@dataclass(frozen=True, slots=True)
class Seen:
    """One delivery of one event."""

    topic: str
    position: tuple[int, int]
    event: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.event["id"])

    @property
    def aggregate(self) -> tuple[str, int]:
        return self.event["aggregate_id"], self.event["aggregate_version"]


class Tape:
    """`async with Tape.of(stack) as tape`; a subscriber may see an event twice, so most questions are of first ones."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    @classmethod
    @asynccontextmanager
    async def of(cls, stack: Stack, topics: Sequence[str] = EVENT_TOPICS) -> AsyncIterator["Tape"]:
        tape = cls()
        async with reader(stack, DOWNSTREAM, *topics, from_end=True) as consumer:

            async def record() -> None:
                async for one in consumer:
                    tape.seen.append(Seen(one.topic, (one.partition, one.offset), orjson.loads(one.value)))

            recording = asyncio.create_task(record())
            try:
                yield tape
            finally:
                recording.cancel()
                await asyncio.gather(recording, return_exceptions=True)

    def of_command(self, command_id: UUID) -> list[Seen]:
        """The first delivery of each event that one command caused."""
        return [seen for seen in self.firsts() if seen.event["context"]["command_id"] == str(command_id)]

    def firsts(self) -> list[Seen]:
        found: dict[str, Seen] = {}
        for seen in self.seen:
            found.setdefault(seen.id, seen)
        return list(found.values())

    def inversions(self) -> list[Seen]:
        """First deliveries that came after a later version of their aggregate on the same topic."""
        newest: dict[tuple[str, str], int] = {}
        late = []
        for seen in self.firsts():
            aggregate, version = seen.aggregate
            place = (seen.topic, aggregate)
            if version < newest.get(place, 0):
                late.append(seen)
            newest[place] = max(version, newest.get(place, 0))
        return late
