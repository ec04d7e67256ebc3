"""Looking for planted values in everything a database holds, as whoever stole a dump of it would."""

from collections.abc import Iterable, Iterator
from typing import LiteralString

import psycopg
from psycopg.types.string import TextLoader

from deploy.local.stack import Stack

SCHEMAS = ("partners", "staffing", "audit")
_TABLES: LiteralString = (
    "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1"
)


def tables_holding(stack: Stack, values: Iterable[str], schemas: tuple[str, ...] = SCHEMAS) -> dict[str, set[str]]:
    """For each value the tables in which it stands, in whatever column and whatever case."""
    wanted = list(values)
    found: dict[str, set[str]] = {value: set() for value in wanted}
    with psycopg.connect(stack.state.admin_dsn) as connection:
        connection.adapters.register_loader("timestamptz", TextLoader)  # Python's dates end before PostgreSQL's
        for (table,) in connection.execute(_TABLES, (list(schemas),)).fetchall():
            text = "\n".join(_rows(connection, table)).casefold()
            for value in wanted:
                if value.casefold() in text:
                    found[value].add(table)
    return found


def _rows(connection: "psycopg.Connection[tuple[object, ...]]", table: str) -> Iterator[str]:
    """Every row, bytes as text: what is stored as bytea would hide behind hexadecimal digits."""
    for row in connection.execute(f"SELECT * FROM {table}".encode()):
        yield " ".join(value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in row)
