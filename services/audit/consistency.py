"""Consistency proofs (RFC 9162 §2.1.4) between any two sizes; nothing is handed out that would not verify.

Both sizes are first shown to lie under the newest signed checkpoint, so a root inside a batch, which nobody signed, is
as good as a signed one.
"""

import base64

from contracts.audit import CheckpointView
from contracts.audit_consistency import CheckpointPage, ConsistencyProof, ListCheckpoints, ProveConsistency
from contracts.failures import Code
from services.audit.merkle import Tree, consistency_proof, verify_consistency
from services.audit.nodes import prefix_spans
from services.audit.note import Checkpoint, Verifier
from services.audit.offline import ProofRefusedError
from services.audit.stored_tree import stored_tree
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch
from services.chassis.database import fetch_dicts

_NEWEST = "SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1"
_AT = "SELECT note FROM checkpoints WHERE size = $1"
_PAGE = """
    SELECT size, encode(root, 'hex') AS root, note, created_at FROM checkpoints WHERE size > $1 ORDER BY size LIMIT $2
"""


class ConsistencyProver:
    """Answers with proofs that it has checked itself."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def prove(self, query: ProveConsistency, _: Call, read: Read) -> Outcome:
        notes = await fetch(read, _NEWEST)
        newest = self._verifier.checkpoint(notes[0][0]) if notes else None
        end = newest.size if newest else 0
        first, second = query.from_size, end if query.to_size is None else query.to_size
        if newest is None or not 1 <= first <= second <= end:
            return Refusal(Code.AUDIT_RANGE_INVALID, f"from {first} to {second}: the log has {end} events")
        proof = await _checked_proof(read, first, second, newest)
        signed = await fetch(read, _AT, second)
        encoded = tuple(base64.b64encode(node).decode() for node in proof)
        note = signed[0][0] if signed else None
        return Reply(200, ConsistencyProof(from_size=first, to_size=second, proof=encoded, checkpoint=note))


async def proof_between(read: Read, first: int, newest: Checkpoint) -> list[bytes]:
    """From a size to the newest checkpoint; raises ProofRefusedError."""
    return await _checked_proof(read, first, newest.size, newest)


async def _checked_proof(read: Read, first: int, second: int, newest: Checkpoint) -> list[bytes]:
    """Raises ProofRefusedError where the stored hashes do not lead to the signed root; `audit verify` says why."""
    steps = [(first, second), (first, newest.size), (second, newest.size)]
    spans = {(0, first), (0, second)}
    tree = await stored_tree(read, spans.union(*(prefix_spans(*step) for step in steps)))
    if not all(_bound(tree, size, newest) for size in (first, second)):
        raise ProofRefusedError(f"the stored hashes of {first} to {second} do not lead to the signed root")
    return consistency_proof(tree, first, second)


def _bound(tree: Tree, size: int, newest: Checkpoint) -> bool:
    proof = consistency_proof(tree, size, newest.size)
    return verify_consistency(size, newest.size, proof, tree(0, size), newest.root)


async def list_checkpoints(query: ListCheckpoints, _: Call, read: Read) -> Outcome:
    rows = await fetch_dicts(read, _PAGE, query.starting_after or 0, query.limit + 1)
    page = tuple(CheckpointView(**row) for row in rows[: query.limit])
    return Reply(200, CheckpointPage(data=page, has_more=len(rows) > query.limit))
