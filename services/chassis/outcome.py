"""What a handler answers: a reply with its facts, or a refusal. A refusal is a value, never an exception."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from contracts.failures import Code
from contracts.message import Actor, Context, Contract, EventData, Request, Target


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, from where, and the moment that counts as now for everything this call does."""

    actor: Actor
    context: Context
    message_id: UUID
    now: datetime


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of one aggregate, not yet written."""

    aggregate_type: str
    aggregate_id: UUID
    version: int
    data: EventData
    targets: tuple[Target, ...] = ()


@dataclass(kw_only=True, slots=True)
class Aggregate:
    """A consistency boundary: its `version` counts its facts from 1 without a gap and is its ETag."""

    kind: ClassVar[str]

    id: UUID
    version: int = 0

    def record(self, data: EventData, *targets: Target) -> Fact:
        self.version += 1
        return Fact(self.kind, self.id, self.version, data, (Target(type=self.kind, id=str(self.id)), *targets))

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


@dataclass(frozen=True, slots=True)
class Reply:
    """Success: `body` becomes the HTTP body; `facts` are published once the transaction has committed.

    `settles` answers those whose command was `Deferred` under that key.
    """

    status: int
    body: Contract | None = None
    facts: Sequence[Fact] = ()
    etag: str | None = None
    location: str | None = None
    settles: "Mapping[UUID, Reply | Refusal]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deferred:
    """It has begun, and its answer comes later, from the command that settles `key`; `facts` as in a reply."""

    key: UUID
    facts: Sequence[Fact] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request is turned down. `extra` extends the problem (errors, diff, …); `about` is whom it tells of.

    Nothing may have been changed but what `facts` tell: a copied token ends the session that it is refused for.
    """

    code: Code
    detail: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    facts: Sequence[Fact] = ()
    about: UUID | None = None


Outcome = Reply | Refusal
Decision = Outcome | Deferred


def authorise(request: Request, actor: Actor) -> Refusal | None:
    """The role gate of the message's own contract (S1.2)."""
    if request.roles and not actor.holds_any(request.roles):
        return Refusal(Code.ROLE_REQUIRED, f"{request.type} needs one of: {', '.join(sorted(request.roles))}")
    return None
