"""Checks a bundle of proofs with the log's public key and nothing else: no database, no network."""

from contracts.audit import ProofBundle
from services.audit.merkle import verify_inclusion
from services.audit.note import Checkpoint, Verifier


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
