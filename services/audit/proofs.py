"""Inclusion proofs (RFC 9162 §2.1.3) against the newest checkpoint; nothing is handed out that would not verify.

A proof reads no more than the neighbours of its leaf: 255 leaf hashes, 255 nodes of each level above, and as much again
for the ragged end of the log, in two statements however many leaves are asked for.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from contracts.audit import EventProof, Proof, ProofBundle, ProveEvent, ProveEvents
from contracts.failures import Code
from services.audit.merkle import inclusion_proof
from services.audit.nodes import Place, pieces, root_over, siblings
from services.audit.note import Verifier
from services.audit.offline import ProofRefusedError, check
from services.audit.queries import refusal_to_show
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch

_BY_LEAF = "SELECT leaf_hash, position FROM events WHERE leaf_hash = ANY($1::bytea[])"
_BY_ID = "SELECT leaf_hash, position FROM events WHERE id = $1"
_NEWEST = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"
_LEAVES = "SELECT 0, position, leaf_hash FROM events WHERE position = ANY($1::bigint[])"
_NODES = """
    SELECT level, index, hash FROM unnest($1::smallint[], $2::bigint[]) AS wanted(level, index)
    JOIN tree_nodes USING (level, index)
"""

Leaf = tuple[bytes, int]
"""A leaf hash and its position."""


class Prover:
    """Answers with proofs that it has checked itself."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def prove_events(self, query: ProveEvents, _: Call, read: Read) -> Outcome:
        wanted = [bytes.fromhex(leaf) for leaf in query.leaf_hashes]
        positions: dict[bytes, int] = dict(map(tuple, await fetch(read, _BY_LEAF, wanted)))
        if positions.keys() != set(wanted):
            return Refusal(Code.NOT_FOUND, "an event is not in the log, or not yet")
        return Reply(200, await self._bundle(read, [(leaf, positions[leaf]) for leaf in wanted]))

    async def prove_event(self, query: ProveEvent, call: Call, read: Read) -> Outcome:
        refused = await refusal_to_show(query.event_id, call, read)
        if refused:
            return refused
        found = await fetch(read, _BY_ID, query.event_id)
        if not found:
            return Refusal(Code.NOT_FOUND)
        bundle = await self._bundle(read, [tuple(found[0])])
        return Reply(200, EventProof(checkpoint=bundle.checkpoint, **bundle.proofs[0].model_dump()))

    async def _bundle(self, read: Read, leaves: Sequence[Leaf]) -> ProofBundle:
        """The checkpoint is read after the positions, and an event comes with its own: it covers them all.

        Raises ProofRefusedError where the stored hashes do not lead to the signed root; `audit verify` says why.
        """
        [(note,)] = await fetch(read, _NEWEST)
        size = self._verifier.checkpoint(note).size
        paths = await _paths(read, [position for _, position in leaves], size)
        proofs = [
            Proof(leaf_hash=leaf.hex(), position=position, path=tuple(node.hex() for node in path))
            for (leaf, position), path in zip(leaves, paths, strict=True)
        ]
        bundle = ProofBundle(checkpoint=note, size=size, proofs=tuple(proofs))
        check(bundle, self._verifier)
        return bundle


async def _paths(read: Read, positions: Sequence[int], size: int) -> list[list[bytes]]:
    spans = {span for position in positions for span in siblings(position, size)}
    hashes = await _hashes(read, {place for span in spans for place in pieces(*span)})

    @cache
    def subtree(start: int, end: int) -> bytes:
        return root_over((level, hashes[level, index]) for level, index in pieces(start, end))

    return [inclusion_proof(subtree, position, size) for position in positions]


async def _hashes(read: Read, places: set[Place]) -> Mapping[Place, bytes]:
    leaves = [index for level, index in places if level == 0]
    nodes: Any = [place for place in places if place[0]]
    rows = await fetch(read, _LEAVES, leaves)
    rows += await fetch(read, _NODES, [level for level, _ in nodes], [index for _, index in nodes])
    found = {(level, index): node for level, index, node in rows}
    if found.keys() != places:
        raise ProofRefusedError(f"the hash of {min(places - found.keys())} is missing")
    return found
