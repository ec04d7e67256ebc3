"""Where one stack keeps everything, and who may look into it."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

LONGEST_SOCKET_DIRECTORY = 80
"""sockaddr_un holds 107 bytes; the longest file name we put behind the directory needs 20 of them."""


@dataclass(frozen=True, slots=True)
class Home:
    """The directories of one stack; nothing outside them is written, except the shared cache of jars."""

    root: Path

    @classmethod
    def at(cls, path: Path | str | None = None) -> "Home":
        """The given directory, else GATEHOUSE_HOME, else `.gatehouse` here."""
        chosen = path or os.environ.get("GATEHOUSE_HOME") or ".gatehouse"
        return cls(Path(chosen).expanduser().resolve())

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Sockets; outside the home only when its path is too long for a Unix socket."""
        inside = self.root / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIRECTORY:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"gatehouse-{os.getuid()}-{digest}"

    def data(self, part: str) -> Path:
        return self.root / "data" / part

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def settings(self, part: str) -> Path:
        return self.etc / f"{part}.env"

    @property
    def exists(self) -> bool:
        return (self.etc / "state.json").exists()

    def prepare(self) -> None:
        """Make the directories. As root, PostgreSQL's own user must be able to pass to its data."""
        way = 0o711 if os.geteuid() == 0 else 0o700
        for directory, mode in ((self.root, way), (self.root / "data", way)):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(mode)
        for directory in (self.etc, self.logs, self.run):
            directory.mkdir(exist_ok=True)
            _own(directory)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One `up` or `down` at a time for each home."""
        with (self.run / "lock").open("w") as lock:
            flock(lock, LOCK_EX)
            yield


def _own(directory: Path) -> None:
    """A directory that somebody else made in a shared place could be a trap: refuse it."""
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to another user")
    directory.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; it is never readable by others, not even while it is being written."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
