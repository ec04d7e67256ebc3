"""What a superuser may do to a log that has stubs, beside what he may do to any other (`tests.audit.attacks`).

Where a purge event, or the checkpoint that proves it, is damaged, what rests on it is damaged as well.
"""

from uuid import UUID

import orjson

from services.audit.envelope import Envelope
from tests.audit.attacks import (
    COPY_LEAVES,
    Attack,
    Victim,
    change_a_text,
    cut_the_tail,
    delete_a_row,
    empty_the_table,
    flip_a_byte,
    hide_from_a_timeline,
    insert_an_event,
    shift_a_time,
    swap_two,
)
from tests.audit.copies import Copy, Damage

GONE = "actor_type, actor_issuer, actor_subject, command_id, request_id, outcome, reason_code, occurred_at, raw"


def stubs_of(copy: Copy) -> list[int]:
    return [position for position, raw in enumerate(copy.raws) if raw is None]


def purges_of(copy: Copy) -> list[int]:
    """Positions of the purge events."""
    return sorted({row[-2] for row in copy.tables["events"].values()} - {None})


def with_what_rests_on_it(copy: Copy, other: Copy, damage: Damage) -> Damage:
    """A purge event is proven by its checkpoint, from the one before on; its row may have moved."""
    rows = {row[1:] for row in other.tables["events"].values()}
    for purge in purges_of(copy):
        own = copy.extent(min(size for size in copy.sizes if size > purge))
        keys = [(own.end + 1,), *([(own.start,)] if own.start else [])]
        proven = all(copy.tables["checkpoints"][key] == other.tables["checkpoints"].get(key) for key in keys)
        if not proven or copy.tables["events"][(purge,)][1:] not in rows:
            first = min(key[0] for key, row in copy.tables["events"].items() if row[-2] == purge)
            damage = Damage(min(first, damage.start), damage.end)
    return damage


async def _empty(victim: Victim, position: int, by: int) -> None:
    cleared = ", ".join(f"{name} = NULL" for name in GONE.split(", "))
    await victim.do(
        f"UPDATE audit.events SET {cleared}, purged_by = $2, subjects = '' WHERE position = $1", position, by
    )
    await victim.do("DELETE FROM audit.event_targets WHERE position = $1", position)


async def empty_an_event(victim: Victim) -> bool:
    """Into what looks like a stub, in the name of a purge event or of anything else."""
    position = victim.chance.choice(victim.copy.whole)
    by = victim.chance.choice((*purges_of(victim.copy), victim.anywhere()))
    await _empty(victim, position, by)
    return True


async def bend_a_stub(victim: Victim) -> bool:
    """What is left of it: its marks, who named it, or a column."""
    stub = victim.chance.choice(stubs_of(victim.copy))
    bent = victim.chance.choice(
        (
            "subjects = subjects || 'x'",
            "purged_by = purged_by - 1",
            "purged_by = NULL, subjects = NULL",
            "aggregate_version = aggregate_version + 1000",
            "aggregate_id = gen_random_uuid()",
            "id = gen_random_uuid()",
            "type = 'audit.purged'",
            "schema_version = schema_version + 1",
        )
    )
    await victim.do(f"UPDATE audit.events SET {bent} WHERE position = $1", stub)
    return True


async def give_a_stub_bytes(victim: Victim) -> bool:
    """Of another event, with or without a leaf hash that fits."""
    stub = victim.chance.choice(stubs_of(victim.copy))
    other = victim.chance.choice(victim.copy.whole)
    fitting = ", leaf_hash" if victim.chance.random() < 0.5 else ""
    await victim.do(
        f"UPDATE audit.events SET ({GONE}, purged_by, subjects{fitting}) = (SELECT {GONE}, NULL::bigint, NULL::bytea"
        f"{fitting} FROM audit.events WHERE position = $2) WHERE position = $1",
        stub,
        other,
    )
    return True


async def forge_a_purge(victim: Victim) -> bool:
    """A whole purge event in the place of another event, with hashes that fit, and a stub that it names."""
    emptied, place = sorted(victim.chance.sample(victim.copy.whole, 2))
    document = orjson.loads(victim.copy.raws[purges_of(victim.copy)[0]])
    event = Envelope.model_validate_json(victim.copy.raws[emptied])
    part = {
        "ranges": [[emptied, emptied]],
        "count": 1,
        "types": [event.type],
        "recorded_before": "9000-01-01T00:00:00Z",
    }
    document["data"]["parts"] = [document["data"]["parts"][0] | part]
    document["occurred_at"], document["id"] = "9998-01-01T00:00:00Z", str(UUID(int=victim.chance.getrandbits(128)))
    await victim.do(
        "UPDATE audit.events SET raw = $2, leaf_hash = sha256('\\x00'::bytea || $2::bytea), type = 'audit.purged'"
        " WHERE position = $1",
        place,
        orjson.dumps(document),
    )
    if victim.chance.random() < 0.5:
        await victim.do(COPY_LEAVES)
    await _empty(victim, emptied, place)
    return True


ATTACKS: tuple[Attack, ...] = (
    empty_an_event,
    bend_a_stub,
    give_a_stub_bytes,
    forge_a_purge,
    flip_a_byte,
    change_a_text,
    shift_a_time,
    hide_from_a_timeline,
    delete_a_row,
    insert_an_event,
    swap_two,
    cut_the_tail,
    empty_the_table,
)
