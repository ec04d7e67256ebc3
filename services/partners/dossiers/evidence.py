"""What the store says about one object key."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Found:
    """The object as the store holds it.

    `sha256` (hex) is what the store computed at upload; None where it was only listed: the presigned PUT was bound to
    the announced hash, so the store took no other bytes under this key.
    """

    size: int
    sha256: str | None
    version_id: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such object."""


@dataclass(frozen=True, slots=True)
class Away:
    """The store did not answer."""


Finding = Found | Missing | Away
MISSING, AWAY = Missing(), Away()
