"""The persons the fake identity provider knows and what was done to them; in SQLite, so both survive a restart."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from scim2_models import Meta, NotFoundException, UniquenessException, User

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user_name TEXT NOT NULL CONSTRAINT one_person_a_user_name UNIQUE,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    did TEXT NOT NULL CHECK (did IN ('created', 'replaced', 'patched', 'deleted')),
    id TEXT NOT NULL,
    external_id TEXT,
    user_name TEXT NOT NULL,
    active INTEGER,
    at TEXT NOT NULL
);
"""
_LOG = """
    SELECT did, id, external_id, user_name, active, at FROM log WHERE ?1 IS NULL OR external_id = ?1 ORDER BY position
"""


Person = User[Any]


class People:
    """One row a person. A user name is unique whatever its case (RFC 7643 §4.1.1); an external id need not be."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(SCHEMA)

    def all(self) -> list[Person]:
        rows = self._database.execute("SELECT document FROM people ORDER BY position")
        return [Person.model_validate_json(row["document"]) for row in rows]

    def one(self, person_id: str) -> Person:
        """Raises NotFoundException."""
        row = self._database.execute("SELECT document FROM people WHERE id = ?", (person_id,)).fetchone()
        if row is None:
            raise NotFoundException(detail=f"User {person_id} not found")
        return Person.model_validate_json(row["document"])

    def add(self, person: Person) -> Person:
        """Give a new person an id; raises UniquenessException for a user name that is taken."""
        now = datetime.now(UTC)
        person.id, person.meta = str(uuid4()), Meta(resource_type="User", created=now, last_modified=now)
        if person.active is None:
            person.active = True
        self._write("INSERT INTO people (document, user_name, id) VALUES (?, ?, ?)", person)
        self._note("created", person)
        return person

    def change(self, person: Person, did: str) -> Person:
        """Keep a person's new state."""
        created = person.meta.created if person.meta else None
        person.meta = Meta(resource_type="User", created=created, last_modified=datetime.now(UTC))
        self._write("UPDATE people SET document = ?, user_name = ? WHERE id = ?", person)
        self._note(did, person)
        return person

    def remove(self, person: Person) -> None:
        self._database.execute("DELETE FROM people WHERE id = ?", (person.id,))
        self._note("deleted", person)

    def log(self, external_id: str | None) -> list[dict[str, Any]]:
        """What was done, to one person or to all, oldest first."""
        return [dict(row) for row in self._database.execute(_LOG, (external_id,))]

    def _write(self, statement: str, person: Person) -> None:
        person.password = None  # nobody logs in here
        try:
            self._database.execute(statement, (person.model_dump_json(), str(person.user_name).casefold(), person.id))
        except sqlite3.IntegrityError as error:
            raise UniquenessException(detail="userName is taken") from error

    def _note(self, did: str, person: Person) -> None:
        facts = (did, person.id, person.external_id, person.user_name, person.active, datetime.now(UTC).isoformat())
        self._database.execute(
            "INSERT INTO log (did, id, external_id, user_name, active, at) VALUES (?, ?, ?, ?, ?, ?)", facts
        )
