"""A8: the log of yesterday is the beginning of the log of today, shown with less than 1 KB and the public key."""

import base64
import json
from hashlib import sha256
from typing import Any, LiteralString

import pytest

from contracts.audit_consistency import CheckpointPage, ConsistencyProof, ListCheckpoints, ProveConsistency
from contracts.failures import Code
from services.audit.consistency import ConsistencyProver, list_checkpoints
from services.audit.merkle import (
    consistency_proof,
    inclusion_proof,
    root_of,
    tree_over,
    verify_consistency,
    verify_inclusion,
)
from services.audit.offline import ProofRefusedError
from services.audit.proof_text import GrowthText, InclusionText
from services.chassis import Outcome, Read, Refusal, Reply
from tests.audit.ledger import Ledger, story
from tests.audit.test_proofs import CALL, CHANGE_ONE, SIZE, filled

MILLION = 1_000_000


async def asked(ledger: Ledger, first: int, second: int | None = None) -> Outcome:
    async with ledger.engine.connect() as connection:
        query = ProveConsistency(from_size=first, to_size=second)
        return await ConsistencyProver(ledger.signer.verifier).prove(query, CALL, Read(connection))


async def proven(ledger: Ledger, first: int, second: int | None = None) -> ConsistencyProof:
    outcome = await asked(ledger, first, second)
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.body, ConsistencyProof)
    return outcome.body


def shows(proof: ConsistencyProof, old: bytes, new: bytes) -> bool:
    path = [base64.b64decode(node) for node in proof.proof]
    return verify_consistency(proof.from_size, proof.to_size, path, old, new)


async def test_any_two_sizes_are_shown_to_be_consistent(ledger: Ledger) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in await filled(ledger)]
    edges = (1, 2, 3, 100, 255, 256, 257, 300, 511, 512, 513, 557, 599, SIZE)

    for first in edges:
        for second in (size for size in edges if size >= first):
            proof = await proven(ledger, first, second)
            old, new = root_of(leaves[:first]), root_of(leaves[:second])

            assert shows(proof, old, new)
            assert not shows(proof, new, old) or first == second


async def test_without_an_end_it_leads_to_the_newest_checkpoint(ledger: Ledger) -> None:
    await filled(ledger)

    proof = await proven(ledger, 7)

    assert (proof.to_size, proof.checkpoint) == (SIZE, ledger.notes[-1])


async def test_the_signed_note_comes_along_where_one_was_signed(ledger: Ledger) -> None:
    await ledger.take(story(4), story(6))

    assert (await proven(ledger, 2, 4)).checkpoint == ledger.notes[0]
    assert (await proven(ledger, 2, 5)).checkpoint is None


@pytest.mark.parametrize(("first", "second"), [(0, 5), (-1, 5), (4, 3), (1, 11), (11, None), (2**62, 2**62)])
async def test_a_range_that_the_log_does_not_have_is_refused(ledger: Ledger, first: int, second: int | None) -> None:
    await ledger.take(story(10))

    outcome = await asked(ledger, first, second)

    assert isinstance(outcome, Refusal)
    assert outcome.code == Code.AUDIT_RANGE_INVALID


async def test_an_empty_log_has_no_range(ledger: Ledger) -> None:
    outcome = await asked(ledger, 1)

    assert isinstance(outcome, Refusal)
    assert outcome.code == Code.AUDIT_RANGE_INVALID


REWRITE: LiteralString = "UPDATE events SET leaf_hash = sha256('x'::bytea) WHERE position = 598"


@pytest.mark.parametrize("how", [CHANGE_ONE, "DELETE FROM tree_nodes WHERE index = 1", REWRITE])
async def test_a_proof_that_would_not_hold_is_not_handed_out(ledger: Ledger, how: LiteralString) -> None:
    await filled(ledger)
    await proven(ledger, 513, 599)
    ledger.tamper(how)

    with pytest.raises(ProofRefusedError):
        await asked(ledger, 513, 599)


async def test_checkpoints_are_listed_by_size(ledger: Ledger) -> None:
    await ledger.take(story(4), story(6), story(1))

    async with ledger.engine.connect() as connection:
        pages: list[Any] = [
            await list_checkpoints(ListCheckpoints(limit=2, starting_after=after), CALL, Read(connection))
            for after in (None, 10)
        ]

    bodies: list[CheckpointPage] = [page.body for page in pages]
    assert [view.note for body in bodies for view in body.data] == ledger.notes
    assert [[view.size for view in body.data] for body in bodies] == [[4, 10], [11]]
    assert [body.has_more for body in bodies] == [True, False]


def test_the_wire_says_from_and_to() -> None:
    query = ProveConsistency.model_validate({"from": 3, "to": 9})

    assert json.loads(query.model_dump_json()) == {"from": 3, "to": 9}
    assert ProveConsistency.model_validate_json(query.model_dump_json()) == query


def test_no_proof_over_a_million_events_is_larger_than_1_kb() -> None:
    """The longest there is of either kind, as C2SP writes them and as JSON, over real hashes and checked."""
    leaves = [sha256(at.to_bytes(4, "big")).digest() for at in range(MILLION)]
    root, shape = root_of(leaves), bytes(32)
    index = max(range(0, MILLION, 997), key=lambda at: len(inclusion_proof(lambda *_: shape, at, MILLION)))
    first = max(range(1, MILLION, 997), key=lambda size: len(consistency_proof(lambda *_: shape, size, MILLION)))

    path = inclusion_proof(tree_over(leaves), index, MILLION)
    growth = consistency_proof(tree_over(leaves), first, MILLION)
    told = ConsistencyProof(
        from_size=first, to_size=MILLION, proof=tuple(base64.b64encode(node).decode() for node in growth)
    )

    assert verify_inclusion(leaves[index], index, MILLION, path, root)
    assert verify_consistency(first, MILLION, growth, root_of(leaves[:first]), root)
    assert (len(path), len(growth)) == (20, 21)
    assert len(InclusionText(index, path, "").render()) <= 1024
    assert len(GrowthText(first, growth, "").render()) <= 1024
    assert len(told.model_dump_json(exclude={"checkpoint"})) <= 1024 + len('{"from":0000000,"to":0000000,"proof":[]}')
