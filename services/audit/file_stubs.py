"""Stubs in a log as a file. Pure.

A stub is allowed by an event that comes later in the file, so a file with stubs begins with what allows them: every
`audit.purged` and every legal hold, told ahead. Invariant: what was told ahead is believed for the moment only; it must
be the very bytes at its position further on, and no hold may stand there that was not told.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.retention import HOLD_PLACED, HOLD_RELEASED
from services.audit.envelope import parse
from services.audit.holds import change_of
from services.audit.purges import Purge, PurgeCheck
from services.audit.stub import Stub

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABOUT_HOLDS = (HOLD_PLACED.encode(), HOLD_RELEASED.encode())


@dataclass(frozen=True, slots=True)
class Ahead:
    """An event that stubs before it depend on: its position, its exact bytes."""

    position: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class StubEntry:
    """What stays in the place of an event: its leaf hash, and the position of the event that named it."""

    stub: Stub
    leaf: bytes
    by: int


class StubRefusedError(Exception):
    """What was told ahead is not what stands there, or a stub may not stand where it does; `position` is to blame."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(problem)
        self.position, self.problem = position, problem


class FileStubs:
    """Told ahead first, then events and stubs in their order, then the end."""

    def __init__(self) -> None:
        self._ahead: dict[int, bytes] = {}
        self._check = PurgeCheck()

    def tell(self, position: int, raw: bytes) -> None:
        if position <= max(self._ahead, default=-1):
            raise StubRefusedError(0, "what is told ahead is not in the order of the log")
        self._ahead[position] = raw

    def begin(self) -> None:
        """Everything has been told."""
        changes = [change_of(position, parse(raw)) for position, raw in self._ahead.items()]
        self._check = PurgeCheck([change for change in changes if change])
        for position, raw in self._ahead.items():
            self._check.add(Purge.of(position, raw))

    def event(self, position: int, raw: bytes) -> None:
        if position in self._ahead:
            if raw != self._ahead[position]:
                raise StubRefusedError(self.blamed(position), f"another event was told ahead for position {position}")
        elif self._ahead and any(word in raw for word in _ABOUT_HOLDS) and change_of(position, parse(raw)):
            raise StubRefusedError(position, "a legal hold was not told ahead")

    def stub(self, entry: StubEntry) -> None:
        problem = self._check.refusal(entry.stub, entry.leaf, entry.by)
        if problem:
            raise StubRefusedError(entry.stub.position, problem)

    def blamed(self, position: int) -> int:
        """The first stub that depends on the event at this position; else the event itself."""
        first = self._check.relies_on(position)
        return position if first is None else first

    def proven(self, size: int) -> int:
        """How much of the first `size` events, themselves proven, depends on nothing that is still to come."""
        return min([size, *(self.blamed(position) for position in self._ahead if position >= size)])

    def finish(self, size: int) -> None:
        for position in self._ahead:
            if position >= size:
                raise StubRefusedError(self.blamed(position), f"position {position} was told ahead and is not there")
        for first, until in self._check.unfulfilled():
            raise StubRefusedError(first, f"the stubs from here to {until} are not those that audit.purged named")


def told(entry: StubEntry) -> dict[str, Any]:
    """The stub as a line; its position is where it stands."""
    _, *kept, recorded_at, subjects = entry.stub
    micros = (recorded_at - _EPOCH) // timedelta(microseconds=1)
    return {"stub": [*kept, micros, subjects.hex()], "leaf": entry.leaf.hex(), "by": entry.by}


def entry_of(position: int, stub: list[Any], leaf: str, by: Any) -> StubEntry:
    """Raises ValueError for what `told` has not written."""
    try:
        name, kind, schema, aggregate_type, aggregate_id, version, micros, subjects = stub
        recorded_at = _EPOCH + timedelta(microseconds=micros)
        kept = Stub(
            position, name, kind, schema, aggregate_type, aggregate_id, version, recorded_at, bytes.fromhex(subjects)
        )
        entry = StubEntry(kept, bytes.fromhex(leaf), by)
        entry.stub.text()
    except (AttributeError, OverflowError, TypeError) as error:
        raise ValueError(str(error)) from error
    numbers = {type(number) for number in (schema, version, micros, by)}
    if numbers != {int} or told(entry) != {"stub": stub, "leaf": leaf, "by": by}:
        raise ValueError("not written the one way there is to write it")
    return entry
