"""A9: however many rows and however large they are, an export needs less than 200 MB."""

import pytest

from services.exports.formats import Format
from tests.exports.bookshop import Bookshop

NOW_AND_THEN = [
    Format.PARQUET,
    pytest.param(Format.CSV, marks=pytest.mark.faults),
    pytest.param(Format.JSONL, marks=pytest.mark.faults),
]
"""Parquet needs the most of all, so the short suite looks at it alone."""
LIMIT_MIB = 200 * 1000 * 1000 / 1024 / 1024
GROWTH_MIB = 45
"""Two parts of 8 MiB and a group of rows, beside what the libraries keep; thirty times the rows add nothing to it."""


def peak_mib(shop: Bookshop, dataset: str, file_format: Format) -> float:
    made = shop.make(shop.order(dataset, file_format))
    assert made.exit_code == 0, made.output
    return made.peak_mib


@pytest.mark.parametrize("file_format", NOW_AND_THEN)
def test_memory_does_not_grow_with_the_rows(shop: Bookshop, file_format: Format) -> None:
    shop.stock(1, 1_000)
    few = peak_mib(shop, "books", file_format)
    shop.stock(1_001, 60_000)

    assert peak_mib(shop, "books", file_format) < min(few + GROWTH_MIB, LIMIT_MIB)


def test_who_holds_all_rows_at_once_is_found_out(shop: Bookshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    shop.stock(1, 1_000)
    few = peak_mib(shop, "books", Format.CSV)
    shop.stock(1_001, 60_000)
    monkeypatch.setenv("BOOKSHOP_HOARDS", "yes")

    assert peak_mib(shop, "books", Format.CSV) > few + GROWTH_MIB


@pytest.mark.parametrize("file_format", NOW_AND_THEN)
def test_large_rows_do_not_add_up(shop: Bookshop, file_format: Format) -> None:
    """Events of nearly 6 MiB, the largest that the broker takes."""
    shop.rows("""
        INSERT INTO sales SELECT n, gen_random_uuid(), now(), convert_to(repeat(md5(n::text), 180000), 'UTF8')
        FROM generate_series(0, 14) AS n
    """)
    shop.rows("INSERT INTO seals VALUES (15)")

    assert peak_mib(shop, "sales", file_format) < LIMIT_MIB


@pytest.mark.faults
@pytest.mark.parametrize("file_format", list(Format))
@pytest.mark.parametrize("dataset", ["books", "sales"])
def test_a_million_rows_in_less_than_200_mb(shop: Bookshop, dataset: str, file_format: Format) -> None:
    rows = 1_000_000
    shop.stock(1, rows) if dataset == "books" else shop.sell(0, rows - 1, sealed=rows)
    export_id = shop.order(dataset, file_format)

    made = shop.make(export_id)

    assert made.exit_code == 0, made.output
    assert shop.row(export_id)["rows"] == rows
    print(f"{dataset} as {file_format}: {made.peak_mib:.0f} MiB, {shop.row(export_id)['size']:,} bytes")  # noqa: T201
    assert made.peak_mib < LIMIT_MIB
