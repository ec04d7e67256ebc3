"""The messages the fake SMS provider has taken; in SQLite, so that they survive its restart."""

import sqlite3
import uuid
from datetime import UTC, datetime
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    idempotency_key TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    accepted_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_of_recipient ON messages (recipient, position);
"""


class Box:
    """One row a message, unique by idempotency key."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(SCHEMA)

    def keep(self, key: str, recipient: str, body: str) -> tuple[str, bool] | None:
        """(id, whether it is new); None if the key was used for another message."""
        row = (str(uuid.uuid4()), key, recipient, body, datetime.now(UTC).isoformat())
        added = self._database.execute(
            "INSERT INTO messages (id, idempotency_key, recipient, body, accepted_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (idempotency_key) DO NOTHING",
            row,
        )
        if added.rowcount:
            return row[0], True
        known = self._database.execute(
            "SELECT id FROM messages WHERE idempotency_key = ? AND recipient = ? AND body = ?", (key, recipient, body)
        ).fetchone()
        return (known[0], False) if known else None

    def to(self, recipient: str) -> list[dict[str, str]]:
        """The last hundred messages to one number, newest first."""
        rows = self._database.execute(
            "SELECT id, recipient, body, accepted_at FROM messages WHERE recipient = ?"
            " ORDER BY position DESC LIMIT 100",
            (recipient,),
        )
        return [dict(zip(("id", "to", "body", "accepted_at"), row, strict=True)) for row in rows]
