"""The tree's own memory: roots of complete subtrees of 256, 256², … leaves, so that a proof reads little. Pure.

Invariant: node (level, index) is the root over leaves index·2^level to (index + 1)·2^level - 1, and is kept as soon as
the last of them is recorded. Any part of the tree that a proof asks for is then at most 255 hashes of each level.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from services.audit.merkle import CompactRange, Tree, consistency_proof, inclusion_proof, node_hash, root_of

BITS = 8
SPAN = 1 << BITS
LEVELS = (8, 16, 24, 32, 40, 48)
"""Those that are kept; a log of 2^56 events would need the next."""

Place = tuple[int, int]
"""Level and index; level 0 are the leaves themselves."""

Span = tuple[int, int]
"""The leaves from the first to before the second."""


@dataclass(frozen=True, slots=True)
class Node:
    """One row of `tree_nodes`."""

    level: int
    index: int
    hash: bytes

    @property
    def place(self) -> Place:
        return self.level, self.index


def extend(tree: CompactRange, leaves: Sequence[bytes]) -> list[Node]:
    """Append leaf hashes to the tree; returns the nodes that they completed."""
    nodes, done = list[Node](), 0
    for last in range(SPAN - 1 - tree.size % SPAN, len(leaves), SPAN):
        tree.extend(leaves[done:last])
        nodes += _completed_by(tree, leaves[last])
        tree.extend(leaves[last : last + 1])
        done = last + 1
    tree.extend(leaves[done:])
    return nodes


def _completed_by(tree: CompactRange, leaf: bytes) -> Iterator[Node]:
    """Climb from the new leaf as long as it is the last of its subtree."""
    node, end = leaf, tree.size + 1
    for level in count(1):
        if end % (1 << level):
            return
        node = node_hash(tree.peaks[-level], node)
        if level % BITS == 0:
            yield Node(level, (end >> level) - 1, node)


class Subtrees:
    """The same nodes, built on their own from 256 hashes below each: what the verifier compares with."""

    def __init__(self) -> None:
        self._open: list[list[bytes]] = [[] for _ in LEVELS]
        self._closed = [0] * len(LEVELS)

    def extend(self, leaves: Iterable[bytes]) -> list[Node]:
        nodes: list[Node] = []
        self._add(0, leaves, nodes)
        return nodes

    def _add(self, rank: int, hashes: Iterable[bytes], nodes: list[Node]) -> None:
        below = self._open[rank]
        below += hashes
        while len(below) >= SPAN:
            node = Node(LEVELS[rank], self._closed[rank], root_of(below[:SPAN]))
            del below[:SPAN]
            self._closed[rank] += 1
            nodes.append(node)
            self._add(rank + 1, [node.hash], nodes)


def pieces(start: int, end: int) -> Iterator[Place]:
    """The fewest kept nodes, and leaves, that make up start..end-1, which begins where its subtree does (a sibling)."""
    for level in (*reversed(LEVELS), 0):
        first, number = start >> level, (end - start) >> level
        yield from ((level, first + n) for n in range(number))
        start += number << level


def spans_of(prove: Callable[[Tree], object]) -> list[Span]:
    """The ranges of leaves whose roots a proof is made of."""
    spans: list[Span] = []

    def note(start: int, end: int) -> bytes:
        spans.append((start, end))
        return b""

    prove(note)
    return spans


def siblings(position: int, size: int) -> list[Span]:
    """The ranges of leaves whose roots are the path of one leaf."""
    return spans_of(lambda tree: inclusion_proof(tree, position, size))


def prefix_spans(first: int, second: int) -> list[Span]:
    """The ranges of leaves whose roots show that `first` leaves are the beginning of `second`."""
    return spans_of(lambda tree: consistency_proof(tree, first, second))


def root_over(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """MTH of a range that begins where its subtree does, from the level and hash of its pieces."""
    peaks: list[tuple[int, bytes]] = []
    for level, node in parts:
        height, merged = level, node
        while peaks and peaks[-1][0] == height:
            height, merged = height + 1, node_hash(peaks.pop()[1], merged)
        peaks.append((height, merged))
    *rest, (_, root) = peaks
    for _, peak in reversed(rest):
        root = node_hash(peak, root)
    return root
