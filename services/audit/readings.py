"""Reading leaves an event too (A13): committed before the answer goes out, so nobody has seen what nobody knows of.

The event goes through this service's own outbox. While Kafka is away it waits there and reading goes on; while the
database is away there is nothing to read. It is one event a question, whatever was shown, and recording it reads
nothing, so it doesn't feed on itself.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.audit import EventPage, EventView, GetEvent, ListEvents
from contracts.audit_events import LogRead
from contracts.message import Outcome, Query, Target
from contracts.sealed_events import sealed_places
from services.chassis import Call, Fact, Read, Refusal, Reply, Write
from services.chassis import Outcome as Answer
from services.chassis.outbox import Relay, append
from services.chassis.queries import QueryHandler
from services.chassis.refused_queries import Witness, is_somebody_elses

_NO_FILTER = frozenset({"limit", "starting_after", "unseal"})


class Readings:
    """Wraps a handler; what it answers is recorded."""

    def __init__(self, engine: AsyncEngine, relay: Relay) -> None:
        self._engine, self._relay = engine, relay
        self._wrapped: set[QueryHandler] = set()

    def recorded(self, handler: QueryHandler) -> QueryHandler:
        async def answer(query: Any, call: Call, read: Read) -> Answer:
            answered = await handler(query, call, read)
            await self._record(query, call, answered)
            return answered

        self._wrapped.add(answer)
        return answer

    def witness(self, handlers: Mapping[type[Query], QueryHandler]) -> Witness:
        """Of a refused question that no wrapped handler was asked, or not for certain: a role gate comes before it."""
        told = {kind for kind, handler in handlers.items() if handler in self._wrapped and not kind.roles}

        def tell(query: Query, refusal: Refusal) -> Fact | None:
            return None if type(query) in told or is_somebody_elses(query, refusal) else _reading(query, 0)

        return tell

    async def _record(self, query: Query, call: Call, answered: Answer) -> None:
        shown = _shown(answered.body) if isinstance(answered, Reply) else 0
        unsealed = _unsealed(query, answered.body) if isinstance(answered, Reply) else 0
        fact = _reading(query, shown, unsealed)
        outcome = Outcome.SUCCEEDED if isinstance(answered, Reply) else Outcome.REJECTED
        reason = answered.code if isinstance(answered, Refusal) else None
        async with self._engine.begin() as connection:
            partitions = await append(Write(connection), [(call, fact, outcome, reason)])
        self._relay.wake(partitions)


def _reading(query: Query, shown: int, unsealed: int = 0) -> Fact:
    """An id of its own: a question that Kafka delivers twice is answered twice, and is two readings."""
    data = LogRead(question=query.type, filters=filters_of(query, shown), shown=shown, unsealed=unsealed)
    reading = uuid7()
    return Fact("reading", reading, 1, data, (Target(type="reading", id=str(reading)),))


def filters_of(query: Query, shown: int) -> dict[str, str]:
    """What was asked for, as text; only the names where nothing was shown, for a value may be anything."""
    given = query.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(_NO_FILTER))
    return {name: str(value) if shown else "" for name, value in given.items()}


def _shown(body: BaseModel | None) -> int:
    return len(body.data) if isinstance(body, EventPage) else 1


def _unsealed(query: Query, body: BaseModel | None) -> int:
    """How many sealed texts the reader is about to have opened by their owners."""
    if not isinstance(query, ListEvents | GetEvent) or not query.unseal:
        return 0
    events = body.data if isinstance(body, EventPage) else (body,)
    return sum(len(list(sealed_places(e.type, e.data))) for e in events if isinstance(e, EventView) and e.data)
