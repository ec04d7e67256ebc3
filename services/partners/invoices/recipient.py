"""Who is paid: EVM addresses, their checksum (EIP-55), and the list of approved ones where there is one."""

import re
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import structlog
from eth_hash.auto import keccak

from services.wire.watched_file import WatchedFile

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
ZERO = "0x" + "0" * 40

log = structlog.get_logger()


def is_address(text: str) -> bool:
    """0x and 40 hex digits, in one case or with the checksum of EIP-55; nobody is paid at the zero address."""
    if not _ADDRESS.fullmatch(text) or text == ZERO:
        return False
    digits = text[2:]
    return digits in (digits.lower(), digits.upper()) or text == checksummed(text)


def checksummed(address: str) -> str:
    """The spelling of EIP-55: a letter is upper case where the hash of the lower-case digits has 8 or more."""
    digits = address[2:].lower()
    mask = keccak(digits.encode("ascii")).hex()
    return "0x" + "".join(c.upper() if int(m, 16) >= 8 else c for c, m in zip(digits, mask, strict=False))


class Recipients:
    """Approved addresses, from a file with `address` or `partner_id address` a line, read again when it changes.

    Without a file every valid address may be proposed, and compliance approves it with the invoice. A file that is
    gone, or a line that can't be read, approves nobody.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = WatchedFile(file) if file else None
        self._approved: frozenset[tuple[UUID | None, str]] = frozenset()
        self.refresh()

    def refresh(self) -> None:
        lines = self._file.changed() if self._file else None
        if lines is not None:
            self._approved = _read(lines)

    def approves(self, partner_id: UUID, address: str) -> bool:
        """Spelled in any case: addresses are the same bytes."""
        if self._file is None:
            return True
        known = address.lower()
        return (None, known) in self._approved or (partner_id, known) in self._approved


def _read(lines: Iterable[str]) -> frozenset[tuple[UUID | None, str]]:
    approved = set()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        try:
            approved.add(_entry(words))
        except ValueError as error:
            log.warning("recipients.line_refused", line=number, error=str(error))
    return frozenset(approved)


def _entry(words: list[str]) -> tuple[UUID | None, str]:
    *partner, address = words
    if len(partner) > 1 or not is_address(address):
        raise ValueError("not `address` or `partner_id address`")
    return (UUID(partner[0]) if partner else None), address.lower()
