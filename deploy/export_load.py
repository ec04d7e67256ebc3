"""Puts the rows of an exported file back into the empty table they came from, as the database's administrator.

Triggers and foreign keys are off meanwhile, so that a file may come before those it refers to. What speaks of a column
that is never exported (a password) can't hold for rows without it: such a constraint is kept, but not validated.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any, LiteralString, cast

import psycopg
from psycopg.sql import SQL, Identifier

from services.exports.cells import Row
from services.exports.dataset import Column, Kind
from services.exports.manifest import Manifest

_OF_MISSING_COLUMNS = """
    SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
    WHERE c.conrelid = %s::regclass AND c.convalidated AND (
        c.contype = 'c' AND EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND NOT a.attname = ANY (%s)
        )
        OR c.contype = 'n' AND EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND NOT a.attname = ANY (%s)
                AND NOT a.atthasdef AND a.attidentity = ''
        )
    ) ORDER BY c.conname
"""


class NotEmptyError(Exception):
    """The table has rows: what would come of it is not what was exported."""


def load(dsn: str, manifest: Manifest, rows: Iterable[Row]) -> list[str]:
    """In one transaction. Returns the names of constraints that are not validated any more.

    Raises NotEmptyError and psycopg.Error.
    """
    table, columns = Identifier(manifest.service, manifest.source), manifest.described()
    names = [column.name for column in columns]
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(SQL("LOCK TABLE {}").format(table))
        if connection.execute(SQL("SELECT FROM {} LIMIT 1").format(table)).fetchone() is not None:
            raise NotEmptyError(f"{manifest.service}.{manifest.source} is not empty")
        relaxed = connection.execute(_OF_MISSING_COLUMNS, (table.as_string(), names, names)).fetchall()
        for name, _ in relaxed:
            connection.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(table, Identifier(name)))
        listed = SQL(", ").join(map(Identifier, names))
        with connection.cursor().copy(SQL("COPY {} ({}) FROM STDIN").format(table, listed)) as copy:
            for row in rows:
                copy.write_row(tuple(_values(columns, row)))
        for name, definition in relaxed:
            again = SQL("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID")
            connection.execute(again.format(table, Identifier(name), SQL(cast("LiteralString", definition))))
    return [name for name, _ in relaxed]


def _values(columns: Iterable[Column], row: Row) -> Iterator[Any]:
    for column, cell in zip(columns, row, strict=True):
        match column.kind:
            case Kind.BYTES if cell is not None:
                yield base64.b64decode(cell)
            case Kind.TEXTS if cell is not None:
                yield json.loads(cell)
            case _:
                yield cell
