"""Promise 7: whatever a superuser does to the log is found, and the first bad position named.

The log under attack has three batches of five: positions 0..14, checkpoints at 5, 10 and 15.
"""

import asyncio
import hashlib
import random
from dataclasses import dataclass
from typing import LiteralString

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit import scan
from services.audit.merkle import root_of
from services.audit.note import Signer
from services.audit.report import Finding, Kind
from tests.audit.ledger import Ledger, event, record, story

pytestmark = pytest.mark.asyncio

FLIP: LiteralString = "UPDATE events SET raw = set_byte(raw, 60, get_byte(raw, 60) # 1) WHERE position = 7"
REHASH: LiteralString = "UPDATE events SET leaf_hash = sha256('\\x00'::bytea || raw)"
COPY_LEAVES: LiteralString = """
    UPDATE checkpoints c SET leaf_hashes = (
        SELECT string_agg(leaf_hash, '' ORDER BY position) FROM events WHERE position BETWEEN c.size - 5 AND c.size - 1)
"""
DELETE_7: LiteralString = "DELETE FROM events WHERE position = 7"
MOVE_UP: LiteralString = "UPDATE events SET position = position - 1 WHERE position > 7"
DROP_TARGETS_OF_7: LiteralString = "DELETE FROM event_targets WHERE position = 7"
MOVE_TARGETS_UP: LiteralString = "UPDATE event_targets SET position = position - 1 WHERE position > 7"


def swap(one: LiteralString, other: LiteralString) -> tuple[LiteralString, ...]:
    """Exchange two whole entries, with what points to them."""
    return tuple(
        f"UPDATE {table} SET position = {new} WHERE position = {old}"
        for table in ("events", "event_targets")
        for old, new in ((one, "1000"), (other, one), ("1000", other))
    )


EXCHANGE_BYTES: LiteralString = """
    UPDATE events e SET raw = o.raw, leaf_hash = o.leaf_hash FROM events o
    WHERE (e.position, o.position) IN ((3, 12), (12, 3))
"""
ALLOW_REPEATS: LiteralString = "ALTER TABLE events DROP CONSTRAINT events_once"
COPY: LiteralString = """
    INSERT INTO events SELECT {position}, id, type, schema_version, aggregate_type, aggregate_id, aggregate_version,
        actor_type, actor_issuer, actor_subject, command_id, request_id, outcome, reason_code, occurred_at, recorded_at,
        kafka_partition, kafka_offset, raw, leaf_hash FROM events WHERE position = 2
"""


@dataclass(frozen=True)
class Attack:
    """What is done, and what must be said: the kind, the first position, the end of the range if it is one."""

    statements: tuple[LiteralString, ...]
    kind: Kind
    position: int
    until: int | None = None
    notes_kept_outside: bool = False


