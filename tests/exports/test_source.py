"""Rows are taken as they were at one moment, of the times that were asked for, each once."""

from datetime import UTC, datetime, timedelta

import pytest

from services.exports import source
from tests.exports.bookshop import Bookshop
from tests.exports.exporting import BOOKS, SALES

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, range(60)),
        (START + timedelta(seconds=1), None, range(10, 60)),
        (None, START + timedelta(seconds=1), range(10)),
        (START + timedelta(seconds=1), START + timedelta(seconds=4, microseconds=1), range(10, 50)),
        (START + timedelta(seconds=2), START + timedelta(seconds=2), range(0)),
        (START - timedelta(days=1), START + timedelta(days=1), range(60)),
        (START + timedelta(days=1), None, range(0)),
    ],
)
def test_a_range_is_from_its_first_moment_up_to_its_last(
    shop: Bookshop, start: datetime | None, end: datetime | None, expected: range
) -> None:
    """For a table that is read where it is, some of whose old rows are gone, and for one that is copied."""
    shop.sell(0, 99, sealed=60)
    shop.rows("DELETE FROM sales WHERE position IN (0, 12, 13, 49)")
    shop.rows("""
        INSERT INTO books (id, author, pages, in_stock, added_at, tags)
        SELECT book_id, 'x', position + 1, false, recorded_at, '{}' FROM sales WHERE position < 60
    """)

    sold, stocked = (shop.taken(dataset, start, end) for dataset in (SALES, BOOKS))

    wanted = [position for position in expected if position not in {0, 12, 13, 49}]
    assert [int(row[0] or "") for row in sold] == wanted
    assert sorted(int(row[3] or "") - 1 for row in stocked) == wanted


@pytest.mark.parametrize("size", [99, 100, 101])
def test_pages_join_without_a_seam(shop: Bookshop, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Two pages and a row less, two pages, and a row more."""
    monkeypatch.setattr(source, "PAGE_ROWS", 50)
    shop.sell(0, 150, sealed=size)
    shop.stock(1, size)

    sold, stocked = shop.taken(SALES), shop.taken(BOOKS)

    assert [row[0] for row in sold] == [str(position) for position in range(size)]
    assert sorted(int(row[3] or "") for row in stocked) == list(range(1, size + 1))


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 12:00 BC", "12026-01-01 12:00:00.5"])
def test_a_time_that_has_no_common_form_is_not_altered(shop: Bookshop, moment: str) -> None:
    shop.stock(1, 1)
    shop.rows("UPDATE books SET added_at = %s", moment)

    [row] = shop.taken(BOOKS)

    assert shop.rows("SELECT added_at = %s AS same FROM books", row[6]) == [{"same": True}]
