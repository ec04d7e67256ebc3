"""Are the kept subtree roots those of the events? They are only derived, but proofs are made of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.audit.nodes import Node, Place, Subtrees
from services.audit.report import Finding, Kind


class NodeCheck:
    """Told what is stored, and then which leaves are authentic; compares whatever those complete."""

    def __init__(self) -> None:
        self._subtrees = Subtrees()
        self._stored: dict[Place, bytes] = {}

    def expect(self, stored: Iterable[Sequence[Any]]) -> None:
        """Rows of `tree_nodes`: level, index, hash."""
        self._stored |= {node.place: node.hash for node in (Node(*row) for row in stored)}

    def prove(self, leaves: Sequence[bytes]) -> Finding | None:
        wrong = [node for node in self._subtrees.extend(leaves) if self._stored.pop(node.place, None) != node.hash]
        found = [differs(node.place, "is not the root of its events") for node in wrong]
        return min(found, key=lambda finding: finding.position, default=None)


def differs(place: Place, detail: str) -> Finding:
    level, index = place
    start = index << level
    return Finding(Kind.NODE_DIFFERS, start, f"node {index} of level {level} {detail}", start + (1 << level) - 1)
