"""What a service really stored, read past it as the administrator.

Connections are kept for the next question: to connect costs both sides more than most questions do.
"""

import atexit
import select
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from deploy.local.stack import Stack

Connection = psycopg.Connection[dict[str, Any]]
_idle: defaultdict[tuple[str, str], list[Connection]] = defaultdict(list)
"""By database and schema."""


@atexit.register
def _close_all() -> None:
    for connection in chain.from_iterable(_idle.values()):
        connection.close()


def _is_alive(connection: Connection) -> bool:
    """On an idle connection nothing comes but the server's farewell."""
    heard = select.poll()
    heard.register(connection.fileno(), select.POLLIN)
    return not heard.poll(0)


class Tables:
    """The schema of one service. Statements take psycopg's `%s`."""

    def __init__(self, stack: Stack, service: str) -> None:
        self._dsn, self._service = stack.state.admin_dsn, service

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """As good as a new one; it is closed if the block fails."""
        connection = self._take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        connection.commit()
        connection.execute("DISCARD ALL")
        _idle[self._dsn, self._service].append(connection)

    def _take(self) -> Connection:
        idle = _idle[self._dsn, self._service]
        while idle:
            connection = idle.pop()
            if _is_alive(connection):
                return connection
            connection.close()
        options = f"-c search_path={self._service}"
        connect = psycopg.Connection[dict[str, Any]].connect
        return connect(self._dsn, options=options, autocommit=True, prepare_threshold=None, row_factory=dict_row)

    def rows(self, statement: LiteralString, *args: Any) -> list[dict[str, Any]]:
        with self.connection() as connection:
            return connection.execute(statement, args).fetchall()

    def value(self, statement: LiteralString, *args: Any) -> Any:
        """The first column of the first row."""
        return next(iter(self.rows(statement, *args)[0].values()))

    def letters_at(self, topic: str, partition: int, position: int) -> list[dict[str, Any]]:
        """The dead letters of one record: none or one."""
        statement: LiteralString = "SELECT * FROM dead_letters WHERE topic = %s AND partition = %s AND position = %s"
        return self.rows(statement, topic, partition, position)

    def newest_events(self, limit: int = 500) -> list[dict[str, Any]]:
        """The last rows of the outbox in the order they were written."""
        return self.rows("SELECT * FROM outbox ORDER BY id DESC LIMIT %s", limit)[::-1]


class KeptTables(Tables):
    """The same on one connection, for tests that look often; close it."""

    def __init__(self, stack: Stack, service: str) -> None:
        super().__init__(stack, service)
        self._open = ExitStack()
        self._kept = self._open.enter_context(super().connection())

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        yield self._kept

    def close(self) -> None:
        self._open.close()
