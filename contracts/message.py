"""Base models of everything that travels: commands and queries in, replies and events out.

Metadata of a message travels in Kafka headers named after CloudEvents 1.0 attributes; the value is the JSON body
alone. An event's value is self-contained: a subscriber needs the topic's name and the schema, nothing else.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.roles import Role


class Header(StrEnum):
    """Kafka header names; CloudEvents attributes carry the `ce_` prefix of its Kafka binding (§3.2.3)."""

    SPEC_VERSION = "ce_specversion"
    ID = "ce_id"
    TYPE = "ce_type"
    VERSION = "ce_schemaversion"
    SOURCE = "ce_source"
    SUBJECT = "ce_subject"
    TIME = "ce_time"
    ASSERTION = "ce_assertion"
    COMMAND_ID = "ce_commandid"
    REPLY_PARTITION = "ce_replypartition"
    STATUS = "ce_status"
    ETAG = "etag"
    LOCATION = "location"
    RETRY_AFTER = "retry-after"
    CONTENT_TYPE = "content-type"
    TRACEPARENT = "traceparent"


class Contract(BaseModel):
    """A frozen shape on the wire; a field outside it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def about(self) -> UUID | None:
        """The person or partner whose personal data is in it; where it is stored, an erasure finds it by this."""
        return None


class Request(Contract):
    """A message that is answered by a reply: a command or a query.

    `type` is its stable wire name, `topic` where it is sent, `roles` who may send it (empty: the handler decides).
    `since` is the oldest version whose bodies still fit this model: 1 as long as every change only added what may be
    left out, so that what lies on the topic during an upgrade is still handled.
    """

    type: ClassVar[str]
    version: ClassVar[int] = 1
    since: ClassVar[int] = 1
    topic: ClassVar[str]
    roles: ClassVar[frozenset[Role]] = frozenset()

    def key(self) -> str:
        """The partition key: messages with one key are handled in order."""
        raise TypeError(f"{type(self).__name__} has no partition key")


class Command(Request):
    """An imperative that changes state. `refused_as` is the event topic that records its refusal.

    A `system` command is sent by the service that owns it and by nobody else: a timer's or a worker's.
    """

    refused_as: ClassVar[str]
    system: ClassVar[bool] = False

    def targets(self) -> tuple["Target", ...]:
        """What the command is about, for the record of a refusal."""
        return ()


class Query(Request):
    """A question answered by the owner of the data; changes nothing.

    One that is `asked_of_all` owners, since nobody can tell whose it is, is NOT_FOUND for all but one of them.
    """

    asked_of_all: ClassVar[bool] = False

    def key(self) -> str:
        return ""


class ActorType(StrEnum):
    USER = "user"
    STAFF = "staff"
    SYSTEM = "system"


class Chosen(Contract):
    """The tenant and branch that somebody chose to work in: a choice and no right.

    `since` is when the membership's current period began; a later period needs a new choice.
    """

    tenant_id: UUID
    branch_id: UUID | None
    since: datetime


class Actor(Contract):
    """Who acts. A person is the pair (issuer, subject), compared byte for byte (S1.9).

    `session_id`, `chosen` and `token_expires_at` come with staff tokens only.
    """

    type: ActorType
    issuer: str = ""
    subject: str
    roles: frozenset[Role] = frozenset()
    session_id: UUID | None = None
    chosen: Chosen | None = None
    token_expires_at: datetime | None = None

    def holds_any(self, roles: frozenset[Role]) -> bool:
        return not roles.isdisjoint(self.roles)


class Target(Contract):
    type: str
    id: str


class Context(Contract):
    """Where a change came from: the HTTP request and the trace it belongs to."""

    request_id: str
    command_id: UUID
    ip: str | None = None
    traceparent: str | None = None


class Outcome(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class EventData(Contract):
    """The facts of one event type. `type` is also the name of its topic.

    The exact bytes of a `kept` event stay in its service's outbox for ever, because a proof handed out later needs
    them; those of others are forgotten some days after they were published.
    """

    type: ClassVar[str]
    version: ClassVar[int] = 1
    kept: ClassVar[bool] = False


class EventActor(Contract):
    type: ActorType
    issuer: str | None = None
    subject: str


Data = TypeVar("Data", bound=EventData)
Model = TypeVar("Model", bound=BaseModel)


class Event(Contract, Generic[Data]):
    """A past-tense fact, exactly as subscribers receive it and as the audit log stores it.

    `aggregate_version` counts from 1 without a gap for each (`aggregate_type`, `aggregate_id`).
    """

    id: UUID
    type: str
    schema_version: int
    aggregate_type: str
    aggregate_id: UUID
    aggregate_version: int
    actor: EventActor
    targets: tuple[Target, ...] = ()
    context: Context
    occurred_at: datetime
    outcome: Outcome
    reason_code: str | None = None
    data: Data


class CommandRefused(EventData):
    """A command that was turned down: which, and with what code. It never carries the body."""

    command: str
    code: str


def walk_subclasses(root: type[Model]) -> Iterator[type[Model]]:
    """Every concrete message below `root` that names its wire `type`, in definition order."""
    for child in root.__subclasses__():
        if isinstance(child.__dict__.get("type"), str):
            yield child
        yield from walk_subclasses(child)
