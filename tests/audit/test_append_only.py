"""A5: nobody changes the log through SQL, not the service, not the owner of its tables."""

from typing import LiteralString

import psycopg
import pytest

from tests.audit.ledger import Ledger, story

pytestmark = pytest.mark.asyncio

TABLES = ("events", "event_targets", "checkpoints", "tree_nodes")
CHANGES: dict[str, LiteralString] = {
    "UPDATE events": "UPDATE events SET outcome = 'FAILED'",
    "DELETE events": "DELETE FROM events WHERE position = 0",
    "TRUNCATE events": "TRUNCATE events",
    "UPDATE event_targets": "UPDATE event_targets SET id = 'somebody else'",
    "DELETE event_targets": "DELETE FROM event_targets",
    "TRUNCATE event_targets": "TRUNCATE event_targets",
    "UPDATE checkpoints": "UPDATE checkpoints SET size = size + 1",
    "DELETE checkpoints": "DELETE FROM checkpoints",
    "TRUNCATE checkpoints": "TRUNCATE checkpoints CASCADE",
    "UPDATE tree_nodes": "UPDATE tree_nodes SET hash = sha256('x')",
    "DELETE tree_nodes": "DELETE FROM tree_nodes",
    "TRUNCATE tree_nodes": "TRUNCATE tree_nodes",
    "UPDATE of no row": "UPDATE events SET outcome = 'FAILED' WHERE false",
    "upsert": "INSERT INTO checkpoints SELECT * FROM checkpoints ON CONFLICT (size) DO UPDATE SET size = 9",
}


@pytest.mark.parametrize("role", ["audit", "audit_owner", "postgres"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_is_refused(ledger: Ledger, change: LiteralString, role: str) -> None:
    await ledger.take(story(2))
    before = [ledger.rows("SELECT * FROM events"), ledger.rows("SELECT * FROM checkpoints")]

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.rows(change, role=role)

    assert before == [ledger.rows("SELECT * FROM events"), ledger.rows("SELECT * FROM checkpoints")]


async def test_the_service_may_insert_and_select_and_nothing_else(ledger: Ledger) -> None:
    privileges = ledger.rows(
        "SELECT table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type) AS may"
        " FROM information_schema.role_table_grants WHERE grantee = 'audit' AND table_name = ANY(%s)"
        " GROUP BY table_name",
        list(TABLES),
    )

    assert {row["table_name"]: row["may"] for row in privileges} == dict.fromkeys(TABLES, "INSERT SELECT")


@pytest.mark.parametrize(
    "attempt", ["ALTER TABLE events DISABLE TRIGGER ALL", "SET session_replication_role = replica", "DROP TABLE events"]
)
async def test_the_service_cannot_get_round_the_trigger(ledger: Ledger, attempt: LiteralString) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger.rows(attempt, role="audit")


async def test_control_without_the_trigger_the_owner_could_change_the_log(ledger: Ledger) -> None:
    await ledger.take(story(1))

    ledger.tamper("UPDATE events SET outcome = 'FAILED'")

    assert ledger.value("SELECT outcome FROM events") == "FAILED"
