"""Cosignatures: what a witness adds to a checkpoint (C2SP `tlog-cosignature`, `cosignature/v1`). Pure.

The signature covers the moment of signing and the checkpoint's whole text; the moment, seconds of the Unix clock as
eight bytes, stands before it in the signature line. Another algorithm byte than that of a log keeps the two apart: a
log's key can't make a cosignature, whatever it signs.
"""

from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.audit.note import DASH, KEY_HASH_BYTES, NoteRefusedError, decode, encode, signature_of, split_note

_COSIGNATURE = b"\x04"
_TIME_BYTES = 8


def _signed(text: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """Checks the cosignatures of one witness."""

    name: str
    key: Ed25519PublicKey

    def key_hash(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _COSIGNATURE + self.key.public_bytes_raw()).digest()[:KEY_HASH_BYTES]

    def vkey(self) -> str:
        return f"{self.name}+{self.key_hash().hex()}+{encode(_COSIGNATURE + self.key.public_bytes_raw())}"

    @classmethod
    def of(cls, vkey: str) -> "WitnessKey":
        """From the text that `vkey` gives; raises NoteRefusedError."""
        name, _, encoded = vkey.split("+", 2) if vkey.count("+") >= 2 else ("", "", "")
        try:
            found = cls(name, Ed25519PublicKey.from_public_bytes(decode(encoded)[1:]))
        except ValueError as error:
            raise NoteRefusedError("not a witness's key") from error
        if found.vkey() != vkey:
            raise NoteRefusedError("not a witness's key")
        return found

    def moment(self, note: str) -> int:
        """When this witness co-signed the note, in seconds; raises NoteRefusedError unless it did, and rightly."""
        text, lines = split_note(note)
        mine = [signature for name, signature in map(signature_of, lines) if self._is_mine(name, signature)]
        if not mine:
            raise NoteRefusedError(f"no cosignature by {self.name}")
        moments = [int.from_bytes(signature[KEY_HASH_BYTES:][:_TIME_BYTES], "big") for signature in mine]
        for signature, moment in zip(mine, moments, strict=True):
            try:
                self.key.verify(signature[KEY_HASH_BYTES + _TIME_BYTES :], _signed(text, moment))
            except InvalidSignature as error:
                raise NoteRefusedError(f"the cosignature by {self.name} is wrong") from error
        return max(moments)

    def _is_mine(self, name: str, signature: bytes) -> bool:
        return name == self.name and signature[:KEY_HASH_BYTES] == self.key_hash()


@dataclass(frozen=True, slots=True)
class Cosigner:
    """Signs as a witness."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> WitnessKey:
        return WitnessKey(self.name, self.key.public_key())

    def cosign(self, text: str, moment: int) -> str:
        """The signature line over a checkpoint's text, with its newline."""
        signature = self.key.sign(_signed(text, moment))
        return (
            f"{DASH}{self.name} {encode(self.verifier.key_hash() + moment.to_bytes(_TIME_BYTES, 'big') + signature)}\n"
        )
