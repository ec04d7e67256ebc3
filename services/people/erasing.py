"""What the frame itself keeps of people: answers as they were given, and letters nobody could handle.

An answer keeps its place under its Idempotency-Key, and loses what it said of the person. A dead letter that names the
person is emptied: it can't be replayed any more, and its error, topic and position stay.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from services.chassis.database import Write, fetch

_ANSWERS = "SELECT message_id, body FROM replies WHERE about = $1"
_REWRITE = """
    UPDATE replies r SET body = n.body FROM unnest($1::uuid[], $2::bytea[]) AS n(message_id, body)
    WHERE r.message_id = n.message_id
"""
_LETTERS = "SELECT id, value FROM dead_letters WHERE id > $1 AND value <> ''::bytea ORDER BY id LIMIT 500"
_EMPTY = "UPDATE dead_letters SET key = NULL, value = ''::bytea, headers = '[]' WHERE id = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Traces:
    """What gives a person away in a command.

    `ids` are looked for as whole strings; `numbers` are national phone numbers, found in any spelling; `texts` are
    looked for only where a letter is no JSON, since many people have the same name.
    """

    ids: frozenset[str]
    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def are_in(self, value: bytes) -> bool:
        try:
            leaves = list(_strings(orjson.loads(value)))
        except orjson.JSONDecodeError:
            text = value.decode(errors="replace")
            return any(trace in text for trace in self.ids | self.texts) or self._has_number(text)
        return any(leaf in self.ids or self._has_number(leaf) for leaf in leaves)

    def _has_number(self, text: str) -> bool:
        digits = "".join(str(int(c)) for c in text if c.isdecimal())
        return any(number in digits for number in self.numbers)


async def rewrite_answers(tx: Write, about: UUID, rewrite: Callable[[Any], Any]) -> None:
    """Give every stored answer about somebody another body; `rewrite` gets and returns what the JSON says."""
    answers = await fetch(tx, _ANSWERS, about)
    if answers:
        ids, bodies = [row.message_id for row in answers], [row.body for row in answers]
        await tx.exec_driver_sql(_REWRITE, (ids, [orjson.dumps(rewrite(orjson.loads(body))) for body in bodies]))


async def empty_letters(tx: Write, named_in: Collection[Callable[[bytes], bool]]) -> None:
    """A page at a time: a letter may be as long as a request."""
    last, page = 0, await fetch(tx, _LETTERS, 0)
    while page:
        last = page[-1].id
        naming = [row.id for row in page if any(named(row.value) for named in named_in)]
        if naming:
            await tx.exec_driver_sql(_EMPTY, (naming,))
        page = await fetch(tx, _LETTERS, last)


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)