ATTACKS = {
    "one byte of an event changed": Attack((FLIP,), Kind.ALTERED, 7),
    "one byte of a leaf hash changed": Attack(
        ("UPDATE events SET leaf_hash = set_byte(leaf_hash, 0, get_byte(leaf_hash, 0) # 1) WHERE position = 7",),
        Kind.ALTERED,
        7,
    ),
    "a byte changed and its leaf hash made to fit": Attack((FLIP, REHASH), Kind.REWRITTEN, 7),
    "and the copy in the checkpoint too": Attack((FLIP, REHASH, COPY_LEAVES), Kind.REWRITTEN, 5, 9),
    "an event emptied": Attack(("UPDATE events SET raw = '' WHERE position = 7",), Kind.ALTERED, 7),
    "an event set to NULL": Attack(
        (
            "ALTER TABLE events DROP CONSTRAINT events_whole_or_purged",
            "UPDATE events SET raw = NULL WHERE position = 7",
        ),
        Kind.ALTERED,
        7,
    ),
    "a leaf hash set to NULL": Attack(
        ("ALTER TABLE events ALTER leaf_hash DROP NOT NULL", "UPDATE events SET leaf_hash = NULL WHERE position = 7"),
        Kind.ALTERED,
        7,
    ),
    "a row deleted": Attack((DELETE_7,), Kind.MISSING, 7),
    "the first row deleted": Attack(("DELETE FROM events WHERE position = 0",), Kind.MISSING, 0),
    "a row deleted and the rest moved up": Attack(
        (DELETE_7, DROP_TARGETS_OF_7, MOVE_UP, MOVE_TARGETS_UP), Kind.REWRITTEN, 7
    ),
    "two rows of different batches swapped": Attack(swap("3", "12"), Kind.REWRITTEN, 3),
    "two rows of one batch swapped": Attack(swap("6", "8"), Kind.REWRITTEN, 6),
    "the bytes of two rows swapped": Attack((EXCHANGE_BYTES,), Kind.REWRITTEN, 3),
    "a row inserted in the middle": Attack(
        (
            ALLOW_REPEATS,
            "UPDATE events SET position = position + 1000 WHERE position >= 7",
            COPY.format(position="7"),
            "UPDATE events SET position = position - 999 WHERE position >= 1000",
        ),
        Kind.REWRITTEN,
        7,
    ),
    "a row appended": Attack((ALLOW_REPEATS, COPY.format(position="15")), Kind.UNSIGNED, 15),
    "a row appended far behind": Attack((ALLOW_REPEATS, COPY.format(position="99")), Kind.MISSING, 15),
    "the tail cut": Attack(("DELETE FROM events WHERE position >= 12",), Kind.CUT, 12),
    "the last row cut": Attack(("DELETE FROM events WHERE position = 14",), Kind.CUT, 14),
    "the tail cut with its checkpoints": Attack(
        ("DELETE FROM events WHERE position >= 10", "DELETE FROM checkpoints WHERE size > 10"),
        Kind.CUT,
        10,
        notes_kept_outside=True,
    ),
    "the table emptied": Attack(("TRUNCATE events",), Kind.CUT, 0),
    "all tables emptied": Attack(("TRUNCATE events, event_targets, checkpoints",), Kind.CUT, 0, None, True),
    "a column changed": Attack(("UPDATE events SET outcome = 'REJECTED' WHERE position = 7",), Kind.COLUMN_DIFFERS, 7),
    "an actor exchanged": Attack(
        ("UPDATE events SET actor_subject = 'eve' WHERE position = 7",), Kind.COLUMN_DIFFERS, 7
    ),
    "a time shifted": Attack(
        ("UPDATE events SET occurred_at = occurred_at + interval '1 us' WHERE position = 7",), Kind.COLUMN_DIFFERS, 7
    ),
    "a recording antedated": Attack(
        ("UPDATE events SET recorded_at = recorded_at - interval '1 us' WHERE position = 7",), Kind.COLUMN_DIFFERS, 7
    ),
    "an id exchanged": Attack(("UPDATE events SET id = gen_random_uuid() WHERE position = 7",), Kind.COLUMN_DIFFERS, 7),
    "an event hidden from a timeline": Attack(
        ("DELETE FROM event_targets WHERE position = 7",), Kind.TARGET_DIFFERS, 7
    ),
    "an event put into another timeline": Attack(
        ("INSERT INTO event_targets VALUES ('partner', 'another', 7)",), Kind.TARGET_DIFFERS, 7
    ),
    "a checkpoint deleted": Attack(("DELETE FROM checkpoints WHERE size = 10",), Kind.CHECKPOINT_REFUSED, 5, 14),
    "the newest checkpoint deleted": Attack(("DELETE FROM checkpoints WHERE size = 15",), Kind.UNSIGNED, 10),
    "the newest checkpoint deleted, but kept outside": Attack(
        ("DELETE FROM checkpoints WHERE size = 15",), Kind.CHECKPOINT_REFUSED, 10, 14, True
    ),
    "a root exchanged": Attack(
        ("UPDATE checkpoints SET root = sha256('x') WHERE size = 10",), Kind.CHECKPOINT_REFUSED, 5, 9
    ),
    "a compact range exchanged": Attack(
        ("UPDATE checkpoints SET range_hashes[1] = sha256('x') WHERE size = 10",), Kind.CHECKPOINT_REFUSED, 5, 9
    ),
    "leaf hashes of a checkpoint exchanged": Attack(
        ("UPDATE checkpoints SET leaf_hashes = set_byte(leaf_hashes, 0, get_byte(leaf_hashes, 0) # 1)",),
        Kind.CHECKPOINT_REFUSED,
        0,
        4,
    ),
    "a note altered": Attack(
        ("UPDATE checkpoints SET note = replace(note, E'\\n10\\n', E'\\n11\\n') WHERE size = 10",),
        Kind.CHECKPOINT_REFUSED,
        5,
        9,
    ),
    "a note put in another's place": Attack(
        ("UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 5) WHERE size = 10",),
        Kind.CHECKPOINT_REFUSED,
        5,
        9,
    ),
}


async def three_batches(ledger: Ledger) -> list[str]:
    """The log, and its checkpoints as an outsider holds them."""
    await ledger.take(story(5), story(5), story(5))
    return ledger.notes


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_an_attack_is_found_and_located(ledger: Ledger, attack: Attack) -> None:  # A5, A7
    kept = await three_batches(ledger)
    ledger.tamper(*attack.statements)

    reports = [await ledger.verify(kept if attack.notes_kept_outside else (), page) for page in (1, 4, 1000)]

    for report in reports:
        assert report.finding
        assert (report.finding.kind, report.finding.position) == (attack.kind, attack.position), report.finding
        assert report.finding.until == attack.until
        assert report.proven <= attack.position


async def test_the_first_of_several_changes_is_the_one_named(ledger: Ledger) -> None:
    await three_batches(ledger)
    column: LiteralString = "UPDATE events SET outcome = 'FAILED' WHERE position = 9"
    ledger.tamper(FLIP, REHASH, column, "DELETE FROM events WHERE position = 12")

    report = await ledger.verify()

    assert report.finding
    assert (report.finding.kind, report.finding.position) == (Kind.REWRITTEN, 7)


