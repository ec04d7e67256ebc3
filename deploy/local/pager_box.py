"""The pages the fake pager has taken; in SQLite, so that they survive its restart."""

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS pages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    page_id TEXT,
    title TEXT NOT NULL,
    message TEXT NOT NULL,
    type TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 1,
    taken_at TEXT NOT NULL,
    CONSTRAINT one_row_a_page UNIQUE (target, page_id)
);
"""
_KEEP = """
    INSERT INTO pages (target, page_id, title, message, type, taken_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (target, page_id) DO UPDATE SET deliveries = deliveries + 1
"""
_LIST = """
    SELECT target, page_id, title, message, type, deliveries, taken_at FROM pages
    WHERE (?1 IS NULL OR target = ?1) AND (?2 IS NULL OR page_id = ?2) ORDER BY position
"""
_PAGE_ID = re.compile(r"^Page ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$", re.MULTILINE)


class PagerBox:
    """One row a target and page; a repeat only adds to its `deliveries`. The page's id stands in the message."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(SCHEMA)

    def keep(self, target: str, title: str, message: str, kind: str) -> None:
        named = _PAGE_ID.findall(message)
        page_id = named[-1] if named else None
        self._database.execute(_KEEP, (target, page_id, title, message, kind, datetime.now(UTC).isoformat()))

    def pages(self, target: str | None, page_id: str | None) -> list[dict[str, Any]]:
        """Oldest first."""
        return [dict(row) for row in self._database.execute(_LIST, (target, page_id))]
