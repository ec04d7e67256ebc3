"""What a superuser may do to a log: random changes of every kind that the issue names, alone and together.

An attack changes the tables within a transaction that is rolled back. It says whether it can be found from inside the
database; where it can't, since all that is left fits together, what was published outside must find it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.note import Signer
from tests.audit.copies import Copy, altered, forge, put_copy

REHASH = "UPDATE audit.events SET leaf_hash = sha256('\\x00'::bytea || raw) WHERE raw IS NOT NULL"
COPY_LEAVES = """
    UPDATE audit.checkpoints c SET leaf_hashes = (
        SELECT string_agg(leaf_hash, '' ORDER BY position) FROM audit.events
        WHERE position >= c.size - octet_length(c.leaf_hashes) / 32 AND position < c.size)
"""
FAR = 1_000_000
_TABLES = ("events", "event_targets")


@dataclass(frozen=True)
class Victim:
    """The log under attack: a connection in a transaction, what is there, chance, and the key of the log."""

    connection: Any
    copy: Copy
    chance: Random
    signer: Signer

    @property
    def length(self) -> int:
        return len(self.copy.raws)

    def anywhere(self) -> int:
        return self.chance.randrange(self.length)

    async def do(self, statement: str, *values: Any) -> None:
        await self.connection.execute(statement, *values)

    def batches(self, raws: list[bytes], sizes: list[int]) -> list[Any]:
        """The bytes, cut where the checkpoints are."""
        starts = [0, *sizes]
        return [(self.copy.moment(end), raws[start:end]) for start, end in zip(starts, sizes, strict=False)]


Attack = Callable[[Victim], Awaitable[bool]]
"""Does it, and tells whether it must be found without anything from outside."""


async def flip_a_byte(victim: Victim) -> bool:
    """Of an event, a hash, a note or a kept node; sometimes with the hashes made to fit."""
    table, column, where = victim.chance.choice(
        (
            ("events", "raw", "position"),
            ("events", "leaf_hash", "position"),
            ("checkpoints", "root", "size"),
            ("checkpoints", "leaf_hashes", "size"),
            ("tree_nodes", "hash", "index"),
        )
    )
    positions = victim.copy.whole if column == "raw" else list(range(victim.length))
    keys = {"position": positions, "size": victim.copy.sizes, "index": [0]}
    key, bit, at = victim.chance.choice(keys[where]), 1 << victim.chance.randrange(8), victim.chance.random()
    byte = f"floor($2::float8 * octet_length({column}))::int"
    changed = f"set_byte({column}, {byte}, get_byte({column}, {byte}) # {bit})"
    await victim.do(f"UPDATE audit.{table} SET {column} = {changed} WHERE {where} = $1", key, at)
    if column == "raw":
        for statement in (REHASH, COPY_LEAVES)[: victim.chance.randrange(3)]:
            await victim.do(statement)
    return True


async def change_a_text(victim: Victim) -> bool:
    """A column or a note that says something else."""
    column = victim.chance.choice(("actor_subject", "type", "outcome", "request_id", "aggregate_type", "note"))
    if column == "note":
        await victim.do(
            "UPDATE audit.checkpoints SET note = overlay(note PLACING '~' FROM $2) WHERE size = $1",
            victim.chance.choice(victim.copy.sizes),
            victim.chance.randint(1, 60),
        )
    else:
        statement = f"UPDATE audit.events SET {column} = coalesce({column}, '') || 'x' WHERE position = $1"
        await victim.do(statement, victim.anywhere())
    return True


async def shift_a_time(victim: Victim) -> bool:
    column, micro = victim.chance.choice(("occurred_at", "recorded_at")), victim.chance.choice((-1, 1))
    moved = f"coalesce({column}, recorded_at) + {micro} * interval '1 us'"
    statement = f"UPDATE audit.events SET {column} = {moved} WHERE position = $1"
    await victim.do(statement, victim.anywhere())
    return True


async def hide_from_a_timeline(victim: Victim) -> bool:
    position = victim.chance.choice(victim.copy.whole)
    await victim.do("DELETE FROM audit.event_targets WHERE position = $1", position)
    return True


async def delete_a_row(victim: Victim) -> bool:
    """Of the middle, with or without closing the gap; or a checkpoint, or a node."""
    choice, position = victim.chance.randrange(4), victim.chance.randrange(victim.length - 1)
    if choice == 0:
        size = victim.chance.choice(victim.copy.sizes[:-1])
        await victim.do("DELETE FROM audit.checkpoints WHERE size = $1", size)
    elif choice == 1:
        await victim.do("DELETE FROM audit.tree_nodes")
    else:
        for table in _TABLES:
            await victim.do(f"DELETE FROM audit.{table} WHERE position = $1", position)
            if choice == 2:
                await _move(victim, table, position, -1)
    return True


async def insert_an_event(victim: Victim) -> bool:
    """Well formed, anywhere, the rest moved up; the hashes made to fit where that is possible."""
    position = victim.chance.randint(0, victim.length)
    for table in _TABLES:
        await _move(victim, table, position - 1, 1)
    raw = altered(
        victim.copy.raws[victim.chance.choice(victim.copy.whole)],
        id=str(UUID(int=victim.chance.getrandbits(128), version=4)),
    )
    forged = forge(victim.signer, [(victim.copy.moment(victim.copy.sizes[-1]), [raw])])
    (row,) = forged.tables["events"].values()
    holders = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    texts = [UUID(value) if n in (1, 5, 10) else value for n, value in enumerate(row)]
    columns = "position, id, type, schema_version, aggregate_type, aggregate_id, aggregate_version, actor_type, "
    columns += "actor_issuer, actor_subject, command_id, request_id, outcome, reason_code, occurred_at, recorded_at, "
    columns += "kafka_partition, kafka_offset, raw, leaf_hash, purged_by, subjects"
    await victim.do(f"INSERT INTO audit.events ({columns}) VALUES ({holders})", position, *texts[1:])
    return True


async def swap_two(victim: Victim) -> bool:
    """Whole entries, with what points to them."""
    one, other = victim.chance.sample(range(victim.length), 2)
    for table in _TABLES:
        for old, new in ((one, FAR), (other, one), (FAR, other)):
            await victim.do(f"UPDATE audit.{table} SET position = $2 WHERE position = $1", old, new)
    return True


async def cut_the_tail(victim: Victim) -> bool:
    """The events alone, or all that says they were there."""
    start = victim.anywhere()
    for table in _TABLES:
        await victim.do(f"DELETE FROM audit.{table} WHERE position >= $1", start)
    if victim.chance.random() < 0.5:
        return True
    await victim.do("DELETE FROM audit.checkpoints WHERE size > $1", start)
    await victim.do("DELETE FROM audit.tree_nodes WHERE (index + 1) << level > $1", start)
    return False


async def empty_the_table(victim: Victim) -> bool:
    await victim.do("TRUNCATE audit.events")
    if victim.chance.random() < 0.5:
        return True
    await victim.do("TRUNCATE audit.event_targets, audit.checkpoints, audit.tree_nodes")
    return False


async def restore_yesterdays_copy(victim: Victim) -> bool:
    """All four tables as they once were: nothing in the database says that there was more."""
    sizes = victim.copy.sizes[: victim.chance.randrange(1, len(victim.copy.sizes))]
    await put_copy(victim.connection, forge(victim.signer, victim.batches(victim.copy.raws, sizes)))
    return False


async def fork_into_two_histories(victim: Victim) -> bool:
    """With the log's own key: from some event on another story, as long as the first or longer."""
    raws, position = victim.copy.raws, victim.anywhere()
    raws[position] = altered(raws[position], outcome="FAILED", reason_code="FORKED")
    await put_copy(victim.connection, forge(victim.signer, victim.batches(raws, victim.copy.sizes)))
    return False


