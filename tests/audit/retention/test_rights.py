"""A10: who may purge. Three logins and a superuser try; what is removed is what the log says, or nothing."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, LiteralString

import orjson
import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from services.audit.merkle import leaf_hash
from tests.audit.ledger import Ledger
from tests.audit.retention.purging import PARTNER, Purging, reading, told

pytestmark = pytest.mark.asyncio

PURGE: LiteralString = "SELECT purge_events()"
STUB: LiteralString = """
    UPDATE events SET purged_by = {by}, subjects = '', raw = NULL, occurred_at = NULL, actor_type = NULL,
        actor_issuer = NULL, actor_subject = NULL, command_id = NULL, request_id = NULL, outcome = NULL,
        reason_code = NULL WHERE {which}
"""


async def named(purging: Purging) -> int:
    """Positions 0 to 2 are named by the event at 5, but not removed; 3 and 4 are too young. Returns the 5."""
    await purging.ledger.take([reading(), reading(), reading()])
    purging.grow_older(400)
    await purging.ledger.take([reading(), told("partner.approved", ("partner", PARTNER))])
    assert await purging.retention().say()
    await purging.deliver()
    return len(purging.ledger.positions) - 1


async def test_the_service_cannot_purge(purging: Purging) -> None:
    await named(purging)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        purging.ledger.rows(PURGE, role="audit")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        purging.ledger.rows(STUB.format(by="5", which="position < 3"), role="audit")

    assert purging.stubs == []


FORBIDDEN = (
    "SELECT position FROM events",
    "SELECT * FROM event_targets",
    "SELECT * FROM checkpoints",
    "SELECT * FROM purges_settled",
    "SELECT value FROM outbox",
    "SELECT * FROM purge_parts(5)",
    "SELECT * FROM held_positions(5, 0, 5)",
    "UPDATE events SET raw = NULL",
    "DELETE FROM event_targets",
    "INSERT INTO purges_settled VALUES (5)",
    "INSERT INTO outbox (topic) VALUES ('audit.purged')",
    "SET ROLE audit_owner",
    "CREATE TABLE mine (position bigint)",
)


async def test_the_retention_role_can_do_nothing_but_purge(purging: Purging) -> None:
    await named(purging)

    for attempt in FORBIDDEN:
        with pytest.raises(DBAPIError) as refused:
            async with purging.remover.begin() as connection:
                await connection.exec_driver_sql(attempt)
        assert getattr(refused.value.orig, "sqlstate", None) == "42501", attempt

    assert await purging.remove() == 3


async def test_one_function_is_all_that_the_retention_role_was_granted(purging: Purging) -> None:
    callable_: LiteralString = """
        SELECT proname FROM pg_proc WHERE pronamespace = 'audit'::regnamespace AND prorettype <> 'trigger'::regtype
            AND has_function_privilege(%s, oid, 'EXECUTE')
    """
    tables: LiteralString = """
        SELECT relname FROM pg_class WHERE relnamespace = 'audit'::regnamespace AND relkind IN ('r', 'v')
            AND has_table_privilege('audit_retention', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
    """

    assert [row["proname"] for row in purging.ledger.rows(callable_, "audit_retention")] == ["purge_events"]
    assert [row["proname"] for row in purging.ledger.rows(callable_, "audit")] == ["held_positions"]
    assert purging.ledger.rows(tables) == []


async def test_only_what_is_named_is_removed(purging: Purging) -> None:
    await named(purging)

    assert await purging.remove() == 3

    assert purging.stubs == [0, 1, 2]
    assert purging.ledger.rows("SELECT position FROM event_targets WHERE position < 3") == []
    assert purging.ledger.value("SELECT count(*) FROM event_targets WHERE position >= 3") == 3


Change = Callable[[dict[str, Any]], object]
FALSE: dict[str, Change] = {
    "younger than it says": lambda part: part.update(recorded_before="2001-01-01T00:00:00Z"),
    "before its period is over": lambda part: part.update(days=100_000),
    "of other types": lambda part: part.update(types=["partner.approved"]),
    "more than it committed to": lambda part: part.update(ranges=[[0, 4]], count=5),
    "less than it committed to": lambda part: part.update(ranges=[[0, 1]], count=2),
    "with another commitment": lambda part: part.update(stubs="00" * 32),
}


async def test_a_purge_event_that_does_not_fit_removes_nothing(purging: Purging) -> None:
    """A superuser has put it there, hash and all, so that nothing but the function stands in its way."""
    purge = await named(purging)
    raw = purging.ledger.value("SELECT raw FROM events WHERE position = %s", purge)

    for how, change in FALSE.items():
        document = orjson.loads(raw)
        change(document["data"]["parts"][0])
        replace(purging.ledger, purge, orjson.dumps(document))
        with suppress(DBAPIError):
            assert await purging.remove() == 0, how
        assert purging.stubs == [], how
        purging.ledger.tamper("DELETE FROM purges_settled")

    replace(purging.ledger, purge, raw)
    assert await purging.remove() == 3


SPOILT: dict[str, tuple[LiteralString, LiteralString]] = {
    "its bytes are not its leaf's": (
        "UPDATE events SET raw = raw || ' ' WHERE position = 5",
        "UPDATE events SET raw = substr(raw, 1, length(raw) - 1) WHERE position = 5",
    ),
    "it is no purge event": (
        "UPDATE events SET type = 'audit.read' WHERE position = 5",
        "UPDATE events SET type = 'audit.purged' WHERE position = 5",
    ),
    "no checkpoint covers it": (
        "UPDATE checkpoints SET size = 5 WHERE size = 6; DELETE FROM checkpoints WHERE size > 5",
        "UPDATE checkpoints SET size = 6 WHERE size = 5",
    ),
}


async def test_a_purge_event_that_is_not_in_the_signed_log_removes_nothing(purging: Purging) -> None:
    await named(purging)
    purging.ledger.tamper("DELETE FROM checkpoints WHERE size < 6")

    for how, (spoil, mend) in SPOILT.items():
        purging.ledger.tamper(spoil)
        assert await purging.remove() == 0, how
        assert purging.stubs == [], how
        purging.ledger.tamper(mend, "DELETE FROM purges_settled")

    assert await purging.remove() == 3


async def test_bytes_that_are_not_the_leafs_are_left_for_the_verifier(purging: Purging) -> None:
    await named(purging)
    purging.ledger.tamper("UPDATE events SET raw = raw || ' ' WHERE position = 1")

    with pytest.raises(DBAPIError, match="append-only"):
        await purging.remove()

    assert purging.stubs == []


OWNERS: dict[str, LiteralString] = {
    "events that nobody named": STUB.format(by="5", which="position IN (3, 4)"),
    "one more than was named": STUB.format(by="5", which="position < 4"),
    "a part of what was named": STUB.format(by="5", which="position < 2"),
    "in the name of another event": STUB.format(by="4", which="position < 3"),
    "and its leaf hash": STUB.format(by="5, leaf_hash = sha256('x')", which="position < 3"),
    "and its type": STUB.format(by="5, type = 'audit.purged'", which="position < 3"),
    "with marks of somebody else": STUB.format(by="5", which="position < 3").replace("''", "sha256('x')"),
    "to another place": STUB.format(by="5, position = position + 100", which="position < 3"),
    "half": "UPDATE events SET purged_by = 5, subjects = '', raw = NULL WHERE position < 3",
    "targets alone": "DELETE FROM event_targets WHERE position < 3",
}


async def test_the_owner_cannot_purge_anything_else(purging: Purging) -> None:
    await named(purging)

    for role in ("audit_owner", "postgres"):
        for how, statement in OWNERS.items():
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)):
                purging.ledger.rows(statement, role=role)
            assert purging.stubs == [], how

    assert await purging.remove() == 3


async def test_control_the_same_statement_passes_for_what_was_named(purging: Purging) -> None:
    await named(purging)

    purging.ledger.rows(STUB.format(by="5", which="position < 3"), role="audit_owner")

    assert purging.stubs == [0, 1, 2]


CHANGES: tuple[LiteralString, ...] = (
    "UPDATE events SET raw = '{}', purged_by = NULL WHERE position = 0",
    "UPDATE events SET subjects = sha256('x') WHERE position = 0",
    "UPDATE events SET purged_by = 4 WHERE position = 0",
    "DELETE FROM events WHERE position = 0",
    "DELETE FROM purges_settled",
)


async def test_a_stub_cannot_be_changed(purging: Purging) -> None:
    await named(purging)
    await purging.remove()

    for change in CHANGES:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)):
            purging.ledger.rows(change, role="audit_owner")


def replace(ledger: Ledger, position: int, raw: bytes) -> None:
    with psycopg.connect(ledger.admin_dsn) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "UPDATE audit.events SET raw = %s, leaf_hash = %s WHERE position = %s", [raw, leaf_hash(raw), position]
        )
