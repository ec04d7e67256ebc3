"""The audit log: what may be asked of it.

An auditor or a root admin reads everything, a tenant's owner what is about that tenant (A13); every reading is itself
an event (`contracts.audit_events`). Shapes follow `api.md`. Lists go by position, the order in which the log recorded
its events (A16), and `from` and `to` ask for the time of recording: what was recorded never moves.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from contracts.message import ActorType, Contract, Outcome, Query
from contracts.roles import Role
from contracts.text import Opaque

COMMANDS = "audit.commands"
QUERIES = "audit.queries"
READERS = frozenset({Role.AUDITOR, Role.ROOT_ADMIN})

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A hash in lower-case hex."""

Instant = Annotated[AwareDatetime, Field(gt=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))]
"""Bounded to what every database and time zone can hold."""


class ListEvents(Query):
    """Events by position, oldest first, that pass every filter given.

    `actor` is the subject, `action` the event's type. `target` is an id, or type and id with a colon between;
    `target_type` and `target_id` say the same apart. That is the whole timeline of a partner or tenant (S1.46);
    `person` is that of somebody, what they did and what was done to them. Recorded at `from` or later, before `to`;
    at `as_of` or before.
    `starting_after` is the position of the last event of the page before, or its id.
    Who reads as owner of `tenant_id` (by default the tenant chosen) is shown what is about that tenant.
    `unseal` asks for plain text in the place of sealed text; only for root admins.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    type: ClassVar[str] = "audit.events"
    version: ClassVar[int] = 3
    topic: ClassVar[str] = QUERIES

    target: Opaque | None = None
    target_type: Opaque | None = None
    target_id: Opaque | None = None
    aggregate_id: UUID | None = None
    tenant_id: UUID | None = None
    person: Opaque | None = None
    actor: Opaque | None = None
    action: Opaque | None = None
    outcome: Annotated[Outcome, Field(strict=False)] | None = None
    recorded_from: Annotated[AwareDatetime | None, Field(alias="from")] = None
    recorded_to: Annotated[AwareDatetime | None, Field(alias="to")] = None
    as_of: Instant | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: Annotated[int, Field(ge=0, lt=2**63)] | UUID | None = None
    unseal: bool = False

    @model_validator(mode="after")
    def _target_is_whole(self) -> Self:
        if (self.target_type is None) != (self.target_id is None):
            raise ValueError("target_type and target_id go together")
        return self


class GetEvent(Query):
    """One event by its id."""

    type: ClassVar[str] = "audit.event"
    version: ClassVar[int] = 2
    topic: ClassVar[str] = QUERIES

    event_id: UUID
    unseal: bool = False


class ProveEvent(Query):
    """Proof that one event is in the log, against the newest checkpoint (A8)."""

    type: ClassVar[str] = "audit.proof"
    topic: ClassVar[str] = QUERIES

    event_id: UUID


class ProveEvents(Query):
    """Proof that some events are in the log, all against one checkpoint; NOT_FOUND if one is not there yet.

    Whoever may speak to the log at all may ask: a proof says nothing but hashes, and a leaf hash, SHA-256 over 0x00 and
    an event's exact bytes, can only be named by somebody who has those bytes.
    """

    type: ClassVar[str] = "audit.prove"
    topic: ClassVar[str] = QUERIES

    leaf_hashes: Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=20)]


class GetCheckpoint(Query):
    """The newest signed checkpoint."""

    type: ClassVar[str] = "audit.checkpoint"
    topic: ClassVar[str] = QUERIES
    roles: ClassVar[frozenset[Role]] = READERS


class _View(Contract):
    """Made from stored events, which may be newer or older than this contract: fields it does not know are left out."""

    model_config = ConfigDict(extra="ignore", strict=False)


class ActorView(_View):
    type: ActorType
    issuer: str | None = None
    subject: str


class TargetView(_View):
    type: str
    id: str


class ContextView(_View):
    request_id: str
    command_id: UUID
    ip: str | None = None
    traceparent: str | None = None


class PurgedView(Contract):
    """Why an event has lost its bytes: the id of the `audit.purged` event that named it, and when that was recorded."""

    by_event: UUID
    at: datetime


class EventView(_View):
    """One event as it was recorded; `leaf_hash` is hex, over the exact bytes at `position` of the log.

    Of one that was `purged` a stub is left (A10): who acted, on what, from where, and its data are gone.
    """

    id: UUID
    type: str
    schema_version: int
    aggregate_type: str
    aggregate_id: UUID
    aggregate_version: int
    actor: ActorView | None = None
    targets: tuple[TargetView, ...] = ()
    context: ContextView | None = None
    occurred_at: datetime | None = None
    recorded_at: datetime
    outcome: Outcome | None = None
    reason_code: str | None = None
    data: dict[str, Any] | None = None
    position: int
    leaf_hash: str
    purged: PurgedView | None = None


class EventPage(Contract):
    data: tuple[EventView, ...]
    has_more: bool


class CheckpointView(Contract):
    """`root` is hex; `note` is the signed note (C2SP tlog-checkpoint), which alone is evidence."""

    size: int
    root: str
    note: str
    created_at: datetime


class Proof(Contract):
    """Inclusion path of one leaf (RFC 9162 §2.1.3.1), from the leaf upwards."""

    leaf_hash: Sha256
    position: Annotated[int, Field(ge=0)]
    path: tuple[Sha256, ...]


class ProofBundle(Contract):
    """Proofs in the order asked for, against the `size` events that `checkpoint`, a signed note, commits to."""

    checkpoint: str
    size: int
    proofs: tuple[Proof, ...]


class EventProof(Proof):
    """One proof with its checkpoint; the note says how many events it covers."""

    checkpoint: str