async def test_a_history_rebuilt_without_the_key_is_found(ledger: Ledger) -> None:
    await three_batches(ledger)
    ledger.tamper("TRUNCATE events, event_targets, checkpoints")
    forger = Ledger(ledger.admin_dsn, ledger.engine, Signer(ledger.signer.name, Ed25519PrivateKey.generate()))

    await forger.take(story(5), story(5), story(5))

    finding = (await ledger.verify()).finding
    assert finding
    assert (finding.kind, finding.position) == (Kind.CHECKPOINT_REFUSED, 0)


async def test_a_history_rebuilt_with_the_key_is_found_by_what_was_published(ledger: Ledger) -> None:
    kept = await three_batches(ledger)
    ledger.tamper("TRUNCATE events, event_targets, checkpoints")

    await ledger.take(story(5), story(5), story(5))

    assert (await ledger.verify()).ok  # control: alone, the database looks sound
    finding = (await ledger.verify(kept)).finding
    assert finding
    assert (finding.kind, finding.position, finding.until) == (Kind.FORKED, 0, 4)


async def test_yesterdays_copy_that_was_written_on_is_found_by_what_was_published(ledger: Ledger) -> None:
    kept = await three_batches(ledger)
    ledger.tamper("DELETE FROM events WHERE position >= 10", "DELETE FROM event_targets WHERE position >= 10")
    ledger.tamper("DELETE FROM checkpoints WHERE size > 10")

    await ledger.take(story(7))

    assert (await ledger.verify()).ok  # control
    finding = (await ledger.verify(kept)).finding
    assert finding
    assert (finding.kind, finding.position, finding.until) == (Kind.REWRITTEN, 10, 14)


async def test_every_single_byte_that_is_flipped_is_found_where_it_is(ledger: Ledger) -> None:
    chance = random.Random(7)  # noqa: S311
    sizes = [chance.randint(1, 9) for _ in range(12)]
    await ledger.take(*(story(size) for size in sizes))
    flip = "UPDATE events SET raw = set_byte(raw, {at}, get_byte(raw, {at}) # {bits}) WHERE position = {position}"

    for _ in range(60):
        position = chance.randrange(sum(sizes))
        statement = flip.format(at=chance.randrange(500), bits=chance.randint(1, 255), position=position)
        ledger.tamper(statement)
        found = (await ledger.verify(page=7)).finding
        ledger.tamper(statement)

        assert found == Finding(Kind.ALTERED, position, "the bytes do not have the leaf hash stored with them")

    assert (await ledger.verify()).ok


async def test_control_a_verifier_without_checkpoints_misses_an_altered_event_with_a_fresh_hash(ledger: Ledger) -> None:
    await three_batches(ledger)
    ledger.tamper(FLIP, REHASH)

    rows = ledger.rows("SELECT position, raw, leaf_hash FROM events ORDER BY position")

    assert [row["position"] for row in rows] == list(range(15))
    assert all(hashlib.sha256(b"\0" + row["raw"]).digest() == row["leaf_hash"] for row in rows)
    assert not (await ledger.verify()).ok


async def test_an_untouched_log_is_never_accused_whatever_its_batches_and_pages(ledger: Ledger) -> None:
    chance = random.Random(11)  # noqa: S311
    kept: list[str] = []
    for _ in range(25):
        await ledger.take(*(story(chance.randint(1, 40)) for _ in range(chance.randint(1, 3))))
        kept = [*chance.sample(kept, len(kept) // 2), ledger.notes[-1]]

        report = await ledger.verify([*kept, "not a note", kept[0].replace("— ", "- ")], page=chance.randint(1, 90))

        assert report.finding is None, report
        assert report.proven == report.size == report.published == len(ledger.positions)
    leaves = [row["leaf_hash"] for row in ledger.rows("SELECT leaf_hash FROM events ORDER BY position")]
    assert report.root == root_of(leaves).hex()


async def test_a_log_that_grows_meanwhile_is_not_accused(ledger: Ledger) -> None:
    async def grow() -> None:
        for _ in range(40):
            await ledger.take(story(3))

    growing = asyncio.create_task(grow())
    while not growing.done():
        kept = ledger.notes[-3:]
        report = await ledger.verify(kept)
        assert report.finding is None, report
    await growing


async def test_an_empty_log_is_sound(ledger: Ledger) -> None:
    report = await ledger.verify()

    assert (report.ok, report.size, report.published) == (True, 0, None)


async def test_a_missing_version_of_an_aggregate_is_found_once_it_is_overdue(  # A17
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, third = story(3)
    await ledger.take(story(2), [first, third])

    on_its_way = await ledger.verify()
    monkeypatch.setattr(scan, "GRACE_SECONDS", 0)
    overdue = await ledger.verify()

    assert on_its_way.ok
    assert overdue.finding
    assert (overdue.finding.kind, overdue.finding.position) == (Kind.AGGREGATE_GAP, 3)
    assert "follows on version 1" in overdue.finding.detail


async def test_versions_that_come_out_of_order_are_complete_once_they_are_all_there(  # A17
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = story(3)
    monkeypatch.setattr(scan, "GRACE_SECONDS", 0)

    await ledger.take([three], [one], [two], [record(event())])

    assert (await ledger.verify()).ok
