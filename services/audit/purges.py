"""May a stub stand where an event was? Judged by `audit.purged` events and legal holds of the same log. Pure.

Invariant: a stub is good only if an `audit.purged` further on in the log names its position, if its type and age were
what that event says, if no hold covered it then, and if all the stubs of its part together are what that event
committed to. What is not said so is refused: closed when in doubt.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any

from contracts.retention import PERMANENT, LogPurged
from services.audit.envelope import parse
from services.audit.holds import HoldChange, in_force
from services.audit.stub import Stub, Subject, is_about


@dataclass(frozen=True, slots=True)
class Part:
    """What is purged together: inclusive ranges in their order, and what was committed to."""

    ranges: tuple[tuple[int, int], ...]
    types: frozenset[str]
    recorded_before: datetime
    count: int
    stubs: str


@dataclass(frozen=True)
class Purge:
    """One `audit.purged` event at its position."""

    position: int
    said_at: datetime
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, position: int, raw: bytes) -> "Purge | None":
        """None where the bytes are no such event; a part that contradicts itself is left out."""
        document = parse(raw)
        try:
            if document["type"] != LogPurged.type:
                return None
            said_at = datetime.fromisoformat(document["occurred_at"])
            parts = [_part_of(told, said_at, position) for told in document["data"]["parts"]]
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return cls(position, said_at, tuple(part for part in parts if part))

    def naming(self, position: int) -> int | None:
        """Which of its parts names this position."""
        at = bisect_right(self._starts, (position, len(self.parts))) - 1
        if at < 0 or position > self._ends[at]:
            return None
        return self._starts[at][1]

    @cached_property
    def _starts(self) -> list[tuple[int, int]]:
        return [(first, nth) for first, _, nth in self._sorted]

    @cached_property
    def _ends(self) -> list[int]:
        return [last for _, last, _ in self._sorted]

    @cached_property
    def _sorted(self) -> list[tuple[int, int, int]]:
        return sorted((first, last, nth) for nth, part in enumerate(self.parts) for first, last in part.ranges)


def _part_of(told: Any, said_at: datetime, position: int) -> Part | None:
    ranges = tuple((int(first), int(last)) for first, last in told["ranges"])
    part = Part(
        ranges, frozenset(told["types"]), datetime.fromisoformat(told["recorded_before"]), told["count"], told["stubs"]
    )
    ends = [-1, *(last for _, last in ranges)]
    in_order = all(before < first <= last for before, (first, last) in zip(ends, ranges, strict=False))
    whole = in_order and sum(last - first + 1 for first, last in ranges) == part.count
    old_enough = told["days"] >= 1 and part.recorded_before + timedelta(days=told["days"]) <= said_at
    return part if whole and old_enough and ends[-1] < position and part.types.isdisjoint(PERMANENT) else None


@dataclass
class _Seen:
    """The stubs of one part, as far as they have been read."""

    first: int
    count: int = 0
    hash: Any = field(default_factory=sha256)


class PurgeCheck:
    """Fed the stubs of a log in the order of their positions; `unfulfilled` once there are no more."""

    def __init__(self, changes: Sequence[HoldChange] = ()) -> None:
        self._purges: dict[int, Purge] = {}
        self._changes = changes
        self._holds: dict[int, frozenset[Subject]] = {}
        self._seen: dict[tuple[int, int], _Seen] = {}

    def add(self, purge: Purge | None) -> None:
        """Before the first stub that it names."""
        if purge:
            self._purges[purge.position] = purge

    def refusal(self, stub: Stub, leaf: bytes, by: int) -> str | None:
        """Why this stub alone is no good, said by the event at `by`."""
        purge = self._purges.get(by)
        nth = purge.naming(stub.position) if purge else None
        if purge is None or nth is None:
            return f"emptied, and no audit.purged at {by} names it"
        part = purge.parts[nth]
        if stub.type not in part.types:
            return f"emptied, and audit.purged at {by} is about other types than {stub.type}"
        if stub.recorded_at >= part.recorded_before:
            return "emptied before its time"
        if any(is_about(stub.subjects, leaf, subject) for subject in self._held(by)):
            return "emptied while under a legal hold"
        seen = self._seen.setdefault((by, nth), _Seen(stub.position))
        seen.count += 1
        seen.hash.update(stub.text().encode())
        return None

    def unfulfilled(self) -> Iterator[tuple[int, int]]:
        """The first stub, and the last position, of each part whose stubs are not what was committed to."""
        for (by, nth), seen in self._seen.items():
            part = self._purges[by].parts[nth]
            if (seen.count, seen.hash.hexdigest()) != (part.count, part.stubs):
                yield seen.first, part.ranges[-1][1]

    def relies_on(self, by: int) -> int | None:
        """The first stub that was good because of this purge."""
        return min((seen.first for (purge, _), seen in self._seen.items() if purge == by), default=None)

    def _held(self, by: int) -> frozenset[Subject]:
        if by not in self._holds:
            self._holds[by] = in_force(self._changes, by)
        return self._holds[by]
