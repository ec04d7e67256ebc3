"""A stub is accepted because the log says so, and for no other reason: each way to empty an event is found and located.

The log has three batches: positions 0..4, old readings; 5..9, young ones; 10, the `audit.purged` that names 1, 2 and 4.
Position 0 is a partner's event whose time is not over, 3 one under a hold that is placed at 5 and released at 6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import asyncpg
import orjson
import pytest

from contracts.retention import DEFAULT_DAYS, RetentionClass
from services.audit.report import Kind, Report
from services.audit.scan import scan_within
from services.audit.verify import Verification
from tests.audit.ledger import Ledger, record
from tests.audit.retention.purging import PARTNER, Purging, hold, reading, release, told
from tests.audit.retention.test_rights import STUB, replace

pytestmark = pytest.mark.asyncio

NO_CHECK: LiteralString = "ALTER TABLE events DROP CONSTRAINT events_whole_or_purged"
FORGET_TARGETS: LiteralString = "DELETE FROM event_targets WHERE position = {}"
REFIT: LiteralString = """
    UPDATE events SET leaf_hash = sha256('\\x00'::bytea || raw) WHERE raw IS NOT NULL
"""
GIVE_BYTES: LiteralString = """
    UPDATE events s SET (raw, occurred_at, actor_type, actor_issuer, actor_subject, command_id, request_id, outcome)
        = (SELECT raw, occurred_at, actor_type, actor_issuer, actor_subject, command_id, request_id, outcome
           FROM events WHERE position = 7), purged_by = NULL, subjects = NULL WHERE position = 2
"""


@dataclass(frozen=True)
class Attack:
    """What a superuser does after the purge, and what must be said."""

    statements: tuple[LiteralString, ...]
    kind: Kind
    position: int
    until: int | None = None


def emptied(position: LiteralString, by: LiteralString) -> tuple[LiteralString, ...]:
    return STUB.format(by=by, which=f"position = {position}"), FORGET_TARGETS.format(position)


ATTACKS = {
    "an event emptied without a word": Attack(
        (NO_CHECK, "UPDATE events SET raw = NULL WHERE position = 7"), Kind.ALTERED, 7
    ),
    "emptied in the name of what is no purge": Attack(emptied("7", "9"), Kind.ALTERED, 7),
    "emptied in the name of a position that is not there": Attack(emptied("7", "999"), Kind.ALTERED, 7),
    "a younger one emptied in the purge's name": Attack(emptied("7", "10"), Kind.ALTERED, 7),
    "one between those that were named": Attack(emptied("3", "10"), Kind.ALTERED, 3),
    "the purge event itself": Attack(emptied("10", "10"), Kind.ALTERED, 1),
    "a stub's leaf hash changed": Attack(
        ("UPDATE events SET leaf_hash = sha256('x') WHERE position = 2",), Kind.REWRITTEN, 2
    ),
    "a stub's type changed": Attack(("UPDATE events SET type = 'session.opened' WHERE position = 2",), Kind.ALTERED, 2),
    "a stub's aggregate changed": Attack(
        ("UPDATE events SET aggregate_id = gen_random_uuid() WHERE position = 2",), Kind.STUBS_DIFFER, 1, 4
    ),
    "a stub's id changed": Attack(
        ("UPDATE events SET id = gen_random_uuid() WHERE position = 4",), Kind.STUBS_DIFFER, 1, 4
    ),
    "a stub's mark taken away": Attack(
        ("UPDATE events SET subjects = sha256('x') WHERE position = 1",), Kind.STUBS_DIFFER, 1, 4
    ),
    "a stub's time shifted": Attack(
        ("UPDATE events SET recorded_at = recorded_at - interval '1 us' WHERE position = 1",), Kind.COLUMN_DIFFERS, 1
    ),
    "a stub given an actor": Attack(
        (NO_CHECK, "UPDATE events SET actor_subject = 'eve' WHERE position = 2"), Kind.COLUMN_DIFFERS, 2
    ),
    "a stub put into a timeline": Attack(
        ("INSERT INTO event_targets VALUES ('partner', 'another', 2)",), Kind.TARGET_DIFFERS, 2
    ),
    "a stub deleted": Attack(("DELETE FROM events WHERE position = 2",), Kind.MISSING, 2),
    "a stub given other bytes": Attack((GIVE_BYTES,), Kind.ALTERED, 2),
    "a stub given other bytes, and a leaf hash that fits": Attack((GIVE_BYTES, REFIT), Kind.REWRITTEN, 2),
    "bytes beside a purge": Attack(
        (NO_CHECK, "UPDATE events SET purged_by = 10, subjects = '' WHERE position = 8"), Kind.COLUMN_DIFFERS, 8
    ),
    "the purge event's bytes changed": Attack(
        ("UPDATE events SET raw = set_byte(raw, 60, get_byte(raw, 60) # 1) WHERE position = 10",), Kind.ALTERED, 1
    ),
    "the purge event deleted": Attack(("DELETE FROM events WHERE position = 10",), Kind.ALTERED, 1),
    "the purge event's checkpoint altered": Attack(
        ("UPDATE checkpoints SET note = replace(note, E'\\n11\\n', E'\\n12\\n') WHERE size = 11",), Kind.ALTERED, 1
    ),
}


async def purged_log(purging: Purging) -> Purging:
    ledger = purging.ledger
    about = [("partner", PARTNER)]
    await ledger.take([told("partner.approved", *about), reading(), reading(), told("audit.read", *about), reading()])
    purging.grow_older(400)
    await ledger.take([hold("partner", PARTNER), reading(), reading(), reading(), reading()])
    assert await purging.retention().say()
    await purging.deliver()
    await purging.retention().remove()
    assert purging.stubs == [1, 2, 4]
    assert len(ledger.positions) == 11
    return purging


async def suffer(ledger: Ledger, connection: Any, statements: Sequence[LiteralString], page: int) -> Report:
    """What is said of the log after this; then it is as before."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SET LOCAL session_replication_role = replica; SET LOCAL search_path = audit")
        for statement in statements:
            await connection.execute(statement)
        return await scan_within(connection, Verification(ledger.signer.verifier), page)
    finally:
        await transaction.rollback()


