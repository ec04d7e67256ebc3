"""Checks proofs with the log's public key and nothing else: no database, no network."""

from contracts.audit import ProofBundle
from services.audit.merkle import leaf_hash, verify_consistency, verify_inclusion
from services.audit.note import Checkpoint, Verifier
from services.audit.proof_text import GrowthText, InclusionText


class ProofRefusedError(ValueError):
    """A leaf is not shown to be in the log that the checkpoint commits to; the text says which."""


def check(bundle: ProofBundle, verifier: Verifier) -> Checkpoint:
    """The signed checkpoint that every leaf of the bundle is proven to be under.

    Whether a leaf hash is that of the bytes at hand (`merkle.leaf_hash`) is the caller's to compare. Raises
    NoteRefusedError, ProofRefusedError.
    """
    signed = verifier.checkpoint(bundle.checkpoint)
    if signed.size != bundle.size:
        raise ProofRefusedError(f"the checkpoint is about {signed.size} events, not {bundle.size}")
    for proof in bundle.proofs:
        leaf, path = bytes.fromhex(proof.leaf_hash), [bytes.fromhex(node) for node in proof.path]
        if not verify_inclusion(leaf, proof.position, signed.size, path, signed.root):
            raise ProofRefusedError(f"leaf {proof.leaf_hash} is not proven to be at position {proof.position}")
    return signed


def check_inclusion(raw: bytes, text: str, verifier: Verifier) -> Checkpoint:
    """The signed checkpoint that an event of exactly these bytes is proven to be under, by a `tlog-proof`.

    Raises NotAProofError, NoteRefusedError, ProofRefusedError.
    """
    proof = InclusionText.parse(text)
    signed = verifier.checkpoint(proof.checkpoint)
    if not verify_inclusion(leaf_hash(raw), proof.index, signed.size, proof.path, signed.root):
        raise ProofRefusedError(f"these bytes are not proven to be at position {proof.index}")
    return signed


def check_growth(older: str, text: str, verifier: Verifier) -> Checkpoint:
    """The signed checkpoint that the older one is proven to be a beginning of; raises as `check_inclusion`."""
    proof = GrowthText.parse(text)
    old, new = verifier.checkpoint(older), verifier.checkpoint(proof.checkpoint)
    if old.size != proof.old:
        raise ProofRefusedError(f"the proof begins at {proof.old}, the older checkpoint is about {old.size} events")
    if not verify_consistency(old.size, new.size, proof.proof, old.root, new.root):
        raise ProofRefusedError(f"the log of {old.size} events is not the beginning of that of {new.size}")
    return new
