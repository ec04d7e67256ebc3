"""Legal holds as the log tells them. Pure.

What counts is the newest version that is there: the two kinds of event come on two topics, and the later may be
recorded first.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from contracts.retention import HELD_KINDS, HOLD_PLACED, HOLD_RELEASED
from services.audit.envelope import targets_of
from services.audit.stub import Subject

TYPES = tuple(f"{kind}{ending}" for kind in HELD_KINDS for ending in (HOLD_PLACED, HOLD_RELEASED))


class HoldChange(NamedTuple):
    """One hold placed or released, at a position of the log."""

    position: int
    subject: Subject
    version: int
    placed: bool


def change_of(position: int, document: Any) -> HoldChange | None:
    """None where the event is about no hold."""
    try:
        name, version = document["type"], int(document["aggregate_version"])
    except (KeyError, TypeError, ValueError):
        return None
    if name not in TYPES:
        return None
    kind = name.partition(".")[0]
    subject = next((target for target in targets_of(document) if target[0] == kind), None)
    return subject and HoldChange(position, subject, version, name.endswith(HOLD_PLACED))


def in_force(changes: Iterable[HoldChange], before: int) -> frozenset[Subject]:
    """The subjects held by what stands before a position of the log."""
    newest: dict[Subject, HoldChange] = {}
    for change in changes:
        known = newest.get(change.subject)
        if change.position < before and (known is None or known.version < change.version):
            newest[change.subject] = change
    return frozenset(subject for subject, change in newest.items() if change.placed)
