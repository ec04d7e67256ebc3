"""The formats by name. Parquet costs a process 40 MB, so it is imported by those only who write or read it."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from services.exports.cells import Row
from services.exports.dataset import Column


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.JSONL: "application/jsonl",
    Format.PARQUET: "application/vnd.apache.parquet",
}


class Codec(Protocol):
    """`decode` is the inverse of `encode`. The same rows give the same bytes as long as WRITER is the same."""

    WRITER: str

    def encode(self, columns: Sequence[Column], rows: Iterable[Row], /) -> Iterator[bytes]: ...

    def decode(self, columns: Sequence[Column], file: Path, /) -> Iterator[Row]: ...


def codec(name: Format) -> Codec:
    match name:
        case Format.CSV:
            from services.exports import csv  # noqa: PLC0415

            return csv
        case Format.JSONL:
            from services.exports import jsonl  # noqa: PLC0415

            return jsonl
        case Format.PARQUET:
            from services.exports import parquet  # noqa: PLC0415

            return parquet
