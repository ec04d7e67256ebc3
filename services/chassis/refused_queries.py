"""A question that its owner turns down is an event too (A3), committed before anybody hears of the refusal.

Only refusals are recorded: an answer changes nothing, and reading the log itself is recorded where the log is.
"""

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.failures import Code
from contracts.message import CommandRefused, Outcome, Query, Target
from services.chassis.database import Write
from services.chassis.outbox import Relay, append
from services.chassis.outcome import Call, Fact, Refusal

Witness = Callable[[Query, Refusal], Fact | None]
"""What is told of a refusal; None where it has been told."""
Refused = tuple[Query, Call, Refusal]


def refused_as(kind: type[CommandRefused]) -> Witness:
    """By the event that records a command's refusal. It names the question and the ids in it, nothing else of it."""

    def witness(query: Query, refusal: Refusal) -> Fact | None:
        if is_somebody_elses(query, refusal):
            return None
        # an id of its own: what Kafka delivers twice is refused twice
        return Fact("query", uuid7(), 1, kind(command=query.type, code=refusal.code), named_in(query))

    return witness


def is_somebody_elses(query: Query, refusal: Refusal) -> bool:
    """Every owner is asked, and all but one know nothing of it."""
    return query.asked_of_all and refusal.code is Code.NOT_FOUND


def named_in(query: Query) -> tuple[Target, ...]:
    """What is asked about, as far as it has an id."""
    return tuple(
        Target(type=name.removesuffix("_id"), id=str(value))
        for name, value in query
        if name.endswith("_id") and value is not None
    )


class RefusalRecord:
    """Writes down the refusals of one poll together."""

    def __init__(self, engine: AsyncEngine, relay: Relay, witness: Witness) -> None:
        self._engine, self._relay, self._witness = engine, relay, witness

    async def keep(self, refused: Sequence[Refused]) -> None:
        told = [
            (call, fact, Outcome.REJECTED, refusal.code)
            for query, call, refusal in refused
            if (fact := self._witness(query, refusal))
        ]
        if told:
            async with self._engine.begin() as connection:
                partitions = await append(Write(connection), told)
            self._relay.wake(partitions)
