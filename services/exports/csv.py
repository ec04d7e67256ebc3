"""RFC 4180 in UTF-8 with a header, harmless to open in a spreadsheet: no cell is taken for a formula.

NULL is an empty field, the empty text is `""`. A cell that is no number and begins with what a spreadsheet may take for
a formula, or with `'`, has a `'` before it: whoever reads takes one `'` away. This holds for programs that split at
commas, as the RFC says.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from services.exports.cells import NUMBERS, Row
from services.exports.dataset import Column

WRITER = "csv/1"
# the wide forms of = + - @ are formulas too where people write in wide letters
_DANGEROUS = re.compile(r"['\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_SPECIAL = re.compile(r'[",\r\n]')
_FIELD = re.compile(r'(?:"((?:[^"]++|"")*+)"|([^",\r\n]*+))(,|\r\n)')


def encode(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[bytes]:
    yield _line(column.name for column in columns)
    guarded = [column.kind not in NUMBERS for column in columns]
    for row in rows:
        yield _line(
            f"'{cell}" if guard and cell and _DANGEROUS.match(cell) else cell
            for guard, cell in zip(guarded, row, strict=True)
        )


def decode(columns: Sequence[Column], file: Path) -> Iterator[Row]:
    """Raises ValueError at the first record that `encode` can't have written."""
    records = _records(file)
    if next(records, None) != [column.name for column in columns]:
        raise ValueError("not the columns that were promised")
    guarded = [column.kind not in NUMBERS for column in columns]
    for record in records:
        yield tuple(
            cell.removeprefix("'") if guard and cell else cell for guard, cell in zip(guarded, record, strict=True)
        )


def _line(cells: Iterable[str | None]) -> bytes:
    return (",".join(map(_field, cells)) + "\r\n").encode()


def _field(cell: str | None) -> str:
    if cell is None:
        return ""
    if cell and not _SPECIAL.search(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _records(file: Path) -> Iterator[list[str | None]]:
    """A record ends with the first line in which no quote is open."""
    record = ""
    with file.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            record += line
            if record.count('"') % 2 == 0:
                yield list(_fields(record))
                record = ""
    if record:
        raise ValueError("the last record is not whole")


def _fields(record: str) -> Iterator[str | None]:
    place, end = 0, len(record)
    while place < end:
        found = _FIELD.match(record, place)
        if found is None or (found[3] == "\r\n") != (found.end() == end):
            raise ValueError("a record is not written as RFC 4180 says")
        yield found[1].replace('""', '"') if found[1] is not None else found[2] or None
        place = found.end()
