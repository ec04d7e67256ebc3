"""What stays of an event whose bytes are gone. Pure.

Invariant: the leaf hash stays, so the tree and every proof do too; the rest of a stub is what `audit.purged` has
committed to by its `stubs`. Whom an event was about is forgotten: a mark, salted by the leaf hash, can be compared with
the id of somebody who is under a legal hold, and not be followed from one event to the next.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from contracts.message import ActorType
from contracts.retention import HELD_KINDS

MARK_BYTES = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Subject = tuple[str, str]
"""Type and id of what can be held."""


class Stub(NamedTuple):
    """`subjects` are the marks of whom it was about, in the order of their bytes."""

    position: int
    id: str
    type: str
    schema_version: int
    aggregate_type: str
    aggregate_id: str
    aggregate_version: int
    recorded_at: datetime
    subjects: bytes

    def text(self) -> str:
        """As `purge_events` in the database spells it; lengths, so that no text can pass for two."""
        micros = (self.recorded_at - _EPOCH) // _MICROSECOND
        return (
            f"{self.position}\n{self.id}\n{self.schema_version}\n{self.aggregate_id}\n{self.aggregate_version}\n"
            f"{micros}\n{self.subjects.hex()}\n{len(self.type.encode())}\n{self.type}\n"
            f"{len(self.aggregate_type.encode())}\n{self.aggregate_type}\n"
        )


def digest_of(stubs: Iterable[Stub]) -> str:
    """What `audit.purged` says of stubs, in the order of their positions."""
    return sha256("".join(stub.text() for stub in stubs).encode()).hexdigest()


def mark(leaf: bytes, subject: Subject) -> bytes:
    kind, name = subject
    return sha256(leaf + f"{kind}:{name}".encode()).digest()[:MARK_BYTES]


def marks(leaf: bytes, targets: Iterable[Subject], actor_type: str, actor: str) -> bytes:
    """Of the targets that can be held, and of the account of whoever acted."""
    subjects = {target for target in targets if target[0] in HELD_KINDS}
    if actor_type == ActorType.STAFF:
        subjects.add(("account", actor))
    return b"".join(sorted(mark(leaf, subject) for subject in subjects))


def is_about(subjects: bytes, leaf: bytes, subject: Subject) -> bool:
    wanted = mark(leaf, subject)
    return any(subjects[at : at + MARK_BYTES] == wanted for at in range(0, len(subjects), MARK_BYTES))
