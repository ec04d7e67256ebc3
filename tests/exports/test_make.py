"""A9: an export holds what its dataset held at one moment, in a file whose signed manifest says so."""

import base64
import hashlib
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.exports.cells import Row, canonical, parsed
from services.exports.formats import Format, codec
from services.exports.manifest import opened
from services.exports.points import ExportPoint
from tests.exports.bookshop import ROLE, Bookshop
from tests.exports.exporting import BOOKS, SALES, SHELVES


def cells(book: dict[str, Any]) -> Row:
    """One row of `books`, put into words without PostgreSQL's help."""
    return (
        str(book["id"]),
        book["author"],
        book["title"],
        str(book["pages"]),
        None if book["price"] is None else str(book["price"]),
        str(book["in_stock"]).lower(),
        book["added_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        None if book["about"] is None else canonical(parsed(book["about"])),
        None if book["cover"] is None else base64.b64encode(book["cover"]).decode(),
        canonical(book["tags"]),
    )


@pytest.mark.parametrize("file_format", list(Format))
def test_the_file_holds_every_row_in_the_order_of_the_dataset(shop: Bookshop, file_format: Format) -> None:
    shop.stock(1, 500)

    file, _ = shop.download(shop.made("books", file_format))

    stored = shop.rows("""
        SELECT id, author, title, pages, price, in_stock, added_at, about::text, cover, tags FROM books
        ORDER BY author COLLATE "C", id
    """)
    assert list(codec(file_format).decode(BOOKS.columns, file)) == [cells(book) for book in stored]
    assert b"secret" not in file.read_bytes()


@pytest.mark.parametrize("file_format", list(Format))
def test_the_manifest_is_signed_and_says_what_the_file_is(shop: Bookshop, file_format: Format) -> None:
    shop.stock(1, 20)
    export_id = shop.made("books", file_format)

    file, note = shop.download(export_id)

    manifest, row = opened(note.read_text(), shop.verifier), shop.row(export_id)
    content = file.read_bytes()
    assert (manifest.rows, manifest.size, manifest.sha256) == (20, len(content), hashlib.sha256(content).hexdigest())
    assert (row["rows"], row["size"], row["sha256"]) == (manifest.rows, manifest.size, manifest.sha256)
    assert (manifest.service, manifest.export_id, manifest.dataset) == (ROLE, export_id, "books")
    assert manifest.taken_at == row["taken_at"]
    assert manifest.described() == tuple(type(column)(column.name, column.kind) for column in BOOKS.columns)
    assert row["state"] == "RUNNING"  # whoever started the process says what follows


def test_nothing_is_left_of_the_making(shop: Bookshop) -> None:
    shop.stock(1, 20)

    export_id = shop.made("books", Format.CSV)

    assert shop.leftovers(export_id) == ([], [])
    assert shop.open_uploads(export_id) == []
    assert shop.row(export_id)["copied_rows"] == 20


@pytest.mark.parametrize("file_format", list(Format))
def test_a_dataset_without_rows_is_a_file_too(shop: Bookshop, file_format: Format) -> None:
    export_id = shop.made("books", file_format)

    file, note = shop.download(export_id)

    assert list(codec(file_format).decode(BOOKS.columns, file)) == []
    assert opened(note.read_text(), shop.verifier).size == file.stat().st_size


def test_a_table_that_is_only_added_to_is_read_where_it_is_up_to_its_bound(shop: Bookshop) -> None:
    shop.sell(0, 99, sealed=60)
    export_id = shop.order("sales", Format.JSONL)
    shop.crash.arm(ExportPoint.AFTER_TAKE)
    assert shop.make(export_id).exit_code != 0

    assert shop.leftovers(export_id) == ([], [])
    shop.sell(100, 149, sealed=140)
    assert shop.make(export_id).exit_code == 0

    file, note = shop.download(export_id)
    positions = [row[0] for row in codec(Format.JSONL).decode(SALES.columns, file)]
    assert positions == [str(position) for position in range(60)]
    assert opened(note.read_text(), shop.verifier).bound == 60


def test_rows_under_row_level_security_are_exported_whole(shop: Bookshop) -> None:
    shop.rows("INSERT INTO shelves SELECT gen_random_uuid(), 'shelf ' || n FROM generate_series(1, 7) AS n")

    file, _ = shop.download(shop.made("shelves", Format.CSV))

    assert len(list(codec(Format.CSV).decode(SHELVES.columns, file))) == 7
    assert shop.rows("SELECT * FROM shelves", role=ROLE) == []  # the control: who declares nothing sees nothing


def test_an_export_that_is_made_is_not_made_again(shop: Bookshop) -> None:
    shop.stock(1, 3)
    export_id = shop.made("books", Format.CSV)
    before = shop.row(export_id)
    shop.stock(4, 9)

    assert shop.make(export_id).exit_code == 0

    assert shop.row(export_id) == before


def test_who_fails_says_why_in_the_row_and_the_next_one_goes_on(shop: Bookshop) -> None:
    shop.stock(1, 3)
    export_id = shop.order("books", Format.CSV)

    with shop.without_bucket():
        made = shop.make(export_id)
    failed = shop.row(export_id)
    assert shop.make(export_id).exit_code == 0

    assert made.exit_code == 1
    assert failed["failure"].startswith("StoreError: ")
    assert "export.broken" in made.output
    assert (failed["manifest"], failed["state"]) == (None, "RUNNING")
    assert shop.row(export_id)["failure"] is None


def test_an_export_that_nobody_asked_for_is_an_error(shop: Bookshop) -> None:
    made = shop.make(uuid4())

    assert made.exit_code == 1
    assert "UnknownExportError" in made.output


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exports SET dataset = 'x'",
        "UPDATE exports SET requested_by = '{}'",
        "UPDATE export_rows SET cells = '{}'",
        "UPDATE export_parts SET etag = ''",
        "DELETE FROM exports",
    ],
)
def test_the_service_may_not_rewrite_what_was_asked_for_or_taken(shop: Bookshop, statement: Any) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.rows(statement, role=ROLE)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'DONE'", "exports_state"),
        ("state = 'READY'", "exports_ready_has_file"),
        ("state = 'FAILED'", "exports_failed_why"),
        ("rows = 1", "exports_whole"),
        ("taken_at = now()", "exports_taken_once"),
        ("bound = 1", "exports_taken_once"),
        ("sha256 = 'x'", "exports_sha256"),
    ],
)
def test_the_table_holds_no_half_truths(shop: Bookshop, change: Any, constraint: str) -> None:
    shop.order("books", Format.CSV)

    with pytest.raises(psycopg.errors.CheckViolation, match=constraint):
        shop.rows(f"UPDATE exports SET {change}")
