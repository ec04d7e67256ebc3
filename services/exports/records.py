"""What is remembered of one export in its three tables, so that whoever goes on knows how far it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from services.exports.formats import Format

Connection = psycopg.Connection[Any]

_LOCK = "SELECT pg_advisory_lock(hashtextextended(current_schema() || '.export:' || %s, 0))"
_JOB = """
    SELECT id, dataset, format, range_from, range_to, taken_at, bound, upload_id, writer, manifest
    FROM exports WHERE id = %s
"""
_PARTS = "SELECT number, sha256, etag FROM export_parts WHERE export_id = %s"
_DROP_PARTS = "DELETE FROM export_parts WHERE export_id = %s"
_DROP_ROWS = "DELETE FROM export_rows WHERE export_id = %s"
_BEGUN = "UPDATE exports SET upload_id = %s, writer = %s WHERE id = %s"
_PART = "INSERT INTO export_parts (export_id, number, sha256, etag, size) VALUES (%s, %s, %s, %s, %s)"
_WHOLE = """
    UPDATE exports SET rows = %s, size = %s, sha256 = %s, manifest = %s, upload_id = NULL, failure = NULL WHERE id = %s
"""
_BROKEN = "UPDATE exports SET failure = %s WHERE id = %s"


class UnknownExportError(LookupError):
    """No row has this id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of `exports`, as far as the making of it goes."""

    id: UUID
    dataset: str
    format: Format
    range_from: datetime | None
    range_to: datetime | None
    taken_at: datetime | None
    bound: int | None
    upload_id: str | None
    writer: str | None
    manifest: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "format", Format(self.format))


@dataclass(frozen=True, slots=True)
class Part:
    """One that the bucket has."""

    number: int
    sha256: str
    etag: str


class Records:
    """Of one export; every method is a transaction of its own."""

    def __init__(self, connection: Connection, export_id: UUID) -> None:
        self._connection, self._id = connection, export_id

    def lock(self) -> None:
        """Wait until nobody else makes this export; for as long as the connection lives."""
        self._connection.execute(_LOCK, (str(self._id),))

    def job(self) -> Job:
        """Raises UnknownExportError."""
        with self._connection.cursor(row_factory=class_row(Job)) as cursor:
            found = cursor.execute(_JOB, (self._id,)).fetchone()
        if found is None:
            raise UnknownExportError(self._id)
        return found

    def parts(self) -> dict[int, Part]:
        with self._connection.cursor(row_factory=class_row(Part)) as cursor:
            return {part.number: part for part in cursor.execute(_PARTS, (self._id,))}

    def begin(self, upload_id: str, writer: str) -> None:
        """From here on parts are those of this upload."""
        with self._connection.transaction():
            self._connection.execute(_DROP_PARTS, (self._id,))
            self._connection.execute(_BEGUN, (upload_id, writer, self._id))

    def add(self, part: Part, size: int) -> None:
        self._connection.execute(_PART, (self._id, part.number, part.sha256, part.etag, size))

    def finish(self, rows: int, size: int, sha256: str, manifest: str) -> None:
        """The file is whole, so what it was made of can go."""
        with self._connection.transaction():
            self._connection.execute(_WHOLE, (rows, size, sha256, manifest, self._id))
            self._connection.execute(_DROP_PARTS, (self._id,))
            self._connection.execute(_DROP_ROWS, (self._id,))

    def note_failure(self, why: str) -> None:
        self._connection.execute(_BROKEN, (why, self._id))
