"""One JSON object a line, members in the order of the columns; what JSON has no type for is text, decimals too.

NULL is null. In a JSON column null is a value of its own, so there a member is left out where the column is NULL.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from services.exports.cells import DOCUMENTS, Number, Row, canonical, parsed, quoted
from services.exports.dataset import Column, Kind

WRITER = "jsonl/1"
_AS_IT_IS = (Kind.INTEGER, Kind.BOOLEAN, *DOCUMENTS)


def encode(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    members = [(f"{quoted(column.name)}:", column.kind) for column in columns]
    for row in rows:
        parts = [
            name + _written(kind, cell)
            for (name, kind), cell in zip(members, row, strict=True)
            if not (cell is None and kind is Kind.JSON)
        ]
        yield f"{{{','.join(parts)}}}\n".encode()


def decode(columns: Sequence[Column], file: Path) -> Iterator[Row]:
    """Raises ValueError at the first line that `encode` can't have written."""
    wanted = {column.name: column.kind for column in columns}
    with file.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            document = parsed(line)
            missing = wanted.keys() - document.keys() if isinstance(document, dict) else wanted
            if any(wanted[name] is not Kind.JSON for name in missing) or len(document) + len(missing) != len(wanted):
                raise ValueError("not the columns that were promised")
            yield tuple(None if name in missing else _read(kind, document[name]) for name, kind in wanted.items())


def _written(kind: Kind, cell: str | None) -> str:
    if cell is None:
        return "null"
    return cell if kind in _AS_IT_IS else quoted(cell)


def _read(kind: Kind, value: Any) -> str | None:
    match kind, value:
        case Kind.JSON, _:
            return canonical(value)
        case _, None:
            return None
        case (Kind.INTEGER, Number()) | (Kind.BOOLEAN, bool()) | (Kind.TEXTS, list()):
            return canonical(value)
        case _, Number() | bool() | list() | dict():
            raise ValueError(f"{kind} is not written so")
        case _:
            return str(value)
