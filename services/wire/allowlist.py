"""A list of subjects that may change while the process runs; the file is read again when it changes."""

from pathlib import Path

import structlog

from contracts.message import Actor

log = structlog.get_logger()


class Allowlist:
    """Subjects of one issuer, from a comma-separated value and from a file with one subject a line."""

    def __init__(self, issuer: str, value: str = "", file: Path | None = None) -> None:
        self._issuer, self._file = issuer, file
        self._fixed = frozenset(filter(None, map(str.strip, value.split(","))))
        self._seen: tuple[int, int] | None = None
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
        if self._file is None:
            return
        try:
            status = self._file.stat()
            mark = (status.st_mtime_ns, status.st_size)
            if mark != self._seen:
                lines = (line.split("#")[0].strip() for line in self._file.read_text().splitlines())
                self._subjects, self._seen = self._fixed | frozenset(filter(None, lines)), mark
        except FileNotFoundError:
            self._subjects, self._seen = self._fixed, None

    def allows(self, actor: Actor) -> bool:
        return actor.issuer == self._issuer and actor.subject in self._subjects
