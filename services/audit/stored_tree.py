"""The tree as the database keeps it: whatever a proof asks for, read in two statements."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from services.audit.merkle import Tree
from services.audit.nodes import Place, Span, pieces, root_over
from services.audit.offline import ProofRefusedError
from services.chassis import Read, fetch

_LEAVES = "SELECT 0, position, leaf_hash FROM events WHERE position = ANY($1::bigint[])"
_NODES = """
    SELECT level, index, hash FROM unnest($1::smallint[], $2::bigint[]) AS wanted(level, index)
    JOIN tree_nodes USING (level, index)
"""


async def stored_tree(read: Read, spans: Iterable[Span]) -> Tree:
    """A tree that knows the hashes of these spans and no others; raises ProofRefusedError where one is missing."""
    hashes = await _hashes(read, {place for span in spans for place in pieces(*span)})

    @cache
    def subtree(start: int, end: int) -> bytes:
        return root_over((level, hashes[level, index]) for level, index in pieces(start, end))

    return subtree


async def _hashes(read: Read, places: set[Place]) -> Mapping[Place, bytes]:
    leaves = [index for level, index in places if level == 0]
    nodes: Any = [place for place in places if place[0]]
    rows = await fetch(read, _LEAVES, leaves)
    rows += await fetch(read, _NODES, [level for level, _ in nodes], [index for _, index in nodes])
    found = {(level, index): node for level, index, node in rows}
    if found.keys() != places:
        raise ProofRefusedError(f"the hash of {min(places - found.keys())} is missing")
    return found