async def rebuild_without_the_key(victim: Victim) -> bool:
    """Everything fits together, and is signed by somebody else in the log's name, or keeps the old notes."""
    raws, position = victim.copy.raws, victim.anywhere()
    raws[position] = altered(raws[position], outcome="FAILED", reason_code="REBUILT")
    stranger = Signer(victim.signer.name, Ed25519PrivateKey.generate())
    forged = forge(stranger, victim.batches(raws, victim.copy.sizes))
    if victim.chance.random() < 0.5:
        for size, row in list(forged.tables["checkpoints"].items()):
            forged.tables["checkpoints"][size] = (*row[:4], victim.copy.tables["checkpoints"][size][4], row[5])
    await put_copy(victim.connection, forged)
    return True


async def _move(victim: Victim, table: str, after: int, by: int) -> None:
    """Through a far place, since two rows can't stand at one position even for a moment."""
    for step, condition in ((FAR, "position > $1"), (by - FAR, f"position > {FAR} - 1")):
        argument = (after,) if "$1" in condition else ()
        await victim.do(f"UPDATE audit.{table} SET position = position + {step} WHERE {condition}", *argument)


ATTACKS: tuple[Attack, ...] = (
    flip_a_byte,
    change_a_text,
    shift_a_time,
    hide_from_a_timeline,
    delete_a_row,
    insert_an_event,
    swap_two,
    cut_the_tail,
    empty_the_table,
    restore_yesterdays_copy,
    fork_into_two_histories,
    rebuild_without_the_key,
)
