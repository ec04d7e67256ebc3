"""After a change of the master key: the keys of people are wrapped under the new one, while everything runs.

Invariant: a row is changed only where it still holds what was read, so an erasure in between stays an erasure, and two
who do this at once do no harm.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.database import Read, Write, fetch
from services.wire.personal import MasterKey, UnopenableError

PAGE = 1_000
_PAGE = "SELECT person_id, wrapped FROM person_keys WHERE person_id > $1 ORDER BY person_id LIMIT $2"
_REWRAP = """
    UPDATE person_keys k SET wrapped = becomes.wrapped
    FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS becomes (person_id, was, wrapped)
    WHERE k.person_id = becomes.person_id AND k.wrapped = becomes.was
"""

Key = tuple[UUID, bytes]
"""A person and their wrapped key."""


class Rewrapped(NamedTuple):
    """How many keys there are, how many were wrapped anew, and whose no known master key opens."""

    keys: int = 0
    anew: int = 0
    lost: tuple[UUID, ...] = ()


async def rewrap_keys(engine: AsyncEngine, master: MasterKey, page: int = PAGE) -> Rewrapped:
    """Every key under the current master key, a page at a time; done again, it finds nothing to do."""
    done, after = Rewrapped(), UUID(int=0)
    while True:
        async with engine.begin() as connection:
            rows: list[Key] = await fetch(Read(connection), _PAGE, after, page)
            if not rows:
                return done
            becomes, lost = _becomes(rows, master)
            changed = await Write(connection).exec_driver_sql(_REWRAP, becomes)
        done = Rewrapped(done.keys + len(rows), done.anew + changed.rowcount, done.lost + lost)
        after = rows[-1][0]


def _becomes(
    rows: Sequence[Key], master: MasterKey
) -> tuple[tuple[list[UUID], list[bytes], list[bytes]], tuple[UUID, ...]]:
    """People, their keys as they are and as they become; and those whose key does not open."""
    people, was, becomes, lost = list[UUID](), list[bytes](), list[bytes](), list[UUID]()
    for who, wrapped in rows:
        try:
            again = master.rewrapped(who, wrapped)
        except UnopenableError:
            lost.append(who)
            continue
        if again:
            people.append(who)
            was.append(wrapped)
            becomes.append(again)
    return (people, was, becomes), tuple(lost)
