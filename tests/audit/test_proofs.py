"""A8: whoever holds an event's bytes can show that the log holds them too, with the public key and nothing else."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from pydantic import ValidationError

from contracts.audit import EventProof, GetEvent, ProofBundle, ProveEvent, ProveEvents
from contracts.failures import Code
from contracts.message import Actor, ActorType, Context
from contracts.roles import Role
from services.audit.merkle import leaf_hash
from services.audit.nodes import Subtrees
from services.audit.offline import ProofRefusedError, check
from services.audit.proofs import Prover
from services.audit.queries import get_event
from services.audit.report import Kind
from services.chassis import Call, Outcome, Read, Refusal, Reply
from tests.audit.ledger import Ledger, event, record, story

SIZE = 600
CALL = Call(
    Actor(type=ActorType.USER, issuer="https://id.example", subject="maria", roles=frozenset({Role.AUDITOR})),
    Context(request_id="r", command_id=uuid4()),
    uuid4(),
    datetime.now(UTC),
)


async def filled(ledger: Ledger, batches: tuple[int, ...] = (100, 155, 1, 1, 300, 43)) -> list[str]:
    """A log of 600 events, and their leaf hashes."""
    await ledger.take(*(story(length) for length in batches))
    return [row["leaf"] for row in ledger.rows("SELECT encode(leaf_hash, 'hex') AS leaf FROM events ORDER BY position")]


async def asked(ledger: Ledger, *leaves: str) -> Outcome:
    async with ledger.engine.connect() as connection:
        prover = Prover(ledger.signer.verifier)
        return await prover.prove_events(ProveEvents(leaf_hashes=leaves), CALL, Read(connection))


async def proven(ledger: Ledger, *leaves: str) -> ProofBundle:
    outcome = await asked(ledger, *leaves)
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.body, ProofBundle)
    return outcome.body


def holds(ledger: Ledger, bundle: ProofBundle) -> bool:
    """What an outsider does, who has the public key, the bundle and the bytes behind the leaf hashes."""
    try:
        check(ProofBundle.model_validate_json(bundle.model_dump_json()), ledger.signer.verifier)
    except ValueError:
        return False
    return True


async def test_every_event_of_the_log_can_be_proven(ledger: Ledger) -> None:
    leaves = await filled(ledger)

    for start in range(0, SIZE, 20):
        bundle = await proven(ledger, *leaves[start : start + 20])

        assert [proof.position for proof in bundle.proofs] == list(range(start, start + 20))
        assert holds(ledger, bundle)


async def test_all_proofs_of_a_bundle_are_against_the_newest_checkpoint(ledger: Ledger) -> None:
    leaves = await filled(ledger, (5, 250))
    await ledger.take(story(45))

    bundle = await proven(ledger, leaves[254], leaves[3], leaves[254])

    assert (bundle.size, bundle.checkpoint) == (300, ledger.notes[-1])
    assert [proof.position for proof in bundle.proofs] == [254, 3, 254]
    assert holds(ledger, bundle)


async def test_the_leaf_hash_is_that_of_the_bytes_on_the_topic(ledger: Ledger) -> None:
    arrived = record(event())
    await ledger.take(story(3), [arrived])

    bundle = await proven(ledger, leaf_hash(arrived.value).hex())

    assert bundle.proofs[0].position == 3


async def test_a_leaf_that_is_not_in_the_log_is_not_found_and_neither_is_its_bundle(ledger: Ledger) -> None:
    leaves = await filled(ledger, (3,))
    on_its_way = record(event())
    leaf = leaf_hash(on_its_way.value).hex()

    before = await asked(ledger, leaves[0], leaf)
    await ledger.take([on_its_way])
    after = await asked(ledger, leaves[0], leaf)

    assert isinstance(before, Refusal)
    assert before.code == Code.NOT_FOUND
    assert isinstance(after, Reply)


async def test_an_altered_proof_does_not_hold(ledger: Ledger) -> None:
    """Control: `holds` can say no."""
    leaves = await filled(ledger, (7,))
    bundle = await proven(ledger, leaves[2])
    (proof,) = bundle.proofs
    bent: list[dict[str, Any]] = [
        {"leaf_hash": leaves[3]},
        {"leaf_hash": proof.leaf_hash.upper()},
        {"position": 3},
        {"path": proof.path[:-1]},
        {"path": (*proof.path, leaves[0])},
        {"path": (leaves[0], *proof.path[1:])},
    ]

    assert holds(ledger, bundle)
    assert not any(
        holds(ledger, bundle.model_copy(update={"proofs": (proof.model_copy(update=change),)})) for change in bent
    )
    assert not holds(ledger, bundle.model_copy(update={"size": 8}))
    assert not holds(ledger, bundle.model_copy(update={"checkpoint": bundle.checkpoint.replace("7", "8", 1)}))


async def test_one_event_is_given_and_proven_by_its_id(ledger: Ledger) -> None:
    told = event(data={"name": "Nordhafen"})
    await ledger.take(story(5), [record(told)], story(2))
    one, nobody = UUID(told["id"]), uuid4()

    async with ledger.engine.connect() as connection:
        prover, read = Prover(ledger.signer.verifier), Read(connection)
        given: Any = await get_event(GetEvent(event_id=one), CALL, read)
        proof: Any = await prover.prove_event(ProveEvent(event_id=one), CALL, read)
        unknown = [
            await get_event(GetEvent(event_id=nobody), CALL, read),
            await prover.prove_event(ProveEvent(event_id=nobody), CALL, read),
        ]

    assert (str(given.body.id), given.body.position, given.body.data) == (told["id"], 5, told["data"])
    assert isinstance(proof.body, EventProof)
    assert (proof.body.leaf_hash, proof.body.position) == (given.body.leaf_hash, 5)
    assert holds(ledger, ProofBundle(checkpoint=proof.body.checkpoint, size=8, proofs=(proof.body,)))
    assert [refusal.code for refusal in unknown if isinstance(refusal, Refusal)] == [Code.NOT_FOUND] * 2


def test_proofs_of_known_bytes_are_for_everybody() -> None:
    assert ProveEvents.roles == frozenset()


@pytest.mark.parametrize("leaves", [(), ("ab" * 32,) * 21, ("AB" * 32,), ("ab" * 31,)], ids=len)
def test_what_is_no_list_of_leaf_hashes_is_refused(leaves: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        ProveEvents(leaf_hashes=leaves)


async def test_the_kept_nodes_are_those_of_the_events(ledger: Ledger) -> None:
    leaves = await filled(ledger)

    rows = ledger.rows("SELECT level, index, hash FROM tree_nodes ORDER BY level, index")

    expected = Subtrees().extend(bytes.fromhex(leaf) for leaf in leaves)
    assert [(row["level"], row["index"], row["hash"]) for row in rows] == [
        (node.level, node.index, node.hash) for node in expected
    ]
    assert len(rows) == 2


async def test_a_checkpoint_does_not_come_without_its_nodes(ledger: Ledger) -> None:
    """An instance of a version that keeps none is turned away at the boundary."""
    await filled(ledger, (255,))
    later: LiteralString = """
        INSERT INTO checkpoints SELECT size + %s, root, range_hashes, leaf_hashes, note, created_at FROM checkpoints
    """

    with pytest.raises(psycopg.errors.CheckViolation, match="256 came without its tree nodes"):
        ledger.rows(later, 1, role="audit")

    assert len(ledger.notes) == 1


CHANGE_ONE: LiteralString = "UPDATE tree_nodes SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1) WHERE index = 1"
ALTERED_NODES: dict[str, tuple[LiteralString, int, int]] = {
    "changed": (CHANGE_ONE, 256, 511),
    "taken out": ("DELETE FROM tree_nodes WHERE index = 1", 256, 511),
    "all taken out": ("TRUNCATE tree_nodes", 0, 255),
    "exchanged": ("UPDATE tree_nodes t SET hash = o.hash FROM tree_nodes o WHERE o.index = 1 - t.index", 0, 255),
    "set to NULL": (
        "ALTER TABLE tree_nodes ALTER hash DROP NOT NULL; UPDATE tree_nodes SET hash = NULL WHERE index = 1",
        256,
        511,
    ),
    "one too many": ("INSERT INTO tree_nodes VALUES (8, 2, sha256('x'))", 512, 767),
    "one too high": ("INSERT INTO tree_nodes VALUES (16, 0, sha256('x'))", 0, 65_535),
}


@pytest.mark.parametrize("how", ALTERED_NODES)
async def test_a_node_that_does_not_belong_to_its_events_is_found_and_named(ledger: Ledger, how: str) -> None:
    await filled(ledger)
    statement, position, until = ALTERED_NODES[how]
    ledger.tamper(statement)

    for page in (1, 100, 4_000):
        finding = (await ledger.verify(page=page)).finding

        assert finding
        assert (finding.kind, finding.position, finding.until) == (Kind.NODE_DIFFERS, position, until)
        assert f"node {position >> (16 if until > 60_000 else 8)} of level" in finding.detail


async def test_an_event_that_was_altered_is_named_before_the_nodes_that_it_spoils(ledger: Ledger) -> None:
    await filled(ledger)
    ledger.tamper("UPDATE events SET raw = 'x', leaf_hash = sha256('\\x0078'::bytea) WHERE position = 300", CHANGE_ONE)

    finding = (await ledger.verify()).finding

    assert finding
    assert (finding.kind, finding.position) == (Kind.REWRITTEN, 300)


async def test_a_cut_is_not_taken_for_nodes_too_many(ledger: Ledger) -> None:
    await filled(ledger)
    ledger.tamper("DELETE FROM events WHERE position >= 511", "DELETE FROM event_targets WHERE position >= 511")

    finding = (await ledger.verify()).finding

    assert finding
    assert (finding.kind, finding.position) == (Kind.CUT, 511)


@pytest.mark.parametrize("how", ["changed", "taken out"])
async def test_a_proof_that_would_not_hold_is_not_handed_out(ledger: Ledger, how: str) -> None:
    leaves = await filled(ledger)
    ledger.tamper(ALTERED_NODES[how][0])

    with pytest.raises(ProofRefusedError):
        await asked(ledger, leaves[0])

    assert holds(ledger, await proven(ledger, leaves[300])), "its path does not lead over that node"


def test_verifying_a_proof_needs_neither_database_nor_broker() -> None:
    program = """
import sys
import services.audit.offline
print(*sorted({"sqlalchemy", "asyncpg", "psycopg", "aiokafka", "faststream", "boto3"} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
