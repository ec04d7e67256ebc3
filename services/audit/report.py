"""What a verification says: everything fits, or the first position that does not, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong at the first bad position."""

    MISSING = "missing"
    ALTERED = "altered"
    COLUMN_DIFFERS = "column_differs"
    TARGET_DIFFERS = "target_differs"
    REWRITTEN = "rewritten"
    CHECKPOINT_REFUSED = "checkpoint_refused"
    UNSIGNED = "unsigned"
    CUT = "cut"
    FORKED = "forked"
    NODE_DIFFERS = "node_differs"
    AGGREGATE_GAP = "aggregate_gap"
    STUBS_DIFFER = "stubs_differ"


@dataclass(frozen=True, slots=True)
class Finding:
    """The first bad position. Where nothing authentic is left to compare with, the range `position`..`until`."""

    kind: Kind
    position: int
    detail: str
    until: int | None = None


def first_of(findings: Iterable[Finding]) -> Finding | None:
    """The first bad position. Stubs that differ are a range, which gives way to what is named exactly within it."""
    ordered = sorted(findings, key=lambda finding: finding.position)
    first = ordered[0] if ordered else None
    if first is None or first.kind is not Kind.STUBS_DIFFER:
        return first
    exact = (found for found in ordered if found.kind is not Kind.STUBS_DIFFER and found.position <= (first.until or 0))
    return next(exact, first)


@dataclass(frozen=True, slots=True)
class Report:
    """`size` events read; everything up to `proven` is what was signed; `published` is the newest size seen outside."""

    size: int
    proven: int
    root: str
    checkpoints: int
    published: int | None
    finding: Finding | None
    unread: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.finding is None
