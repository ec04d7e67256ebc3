"""Header names as they come: aiokafka decodes them itself, and one that is not UTF-8 stops its partition for ever.

The library raises in the middle of a fetch, forgets the good records before it and meets it again. So a batch that
can't be read is read once more with such names replaced, and the record goes the way of every other poison. This
reaches into the library's internals; tests/chassis/test_poison.py tells when that no longer fits.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record import memory_records
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class _Name(bytearray):
    def decode(self, *_: object) -> str:
        return super().decode("utf-8", "replace")


class _Buffer(bytearray):
    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Name(found) if isinstance(at, slice) else found


class _Batch:
    """One record batch, read by the library's fast reader unless that can't."""

    def __init__(self, raw: memoryview) -> None:
        self._raw, self._fast = raw, DefaultRecordBatch(raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fast, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._fast))
        except UnicodeDecodeError:
            careful = _DefaultRecordBatchPy(self._raw)
            careful._maybe_uncompress()  # noqa: SLF001
            careful._buffer = _Buffer(careful._buffer)  # noqa: SLF001
            return iter(careful)


def accept_any_header_name() -> None:
    """For every consumer of this process."""
    fetcher.MemoryRecords = memory_records._MemoryRecordsPy  # noqa: SLF001
    memory_records.DefaultRecordBatch = _Batch
