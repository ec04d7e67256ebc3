"""Signed notes, as C2SP `signed-note` defines them.

A note is text, an empty line and signature lines `— <name> <base64(key hash || signature)>`; the signature covers the
text with its last newline. Lines by keys we don't know are left standing: others may add theirs to the same note.
"""

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
KEY_HASH_BYTES = 4
DASH = "— "


class NoteRefusedError(ValueError):
    """Not a note, not what it should be, or not signed by the key it must be signed by."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks the signature lines of one name and key."""

    name: str
    key: Ed25519PublicKey

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(c.isspace() for c in self.name):
            raise ValueError(f"{self.name!r} can't name a key")

    def vkey(self) -> str:
        """The public key as `golang.org/x/mod/sumdb/note` and other tools write it."""
        return f"{self.name}+{self.key_hash().hex()}+{encode(_ED25519 + self.key.public_bytes_raw())}"

    def key_hash(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.key.public_bytes_raw()).digest()[:KEY_HASH_BYTES]

    @classmethod
    def of(cls, vkey: str) -> Self:
        """From the text that `vkey` gives; raises NoteRefusedError."""
        name, _, encoded = vkey.split("+", 2) if vkey.count("+") >= 2 else ("", "", "")
        try:
            found = cls(name, Ed25519PublicKey.from_public_bytes(decode(encoded)[1:]))
        except ValueError as error:
            raise NoteRefusedError("not a verifier key") from error
        if found.vkey() != vkey:
            raise NoteRefusedError("not a verifier key")
        return found

    def open(self, note: str) -> str:
        """The note's text; raises NoteRefusedError unless each signature line of this key is good and there is one."""
        text, lines = split_note(note)
        mine = [signature for name, signature in map(signature_of, lines) if self._signed(name, signature)]
        if not mine:
            raise NoteRefusedError(f"no signature by {self.name}")
        for signature in mine:
            try:
                self.key.verify(signature[KEY_HASH_BYTES:], text.encode())
            except InvalidSignature as error:
                raise NoteRefusedError(f"the signature by {self.name} is wrong") from error
        return text

    def _signed(self, name: str, signature: bytes) -> bool:
        return name == self.name and signature[:KEY_HASH_BYTES] == self.key_hash()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs under one name."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key())

    def sign(self, text: str) -> str:
        signature = self.verifier.key_hash() + self.key.sign(text.encode())
        return f"{text}\n{DASH}{self.name} {encode(signature)}\n"


def split_note(note: str) -> tuple[str, list[str]]:
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n") or any(c < " " and c != "\n" for c in note):
        raise NoteRefusedError("not a signed note")
    return text + "\n", signatures[:-1].split("\n")


def signature_of(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    try:
        signature = decode(encoded)
    except ValueError as error:
        raise NoteRefusedError("a signature line is not base64") from error
    if not line.startswith(DASH) or not name or len(signature) <= KEY_HASH_BYTES:
        raise NoteRefusedError("not a signature line")
    return name, signature


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode(encoded: str) -> bytes:
    """Only the canonical form of base64: nothing can be altered without altering what is decoded."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRefusedError("not base64") from error
    if encode(data) != encoded:
        raise NoteRefusedError("not canonical base64")
    return data
