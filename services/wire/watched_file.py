"""A small list in a file that may change while the process runs."""

from pathlib import Path

GONE = (0, -1)


class WatchedFile:
    """Lines without their comments; one that is gone has none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None

    def changed(self) -> list[str] | None:
        """Its lines, when the file is not as it was last time; else None."""
        try:
            status = self._file.stat()
            mark = (status.st_mtime_ns, status.st_size)
            if mark == self._seen:
                return None
            lines = [line.split("#")[0].strip() for line in self._file.read_text().splitlines()]
        except FileNotFoundError:
            mark, lines = GONE, []
            if mark == self._seen:
                return None
        self._seen = mark
        return lines
