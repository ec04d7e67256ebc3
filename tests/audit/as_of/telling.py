"""Histories made by the services' own handlers, in memory; what each aggregate was at each of its versions is kept.

That is the oracle: not events folded another way, but the aggregate itself, looked at when it told the event.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from contracts.message import Actor, Command, CommandRefused, Context
from contracts.message import Outcome as Result
from services.chassis import Aggregate, Call, Fact, Outcome, Refusal
from services.chassis.outbox import event_json
from tests.audit.ledger import record
from tests.partners.desk import NOON

Version = tuple[str, UUID, int]
"""Kind and id of an aggregate, and one of its versions."""

Seen = dict[str, Any]
_RECORD = Aggregate.record


class Life:
    """One history: `told` is what Kafka would deliver, in order; `seen` is how things stood at each version."""

    refused_as: type[CommandRefused]

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.now = NOON
        self.told: list[Any] = []
        self.seen: dict[Version, Seen] = {}

    def call(self, actor: Actor) -> Call:
        """Commands of one batch share their moment, so the clock stands still at times."""
        self.now += timedelta(seconds=self.dice.choice((0, 0, 1, 3600, 80_000)))
        return Call(actor, Context(request_id="r", command_id=uuid4()), uuid4(), self.now)

    def tell(self, command: Command, call: Call, outcome: Outcome) -> None:
        """What the chassis writes to the outbox."""
        for fact in outcome.facts:
            self._append(call, fact, Result.SUCCEEDED, None)
        if isinstance(outcome, Refusal):
            data = self.refused_as(command=command.type, code=outcome.code)
            refused = Fact("command", call.message_id, 1, data, command.targets())
            self._append(call, refused, Result.REJECTED, outcome.code)

    def _append(self, call: Call, fact: Fact, result: Result, code: str | None) -> None:
        value = event_json(uuid7(), call, fact, result, code)
        self.told.append(record(value, topic=fact.data.type, offset=len(self.told)))

    @contextmanager
    def watched(self, looks: Mapping[type[Aggregate], Callable[[Any], Seen]]) -> Iterator[None]:
        """Look at every aggregate of these types whenever it tells something."""

        def remember(aggregate: Aggregate, data: Any, *targets: Any) -> Fact:
            fact = _RECORD(aggregate, data, *targets)
            if look := looks.get(type(aggregate)):
                self.seen[aggregate.kind, aggregate.id, aggregate.version] = look(aggregate)
            return fact

        with patch.object(Aggregate, "record", remember):
            yield


def versions(life: Life, kind: str) -> dict[UUID, int]:
    """The aggregates of one kind and how many versions they had."""
    newest: dict[UUID, int] = {}
    for told_kind, aggregate, version in life.seen:
        if told_kind == kind:
            newest[aggregate] = max(version, newest.get(aggregate, 0))
    return newest
