"""Inclusion proofs (RFC 9162 §2.1.3) against the newest checkpoint; nothing is handed out that would not verify.

A proof reads no more than the neighbours of its leaf: 255 leaf hashes, 255 nodes of each level above, and as much again
for the ragged end of the log, in two statements however many leaves are asked for.
"""

from collections.abc import Sequence

from contracts.audit import EventProof, Proof, ProofBundle, ProveEvent, ProveEvents
from contracts.failures import Code
from services.audit.merkle import inclusion_proof
from services.audit.nodes import siblings
from services.audit.note import Verifier
from services.audit.offline import check
from services.audit.queries import refusal_to_show
from services.audit.stored_tree import stored_tree
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch

_BY_LEAF = "SELECT leaf_hash, position FROM events WHERE leaf_hash = ANY($1::bytea[])"
_BY_ID = "SELECT leaf_hash, position FROM events WHERE id = $1"
_NEWEST = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"

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
        return refused or await self.prove(query, call, read)

    async def prove(self, query: ProveEvent, _: Call, read: Read) -> Outcome:
        """The proof of one event, for whoever may see it; who has the database may."""
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
    tree = await stored_tree(read, {span for position in positions for span in siblings(position, size)})
    return [inclusion_proof(tree, position, size) for position in positions]
