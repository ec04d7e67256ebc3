"""What a service's own `exporting` module is: `python -m tests.exports.exporting EXPORT_ID`. Says how big it became."""

import atexit
import os
import sys
from pathlib import Path

from services.exports import make, source, upload
from services.exports.dataset import Column, Dataset, Kind
from services.exports.make import main
from services.exports.settings import ExportSettings
from services.wire.settings import load

BOOKS = Dataset(
    name="books",
    source="books",
    order=("author", "id"),
    time_column="added_at",
    columns=(
        Column("id", Kind.UUID),
        Column("author", Kind.TEXT, personal=True),
        Column("title", Kind.TEXT),
        Column("pages", Kind.INTEGER),
        Column("price", Kind.DECIMAL),
        Column("in_stock", Kind.BOOLEAN),
        Column("added_at", Kind.TIMESTAMP),
        Column("about", Kind.JSON),
        Column("cover", Kind.BYTES),
        Column("tags", Kind.TEXTS),
    ),
)
SALES = Dataset(
    name="sales",
    source="sales",
    order=("position",),
    time_column="recorded_at",
    bound="SELECT coalesce(max(size), 0) FROM seals",
    columns=(
        Column("position", Kind.INTEGER),
        Column("book_id", Kind.UUID),
        Column("recorded_at", Kind.TIMESTAMP),
        Column("raw", Kind.BYTES),
    ),
)
SHELVES = Dataset(
    name="shelves",
    source="shelves",
    order=("branch_id", "name"),
    columns=(Column("branch_id", Kind.UUID), Column("name", Kind.TEXT)),
)
DATASETS = (BOOKS, SALES, SHELVES)
PEAK_MARK = "peak KiB:"


def _say_peak() -> None:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    sys.stdout.write(f"{PEAK_MARK} {status['VmHWM'].split()[0]}\n")


if __name__ == "__main__":
    atexit.register(_say_peak)
    upload.PART_BYTES = int(os.environ.get("BOOKSHOP_PART_BYTES", upload.PART_BYTES))
    if "BOOKSHOP_HOARDS" in os.environ:
        setattr(make, "rows", lambda *taken: iter(list(source.rows(*taken))))  # noqa: B010 - it is make's own import
    main(DATASETS, load(ExportSettings))
