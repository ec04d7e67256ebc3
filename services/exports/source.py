"""Rows of a dataset at one moment, as cells.

Invariant: what is read does not depend on when it is read. The rows of a changing table are copied by one statement,
which sees one snapshot; a table that is only ever added to is read where it is, below the bound noted at that moment.
Reading goes on from the last number seen, some thousand rows a statement, so that nothing holds back the vacuum; of
a statement's rows one at a time is in memory, however large.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from services.exports.cells import DOCUMENTS, Row, canonical, parsed
from services.exports.dataset import Dataset, Kind
from services.exports.records import Connection, Job

PAGE_ROWS = 10_000

_CELLS: dict[Kind, SQL] = {
    # what has no four digits for its year is left as PostgreSQL writes it
    Kind.TIMESTAMP: SQL("""
        CASE WHEN {0} >= '0001-01-01T00:00Z' AND {0} < '10000-01-01T00:00Z'
             THEN to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') ELSE {0}::text END
    """),
    Kind.BYTES: SQL("translate(encode({0}, 'base64'), E'\\n', '')"),
    Kind.TEXTS: SQL("to_json({0})::text"),
}
_AS_TEXT = SQL("{0}::text")
_COPY = SQL("""
    INSERT INTO export_rows (export_id, ordinal, cells)
    SELECT {id}, row_number() OVER (ORDER BY {order}), {cells} FROM {source} WHERE {condition}
""")
_COPIED = "UPDATE exports SET taken_at = now(), copied_rows = %s WHERE id = %s"
_BOUNDED = SQL("UPDATE exports SET taken_at = now(), bound = ({bound}) WHERE id = {id}")
_COPIED_PAGE = SQL("""
    SELECT ordinal, cells FROM export_rows
    WHERE export_id = {id} AND ordinal >= %(first)s ORDER BY ordinal LIMIT {limit}
""")
_PAGE = SQL("""
    SELECT {number}, {cells} FROM {source}
    WHERE {number} >= %(first)s AND {number} < %(end)s ORDER BY {number} LIMIT {limit}
""")
_TIME_AT = SQL("""
    SELECT {number}, {time} FROM {source} WHERE {number} >= %s AND {number} < %s ORDER BY {number} LIMIT 1
""")


def take(connection: Connection, job: Job, dataset: Dataset) -> None:
    """Fix what this export holds. Not to be called twice."""
    with connection.transaction():
        if dataset.bound is not None:
            connection.execute(_BOUNDED.format(bound=SQL(dataset.bound), id=Literal(job.id)))
            return
        copied = connection.execute(
            _COPY.format(
                id=Literal(job.id),
                order=SQL(", ").join(_order(dataset)),
                cells=_cells(dataset),
                source=Identifier(dataset.source),
                condition=_within(dataset, job),
            )
        )
        connection.execute(_COPIED, (copied.rowcount, job.id))


def rows(connection: Connection, job: Job, dataset: Dataset) -> Iterator[Row]:
    """What was taken, in the order of the dataset. The connection serves nothing else until the end."""
    documents = [place for place, column in enumerate(dataset.columns) if column.kind in DOCUMENTS]
    for cells in _taken(connection, job, dataset):
        for place in documents:
            if (text := cells[place]) is not None:
                cells[place] = canonical(parsed(text))
        yield tuple(cells)


def _taken(connection: Connection, job: Job, dataset: Dataset) -> Iterator[list[str | None]]:
    if job.bound is None:
        yield from _pages(connection, _COPIED_PAGE.format(id=Literal(job.id), limit=Literal(PAGE_ROWS)), 1, None)
        return
    first = _first_at(connection, dataset, job.range_from, job.bound) if job.range_from else 0
    end = _first_at(connection, dataset, job.range_to, job.bound) if job.range_to else job.bound
    page = _PAGE.format(
        number=Identifier(dataset.order[0]),
        cells=_cells(dataset),
        source=Identifier(dataset.source),
        limit=Literal(PAGE_ROWS),
    )
    yield from _pages(connection, page, first, end)


def _pages(connection: Connection, page: Composed, first: int, end: int | None) -> Iterator[list[str | None]]:
    while True:
        found = 0
        with connection.cursor() as cursor:
            for number, cells in cursor.stream(page, {"first": first, "end": end}):
                yield cells
                first, found = number + 1, found + 1
        if found < PAGE_ROWS:
            return


def _first_at(connection: Connection, dataset: Dataset, moment: datetime, bound: int) -> int:
    """The number from which on times are at `moment` or after it; there are as many looks as `bound` has bits."""
    look = _TIME_AT.format(
        number=Identifier(dataset.order[0]),
        time=Identifier(dataset.time_column or ""),
        source=Identifier(dataset.source),
    )
    low, high = 0, bound
    while low < high:
        middle = (low + high) // 2
        found: Any = connection.execute(look, (middle, high)).fetchone()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low


def _cells(dataset: Dataset) -> Composable:
    texts = [_CELLS.get(column.kind, _AS_TEXT).format(Identifier(column.name)) for column in dataset.columns]
    return SQL("ARRAY[{}]").format(SQL(", ").join(texts))


def _order(dataset: Dataset) -> Iterator[Composable]:
    """The same in every database, whatever its collation."""
    kinds = {column.name: column.kind for column in dataset.columns}
    for name in dataset.order:
        yield SQL('{} COLLATE "C"' if kinds[name] is Kind.TEXT else "{}").format(Identifier(name))


def _within(dataset: Dataset, job: Job) -> Composable:
    bounds = [("{} >= {}", job.range_from), ("{} < {}", job.range_to)]
    conditions = [
        SQL(text).format(Identifier(dataset.time_column or ""), Literal(moment)) for text, moment in bounds if moment
    ]
    return SQL(" AND ").join([SQL("true"), *conditions])
