"""Parquet by pyarrow: typed where Parquet has the type, text elsewhere, the same bytes for the same rows.

Row groups end after a number of rows or bytes, so a writer's memory does not grow with the file. Nothing in the file
says when it was written, but it says by which version of pyarrow.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from services.exports.cells import Row, canonical
from services.exports.dataset import Column, Kind

WRITER = f"parquet/1 pyarrow {pa.__version__}"
GROUP_ROWS = 5_000
GROUP_BYTES = 4 << 20
pa.set_memory_pool(pa.system_memory_pool())  # arrow's own keeps what is freed: 15 MB more

_TYPES = {
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Kind.BYTES: pa.binary(),
    Kind.TEXTS: pa.list_(pa.string()),
}
_LARGE = (Kind.BYTES, Kind.JSON)
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"  # with the fraction, as microseconds are the unit


def encode(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    schema, sink = _schema(columns), _Sink()
    small = [column.name for column in columns if column.kind not in _LARGE]
    with pq.ParquetWriter(
        sink,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=small,
        write_statistics=small,
        store_schema=False,
    ) as out:
        for arrays in _groups(columns, rows):
            out.write_batch(pa.record_batch(arrays, schema=schema), row_group_size=GROUP_ROWS)
            yield sink.drained()
    yield sink.drained()


def decode(columns: Sequence[Column], file: Path) -> Iterator[Row]:
    """Raises ValueError when it is not a file that `encode` wrote."""
    with pq.ParquetFile(file) as source:
        if source.schema_arrow != _schema(columns):
            raise ValueError("not the columns that were promised")
        for batch in source.iter_batches(batch_size=1_000, use_threads=False):
            cells = [_cells(column.kind, array) for column, array in zip(columns, batch.columns, strict=True)]
            yield from zip(*cells, strict=True)


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, _TYPES.get(column.kind, pa.string())) for column in columns])


def _groups(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[list[pa.Array]]:
    """Cells turned into arrays, a row group at a time."""
    held = [list[str | None]() for _ in columns]
    size = 0
    for row in rows:
        for cells, cell in zip(held, row, strict=True):
            cells.append(cell)
            size += len(cell) if cell else 0
        if len(held[0]) == GROUP_ROWS or size >= GROUP_BYTES:
            yield _arrays(columns, held)
            size = 0
    if held[0]:
        yield _arrays(columns, held)


def _arrays(columns: Sequence[Column], held: Sequence[list[str | None]]) -> list[pa.Array]:
    """Leaves `held` empty, each list as soon as it can."""
    arrays = []
    for column, cells in zip(columns, held, strict=True):
        arrays.append(_array(column.kind, cells))
        cells.clear()
    return arrays


def _array(kind: Kind, cells: Sequence[str | None]) -> pa.Array:
    match kind:
        case Kind.BYTES:
            return pa.array(_each(base64.b64decode, cells), _TYPES[kind])
        case Kind.TEXTS:
            return pa.array(_each(json.loads, cells), _TYPES[kind])
        case _:
            texts = pa.array(cells, pa.string())
            return pc.cast(texts, _TYPES[kind]) if kind in _TYPES else texts


def _cells(kind: Kind, array: pa.Array) -> list[str | None]:
    match kind:
        case Kind.BYTES:
            return _each(lambda raw: base64.b64encode(raw).decode(), array.to_pylist())
        case Kind.TEXTS:
            return _each(canonical, array.to_pylist())
        case Kind.TIMESTAMP:
            return list(pc.strftime(array, _INSTANT).to_pylist())
        case _:
            return list(pc.cast(array, pa.string()).to_pylist())


def _each(change: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    return [None if value is None else change(value) for value in values]


class _Sink:
    """A file that is given away piece by piece."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def drained(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True