async def test_an_attack_on_a_log_with_stubs_is_found_and_located(purging: Purging) -> None:
    ledger = (await purged_log(purging)).ledger
    connection = await asyncpg.connect(ledger.admin_dsn)

    for how, attack in ATTACKS.items():
        for page in (1, 4, 1000):
            report = await suffer(ledger, connection, attack.statements, page)
            found = report.finding
            assert found, how
            assert (found.kind, found.position, found.until) == (attack.kind, attack.position, attack.until), how
            assert report.proven <= attack.position, how

    assert (await suffer(ledger, connection, (), 4)).ok  # control
    await connection.close()


async def test_several_processes_judge_stubs_as_one_does(purging: Purging) -> None:
    ledger = (await purged_log(purging)).ledger
    sound = await ledger.verify_in_ranges()
    ledger.tamper(*ATTACKS["a stub's id changed"].statements)

    assert sound.ok
    assert (await ledger.verify_in_ranges()).finding == (await ledger.verify()).finding

    ledger.tamper("UPDATE events SET leaf_hash = sha256('x') WHERE position = 2")
    found = (await ledger.verify_in_ranges()).finding
    assert found
    assert (found.kind, found.position) == (Kind.REWRITTEN, 2)


async def test_a_purge_event_forged_into_the_middle_is_no_excuse(purging: Purging) -> None:
    """Everything the attacker can make fit fits: the event's bytes and hash, and the stub it names."""
    ledger = (await purged_log(purging)).ledger
    document = orjson.loads(ledger.value("SELECT raw FROM events WHERE position = 10"))
    part = {"ranges": [[0, 0]], "count": 1, "types": ["partner.approved"], "stubs": "00" * 32}
    document["data"]["parts"] = [document["data"]["parts"][0] | part]
    document["id"] = str(uuid4())
    replace(ledger, 8, orjson.dumps(document))
    ledger.tamper("UPDATE events SET type = 'audit.purged' WHERE position = 8", *emptied("0", "8"))

    finding = (await ledger.verify()).finding

    assert finding
    assert (finding.kind, finding.position) == (Kind.ALTERED, 0)


async def test_a_signed_purge_event_is_no_excuse_for_what_was_held_or_young(purging: Purging) -> None:
    """The service itself, gone mad: its intents are signed, and still the verifier does not follow them."""
    ledger = purging.ledger
    await ledger.take([told("audit.read", ("partner", PARTNER)), reading()])
    purging.grow_older(400)
    assert await purging.retention().say()
    (raw,) = (row["value"] for row in ledger.rows("SELECT value FROM outbox"))
    young = orjson.loads(raw)
    young["data"]["parts"][0] |= {"days": 500}
    await ledger.take([hold("partner", PARTNER)], [record(raw, topic="audit.purged")])
    await ledger.take([record(young | {"id": str(uuid4()), "aggregate_id": str(uuid4())}, topic="audit.purged")])
    marks: LiteralString = "substr(sha256(leaf_hash || convert_to('partner:' || '{}', 'UTF8')), 1, 16)"
    mark = marks.format(PARTNER)
    stub: LiteralString = STUB.format(by="{}", which="position < 2").replace(
        "subjects = ''", f"subjects = CASE position WHEN 0 THEN {mark} ELSE '' END"
    )
    ledger.tamper(stub.format(3), "DELETE FROM event_targets WHERE position < 2")

    held = (await ledger.verify()).finding
    ledger.tamper("UPDATE events SET purged_by = 4 WHERE position < 2")
    too_young = (await ledger.verify()).finding

    assert held
    assert (held.position, held.detail) == (0, "emptied while under a legal hold")
    assert too_young
    assert (too_young.position, too_young.detail) == (0, "emptied, and no audit.purged at 4 names it")


async def test_control_without_the_hold_the_same_stubs_are_fine(purging: Purging) -> None:
    ledger = purging.ledger
    await ledger.take([told("audit.read", ("partner", PARTNER)), reading()])
    purging.grow_older(400)
    await purging.purge(DEFAULT_DAYS | {RetentionClass.READING: 366})
    await ledger.take([hold("partner", PARTNER), release("partner", PARTNER)])

    assert purging.stubs == [0, 1]
    assert (await ledger.verify()).ok
