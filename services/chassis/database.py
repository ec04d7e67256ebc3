"""PostgreSQL by SQLAlchemy Core: transactions, set-based inserts, and which errors pass by themselves."""

from collections.abc import Mapping, Sequence
from typing import Any, NewType

from asyncpg.exceptions import (
    DeadlockDetectedError,
    IntegrityConstraintViolationError,
    SerializationError,
)
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Write = NewType("Write", AsyncConnection)
Read = NewType("Read", AsyncConnection)

_AWAY = ("08", "53", "57")  # SQLSTATE classes: connection, resources, operator intervention


def connect(url: str, pool_size: int = 8) -> AsyncEngine:
    """An engine for one service. A dead connection fails once, invalidates the pool, and the work is done again."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_use_lifo=True,
        hide_parameters=True,  # an error's text goes to logs and dead letters: no personal data in it
        connect_args={"timeout": 5, "command_timeout": 30, "server_settings": {"jit": "off"}},
    )


def is_away(error: BaseException) -> bool:
    """The database is away: waiting helps, trying another way does not."""
    if isinstance(error, OSError | TimeoutError | InterfaceError):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or isinstance(error, OperationalError) or state[:2] in _AWAY
    return False


def is_conflict(error: BaseException) -> bool:
    """Another transaction was quicker: the same work, done again, sees what it wrote."""
    cause = getattr(getattr(error, "orig", None), "__cause__", None)
    return isinstance(cause, SerializationError | DeadlockDetectedError | IntegrityConstraintViolationError)


async def fetch(connection: AsyncConnection, statement: str, *args: Any) -> list[Any]:
    """All rows as tuples; `statement` has PostgreSQL's own `$1` placeholders."""
    return list((await connection.exec_driver_sql(statement, args)).all())


async def fetch_dicts(connection: AsyncConnection, statement: str, *args: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in (await connection.exec_driver_sql(statement, args)).mappings()]


_COLUMNS = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
"""
_types: dict[tuple[str, str], dict[str, str]] = {}


async def insert(tx: Write, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert all rows in one statement, one array a column; every row has the same keys, named like columns."""
    if not rows:
        return
    known = (str(tx.engine.url), table)
    if known not in _types:
        _types[known] = dict(await fetch(tx, _COLUMNS, table))
    names = tuple(rows[0])
    arrays = ", ".join(f"${n}::{_types[known][name]}[]" for n, name in enumerate(names, 1))
    statement = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM unnest({arrays})"  # noqa: S608
    await tx.exec_driver_sql(statement, tuple([row[name] for row in rows] for name in names))
