"""A list of subjects that may change while the process runs; the file is read again when it changes."""

from pathlib import Path

import structlog

from contracts.message import Actor
from services.wire.watched_file import WatchedFile

log = structlog.get_logger()


class Allowlist:
    """Subjects of one issuer, from a comma-separated value and from a file with one subject a line."""

    def __init__(self, issuer: str, value: str = "", file: Path | None = None) -> None:
        self._issuer, self._file = issuer, WatchedFile(file) if file else None
        self._fixed = frozenset(filter(None, map(str.strip, value.split(","))))
        self._subjects = self._fixed
        self.refresh()
        if not self._subjects:
            log.warning("allowlist.empty", effect="every decision is refused")

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everybody on the list, sorted."""
        return tuple(sorted(self._subjects))

    def refresh(self) -> None:
        """Read the file again if it changed; a file that is gone allows nobody it named."""
        lines = self._file.changed() if self._file else None
        if lines is not None:
            self._subjects = self._fixed | frozenset(filter(None, lines))

    def allows(self, actor: Actor) -> bool:
        return actor.issuer == self._issuer and actor.subject in self._subjects
