"""What can be exported: tables of a service with their columns, each by name. What is not listed never leaves."""

from dataclasses import dataclass
from enum import StrEnum
from typing import LiteralString

WORK = "export"
"""What a connection declares as `gatehouse.work` to read rows that are otherwise hidden from it (`tables.show`)."""


class Kind(StrEnum):
    """How the values of a column are written; each value has exactly one text."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    UUID = "uuid"
    JSON = "json"
    BYTES = "bytes"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Column:
    """`personal` marks a person's data: files with it do not outlive an erasure."""

    name: str
    kind: Kind
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of the table `source`, in an `order` of columns that no two rows share.

    `time_column` is what a range asks for, from the first moment up to but without the last. `bound` is for a table
    that is only ever added to, at the end of its one integer of `order`: an expression for the first number that does
    not count yet. Its rows are read where they are, nothing is copied; their times must never go back.
    """

    name: str
    columns: tuple[Column, ...]
    source: str
    order: tuple[str, ...]
    time_column: str | None = None
    bound: LiteralString | None = None

    def __post_init__(self) -> None:
        kinds = {column.name: column.kind for column in self.columns}
        if len(kinds) != len(self.columns) or not self.order or not kinds.keys() >= set(self.order):
            raise ValueError(f"{self.name}: columns have one name each, and the order is made of them")
        if self.time_column is not None and kinds.get(self.time_column) is not Kind.TIMESTAMP:
            raise ValueError(f"{self.name}: {self.time_column} is no timestamp among the columns")
        if self.bound is not None and [kinds[name] for name in self.order] != [Kind.INTEGER]:
            raise ValueError(f"{self.name}: a bound is for an order of one integer")

    @property
    def personal(self) -> bool:
        return any(column.personal for column in self.columns)
