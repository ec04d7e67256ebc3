"""What the witness remembers, in one directory of its own.

Invariant: `newest` is on the disk before its cosignature leaves the process, and holds one whole note at any moment,
whenever the process is killed. One process at a time may own the directory. Evidence is never overwritten.
"""

import fcntl
import os
from pathlib import Path


class InUseError(RuntimeError):
    """Another witness owns this directory: two memories of one log could sign two histories."""


class Store:
    """Raises InUseError when the directory is taken."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._newest, self._evidence = directory / "newest", directory / "evidence"
        self._evidence.mkdir(exist_ok=True)
        self._lock = (directory / "lock").open("w", encoding="ascii")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InUseError(str(directory)) from error

    def newest(self) -> str | None:
        """The co-signed note; None before the first."""
        return self._newest.read_text(encoding="utf-8") if self._newest.exists() else None

    def keep(self, note: str) -> None:
        """Durable when it returns."""
        _write(self._newest, note)

    def accuse(self, name: str, evidence: str) -> None:
        """Keep what proves that the log forked; what was kept before stays as it is."""
        file = self._evidence / name
        if not file.exists():
            _write(file, evidence)

    @property
    def accusations(self) -> list[str]:
        """Names of the evidence; whoever has dealt with it takes the files away."""
        return sorted(file.name for file in self._evidence.iterdir() if file.suffix != ".draft")


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.draft")
    with draft.open("w", encoding="utf-8", newline="") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
