"""What a workload is to the runner: requests prepared beforehand, and rows looked for afterwards."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

GATEHOUSE = "gatehouse"
MONOLITHS = {"monolith": 1, "monolith_2w": 2}
"""The systems under load by name; a monolith's is its schema's too, and its value the number of its workers."""

PARTS = 2
"""Preparation runs in this many processes at once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """The exact bytes of each request, and the id or phone its rows can be found by; position by position."""

    requests: list[bytes]
    ids: list[str]


class Workload(Protocol):
    """One command under load."""

    name: str

    async def prepare(self, count: int, systems: Collection[str]) -> Batch:
        """Requests that each succeed once on every system named."""
        ...

    async def count(self, system: str, ids: list[str]) -> tuple[int, ...]:
        """How many rows of each kind are there for these."""
        ...

    def rows_of(self, commands: int) -> tuple[int, ...]:
        """How many there must be for so many commands."""
        ...


def split(things: Sequence[T]) -> list[list[T]]:
    """In PARTS slices, in order."""
    size = -(-len(things) // PARTS) or 1
    return [list(things[start : start + size]) for start in range(0, len(things), size)]
