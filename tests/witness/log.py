"""A log small enough to be held in a list, whose owner is honest or not, and its witness."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.cosignature import Cosigner
from services.audit.merkle import consistency_proof, leaf_hash, root_of, tree_over
from services.audit.note import Signer
from services.audit.proof_text import GrowthText
from services.witness.judge import Judge
from services.witness.store import Store

NOON = 1_764_331_200


@dataclass
class SmallLog:
    """Its owner has the key, so whatever is in `leaves` gets signed."""

    signer: Signer = field(default_factory=lambda: Signer("small.example/log", Ed25519PrivateKey.generate()))
    leaves: list[bytes] = field(default_factory=list)

    def grow(self, number: int, word: str = "event") -> "SmallLog":
        self.leaves += [leaf_hash(f"{word} {len(self.leaves) + n}".encode()) for n in range(number)]
        return self

    def rebuilt(self, from_position: int = 0) -> "SmallLog":
        """The same key and size, and another history from a position on."""
        other = SmallLog(self.signer, self.leaves[:from_position])
        return other.grow(len(self.leaves) - from_position, "forged event")

    @property
    def note(self) -> str:
        return self.signer.checkpoint(len(self.leaves), root_of(self.leaves))

    def request(self, old: int) -> str:
        """What an owner who does his best sends: a proof over the leaves that he has."""
        size = len(self.leaves)
        proof = consistency_proof(tree_over(self.leaves), old, size) if 0 < old < size else []
        return GrowthText(old, proof, self.note).render()


def judge_of(log: SmallLog, directory: Path, cosigner: Cosigner) -> Judge:
    return Judge(log.signer.verifier, cosigner, Store(directory), clock=lambda: NOON)
