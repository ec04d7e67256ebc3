"""What the log must know of an event; everything else in it is opaque bytes.

More lenient than `contracts.message.Event` on purpose: fields that a newer service adds are kept, not refused. Texts
are bounded by what PostgreSQL can store and index, so that a valid envelope can always be inserted.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import Annotated, Any

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contracts.message import ActorType, Outcome

Text = Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
"""A UUID in the one spelling that PostgreSQL gives back: an event can't come twice under two spellings of its id."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Actor(_Part):
    type: ActorType
    issuer: Text | None = None
    subject: Text


class _Target(_Part):
    type: Text
    id: Text


class _Context(_Part):
    request_id: Text
    command_id: Id


class Envelope(_Part):
    """The fields of an event that become columns."""

    id: Id
    type: Text
    schema_version: Annotated[int, Field(ge=1, le=2**15 - 1)]
    aggregate_type: Text
    aggregate_id: Id
    aggregate_version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    actor: _Actor
    targets: tuple[_Target, ...] = ()
    context: _Context
    occurred_at: Annotated[
        AwareDatetime, Field(gt=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))
    ]
    outcome: Outcome
    reason_code: Text | None = None

    def derived(self) -> "Derived":
        """The columns, in the order of `DERIVED`."""
        return (
            self.id,
            self.type,
            self.schema_version,
            self.aggregate_type,
            self.aggregate_id,
            self.aggregate_version,
            self.actor.type,
            self.actor.issuer,
            self.actor.subject,
            self.context.command_id,
            self.context.request_id,
            self.outcome,
            self.reason_code,
            self.occurred_at,
        )

    def about(self) -> list[tuple[str, str]]:
        """The targets, each once."""
        return list(dict.fromkeys((target.type, target.id) for target in self.targets))


Derived = tuple[str, str, int, str, str, int, str, str | None, str, str, str, str, str | None, datetime]

DERIVED = (
    "id",
    "type",
    "schema_version",
    "aggregate_type",
    "aggregate_id",
    "aggregate_version",
    "actor_type",
    "actor_issuer",
    "actor_subject",
    "command_id",
    "request_id",
    "outcome",
    "reason_code",
    "occurred_at",
)
"""Names of the columns, in the order of `Envelope.derived`."""

_GONE = (None,) * 8
"""From `actor_type` on they go with the bytes."""


def parse(raw: bytes) -> Any:
    """The event as a document; None when it is no JSON."""
    try:
        return orjson.loads(raw)
    except ValueError:
        return None


def columns_of(document: Any) -> Derived | None:
    """The same columns, quickly, from an event that spells ids and times as our services do; else others, or None."""
    try:
        actor, context = document["actor"], document["context"]
        return (
            document["id"],
            document["type"],
            document["schema_version"],
            document["aggregate_type"],
            document["aggregate_id"],
            document["aggregate_version"],
            actor["type"],
            actor["issuer"],
            actor["subject"],
            context["command_id"],
            context["request_id"],
            document["outcome"],
            document["reason_code"],
            datetime.fromisoformat(document["occurred_at"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def rows_told_by(rows: Sequence[Any], documents: Sequence[Any], start: int) -> list[tuple[Any, ...]] | None:
    """The rows as their bytes say they are, all of them in one sweep; None where an event is spelled unusually.

    A row is position, raw, leaf_hash, recorded_at, the columns, and what purged it; `recorded_at` is taken as it
    stands. A stub has no bytes to tell anything: what is left of it is taken as it stands, and all else must be gone.
    """
    moment_of, sha = datetime.fromisoformat, sha256
    try:
        return [
            (position, None, *row[2:10], *_GONE, row[18])
            if row[1] is None
            else (
                position,
                row[1],
                sha(b"\x00" + row[1]).digest(),
                row[3],
                document["id"],
                document["type"],
                document["schema_version"],
                document["aggregate_type"],
                document["aggregate_id"],
                document["aggregate_version"],
                (actor := document["actor"])["type"],
                actor["issuer"],
                actor["subject"],
                (context := document["context"])["command_id"],
                context["request_id"],
                document["outcome"],
                document["reason_code"],
                moment_of(document["occurred_at"]),
                None,
            )
            for position, row, document in zip(count(start), rows, documents)
        ]
    except (KeyError, TypeError, ValueError):
        return None


def strict_columns_of(raw: bytes) -> Derived | None:
    """The columns as the sequencer made them; slower, for the rare event that spells its time in a way of its own."""
    try:
        return Envelope.model_validate_json(raw).derived()
    except ValidationError:
        return None


def targets_of(document: Any) -> list[tuple[str, str]]:
    """What the event is about; nothing when it does not say so in the agreed way."""
    try:
        return [(target["type"], target["id"]) for target in document.get("targets", ())]
    except (AttributeError, KeyError, TypeError):
        return []
