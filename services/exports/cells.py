"""The one text of each value. A row is its cells in the order of the columns; None is NULL.

INTEGER, DECIMAL, BOOLEAN and UUID are as PostgreSQL writes them; a TIMESTAMP is RFC 3339 in UTC with microseconds;
BYTES are base64 in one line; JSON and TEXTS are RFC 8785 but for numbers, which keep their digits.
"""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from services.exports.dataset import Kind

Row: TypeAlias = tuple[str | None, ...]
DOCUMENTS = (Kind.JSON, Kind.TEXTS)
NUMBERS = (Kind.INTEGER, Kind.DECIMAL)


class Number(str):
    """A JSON number by its digits: a double would not hold them all."""

    __slots__ = ()


quoted: Callable[[str], str] = json.JSONEncoder(ensure_ascii=False).encode
"""A text as JSON writes it."""


def parsed(text: str) -> Any:
    """A JSON document with `Number`s in it; raises ValueError."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)


def canonical(document: Any) -> str:
    """The one text of what `parsed` gives."""
    match document:
        case Number():
            return str(document)
        case str():
            return quoted(document)
        case dict():
            members = sorted(document.items(), key=lambda member: member[0].encode("utf-16-be"))
            return "{" + ",".join(f"{quoted(name)}:{canonical(value)}" for name, value in members) + "}"
        case list():
            return "[" + ",".join(map(canonical, document)) + "]"
        case _:
            return json.dumps(document)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
