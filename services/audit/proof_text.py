"""Proofs as text that other tools read. Pure.

Inclusion is a C2SP `tlog-proof`; growth is the request of C2SP `tlog-witness`, which a witness takes as it is. Both are
a few lines, one base64 hash a line, an empty line, and the signed checkpoint that they lead to.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.audit.merkle import HASH_BYTES

_TITLE = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
MOST_HASHES = 63


class NotAProofError(ValueError):
    """The text is not a proof in this format."""


@dataclass(frozen=True, slots=True)
class InclusionText:
    """The leaf at `index` lies under the checkpoint."""

    index: int
    path: Sequence[bytes]
    checkpoint: str

    def render(self) -> str:
        return f"{_TITLE}\nindex {self.index}\n{_lines(self.path)}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> "InclusionText":
        """Raises NotAProofError."""
        head, checkpoint = _halves(text)
        title, *rest = head
        if title == _TITLE and rest and rest[0].startswith("extra "):
            rest = rest[1:]
        if title != _TITLE or not rest:
            raise NotAProofError("not a tlog-proof")
        return cls(_number(rest[0], "index"), _hashes(rest[1:]), checkpoint)


@dataclass(frozen=True, slots=True)
class GrowthText:
    """The first `old` leaves of the checkpoint are those of the log at that size."""

    old: int
    proof: Sequence[bytes]
    checkpoint: str

    def render(self) -> str:
        return f"old {self.old}\n{_lines(self.proof)}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> "GrowthText":
        """Raises NotAProofError."""
        (old, *proof), checkpoint = _halves(text)
        return cls(_number(old, "old"), _hashes(proof), checkpoint)


def _lines(hashes: Sequence[bytes]) -> str:
    return "".join(f"{base64.b64encode(node).decode()}\n" for node in hashes)


def _halves(text: str) -> tuple[list[str], str]:
    head, separator, checkpoint = text.partition("\n\n")
    if not separator:
        raise NotAProofError("no empty line before the checkpoint")
    return head.split("\n"), checkpoint


def _number(line: str, name: str) -> int:
    word, _, number = line.partition(" ")
    if word != name or not _NUMBER.fullmatch(number):
        raise NotAProofError(f"no line `{name} <number>`")
    return int(number)


def _hashes(lines: Sequence[str]) -> list[bytes]:
    if len(lines) > MOST_HASHES:
        raise NotAProofError(f"more than {MOST_HASHES} hashes")
    try:
        hashes = [base64.b64decode(line, validate=True) for line in lines]
    except (binascii.Error, ValueError) as error:
        raise NotAProofError("a line is not base64") from error
    if any(len(node) != HASH_BYTES for node in hashes) or _lines(hashes) != "".join(f"{line}\n" for line in lines):
        raise NotAProofError("a line is not a hash")
    return hashes
