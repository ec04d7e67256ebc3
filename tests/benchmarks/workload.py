"""What a workload is to the runner: requests prepared beforehand, and rows looked for afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

PARTS = 2
"""Preparation runs in this many processes at once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """The exact bytes of each request, and the id by which its rows can be found; position by position."""

    requests: list[bytes]
    ids: list[UUID]


class Workload(Protocol):
    """One command under load."""

    name: str

    async def prepare(self, count: int, schemas: set[str]) -> Batch:
        """Requests that each succeed once on every system whose schema is named."""
        ...

    async def verify(self, system: str, ids: list[UUID]) -> None:
        """Raises RuntimeError unless all rows of each of these are there."""
        ...


def split(things: Sequence[T]) -> list[list[T]]:
    """In PARTS slices, in order."""
    size = -(-len(things) // PARTS) or 1
    return [list(things[start : start + size]) for start in range(0, len(things), size)]
