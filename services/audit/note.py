"""The notes of a log: checkpoints, as C2SP `tlog-checkpoint` defines them, on the signed notes of `services.wire.note`.

A checkpoint is a note whose text is origin, decimal size and base64 root, a line each. A witness adds its own signature
to the same note.
"""

from dataclasses import dataclass

from services.audit.merkle import HASH_BYTES
from services.wire import note
from services.wire.note import DASH, KEY_HASH_BYTES, NoteRefusedError, decode, encode, signature_of, split_note

__all__ = [
    "DASH",
    "KEY_HASH_BYTES",
    "Checkpoint",
    "NoteRefusedError",
    "Signer",
    "Verifier",
    "decode",
    "encode",
    "parse_checkpoint",
    "signature_of",
    "split_note",
]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: the root over its first `size` leaves."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"


@dataclass(frozen=True, slots=True)
class Verifier(note.Verifier):
    """Checks what the key of one log signed."""

    def checkpoint(self, signed: str) -> Checkpoint:
        """The checkpoint of this very log; raises NoteRefusedError."""
        found = parse_checkpoint(self.open(signed))
        if found.origin != self.name:
            raise NoteRefusedError(f"the checkpoint is of another log, {found.origin}")
        return found


@dataclass(frozen=True, slots=True)
class Signer(note.Signer):
    """Signs for one log; its origin is the name of its key."""

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key())

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed note of this log's checkpoint at `size`."""
        return self.sign(Checkpoint(self.name, size, root).text())


def parse_checkpoint(text: str) -> Checkpoint:
    """Strict: one way to write each checkpoint, except for extension lines, which are signed but not read."""
    try:
        origin, size, root, *_ = text.removesuffix("\n").split("\n")
        found = Checkpoint(origin, int(size), decode(root))
    except ValueError as error:
        raise NoteRefusedError("the text is not a checkpoint") from error
    if not origin or not text.startswith(found.text()) or len(found.root) != HASH_BYTES or found.size < 0:
        raise NoteRefusedError("the text is not a checkpoint")
    return found
