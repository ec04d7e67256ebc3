"""Are the kept subtree roots those of the events? They are only derived, but proofs are made of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.audit.nodes import Node, Place
from services.audit.report import Finding, Kind


class NodeCheck:
    """Told what is stored, and which nodes the leaves complete; compares them once the leaves are authentic."""

    def __init__(self) -> None:
        self._stored: dict[Place, bytes] = {}
        self._completed: list[Node] = []

    def expect(self, stored: Iterable[Sequence[Any]]) -> None:
        """Rows of `tree_nodes`: level, index, hash."""
        self._stored |= {node.place: node.hash for node in (Node(*row) for row in stored)}

    def complete(self, nodes: list[Node]) -> None:
        self._completed = nodes

    def compare(self) -> Finding | None:
        wrong = [node for node in self._completed if self._stored.pop(node.place, None) != node.hash]
        found = [differs(node.place, "is not the root of its events") for node in wrong]
        return min(found, key=lambda finding: finding.position, default=None)


def differs(place: Place, detail: str) -> Finding:
    level, index = place
    start = index << level
    return Finding(Kind.NODE_DIFFERS, start, f"node {index} of level {level} {detail}", start + (1 << level) - 1)
