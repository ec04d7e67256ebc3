"""The audit log against implementations of the same standards that others wrote, in Go: `make interop`.

Their verifier (golang.org/x/mod/sumdb tlog and note, transparency-dev's cosignatures) accepts what we make and refuses
it altered; ours does the same with theirs.
"""

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.cosignature import Cosigner, WitnessKey
from services.audit.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    tree_over,
    verify_consistency,
    verify_inclusion,
)
from services.audit.note import NoteRefusedError, Signer, Verifier

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
SIZES = (1, 2, 3, 6, 7, 8, 64, 65, 100)
SIZE = 40
"""Of the log that Go makes: all its 40 records and 820 pairs of sizes are proven."""


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built with the versions and hashes of go.sum."""
    program = tmp_path_factory.mktemp("go") / "interop"
    subprocess.run(["go", "build", "-mod=readonly", "-o", str(program), "."], cwd=HERE, check=True)  # noqa: S607
    return program


def run(program: Path, *arguments: str, given: object = None) -> Any:
    done = subprocess.run(
        (str(program), *arguments), input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def encoded(nodes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(node).decode() for node in nodes]


def decoded(texts: Sequence[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


class Ours:
    """A log of a hundred records with a checkpoint at some sizes, and questions about it."""

    def __init__(self) -> None:
        self.signer = Signer("gatehouse.example/audit", Ed25519PrivateKey.generate())
        self.cosigner = Cosigner("gatehouse.example/witness", Ed25519PrivateKey.generate())
        self.records = [f"event {n}".encode() for n in range(max(SIZES))]
        self.leaves = list(map(leaf_hash, self.records))
        self.tree = tree_over(self.leaves)

    def note(self, size: int) -> str:
        note = self.signer.checkpoint(size, root_of(self.leaves[:size]))
        return note + self.cosigner.cosign(self.signer.verifier.open(note), 1_764_331_200)

    def inclusion(self, index: int, size: int, /, **changes: Any) -> dict[str, Any]:
        path = encoded(inclusion_proof(self.tree, index, size))
        record = base64.b64encode(self.records[index]).decode()
        question = {"record": record, "index": index, "note": self.note(size), "proof": path}
        return question | {"name": f"record {index} of {size} {list(changes)}"} | changes

    def growth(self, first: int, second: int, /, **changes: Any) -> dict[str, Any]:
        path = encoded(consistency_proof(self.tree, first, second))
        question = {"older": self.note(first), "note": self.note(second), "proof": path}
        return question | {"name": f"{first} to {second} {list(changes)}"} | changes

    def asked(self, go: Path, questions: list[dict[str, Any]]) -> dict[str, str]:
        keys = {"log_key": self.signer.verifier.vkey(), "witness_key": self.cosigner.verifier.vkey()}
        answers: dict[str, str] = run(go, "check", given=keys | {"questions": questions})
        assert len(answers) == len(questions)
        return answers


def test_go_accepts_our_checkpoints_inclusion_and_consistency_proofs_and_cosignatures(go: Path) -> None:
    ours = Ours()
    questions = [ours.inclusion(index, size) for size in SIZES for index in range(size)]
    questions += [ours.growth(first, second) for second in SIZES for first in SIZES if first <= second]
    questions += [{"name": f"cosignature {size}", "note": ours.note(size)} for size in SIZES]

    answers = ours.asked(go, questions)

    assert set(answers.values()) == {"yes"}


def test_go_refuses_them_altered(go: Path) -> None:
    """Control: its verifier can say no."""
    ours, other = Ours(), encoded([bytes(32)])
    bent = ours.note(64).replace("\n64\n", "\n65\n")
    impostor = Cosigner(ours.cosigner.name, ours.signer.key).cosign("x\n", 1)
    questions = [
        ours.inclusion(5, 64, index=6),
        ours.inclusion(5, 64, record=base64.b64encode(b"another").decode()),
        ours.inclusion(5, 64, note=ours.note(65)),
        ours.inclusion(5, 64, proof=other * 6),
        ours.growth(7, 64, older=ours.note(8)),
        ours.growth(7, 65, proof=other * 3),
        {"name": "altered note", "note": bent},
        {"name": "no cosignature", "note": ours.signer.checkpoint(64, root_of(ours.leaves[:64]))},
        {"name": "false one", "note": ours.signer.checkpoint(64, root_of(ours.leaves[:64])) + impostor},
    ]

    answers = ours.asked(go, questions)

    assert [name for name, answer in answers.items() if answer == "yes"] == []


def test_we_accept_what_go_makes_and_refuse_it_altered(go: Path) -> None:
    made = run(go, "make", str(SIZE))
    key, witness = Verifier.of(made["log_key"]), WitnessKey.of(made["witness_key"])
    roots = [key.checkpoint(note).root for note in made["notes"]]
    leaves = list(map(leaf_hash, decoded(made["records"])))

    assert [key.checkpoint(note).size for note in made["notes"]] == list(range(1, SIZE + 1))
    assert roots == [root_of(leaves[:size]) for size in range(1, SIZE + 1)]
    assert witness.moment(made["cosigned"]) > 1_700_000_000
    with pytest.raises(NoteRefusedError):
        key.checkpoint(made["notes"][-1].replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"))
    for found in made["inclusion"]:
        index, proof = found["index"], decoded(found["proof"])
        assert proof == inclusion_proof(tree_over(leaves), index, SIZE)
        assert verify_inclusion(leaves[index], index, SIZE, proof, roots[-1])
        assert not verify_inclusion(leaves[index - 1], index, SIZE, proof, roots[-1])
    assert len(made["growth"]) == SIZE * (SIZE + 1) // 2
    for found in made["growth"]:
        first, second, proof = found["from"], found["to"], decoded(found["proof"])
        assert proof == consistency_proof(tree_over(leaves), first, second)
        assert verify_consistency(first, second, proof, roots[first - 1], roots[second - 1])
        assert not verify_consistency(first, second, proof, roots[first - 2], roots[second - 1])
