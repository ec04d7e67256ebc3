"""What the store says about one object key."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Found:
    """The object as the store holds it: `sha256` in hex, as the store itself computed it at upload."""

    size: int
    sha256: str
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
