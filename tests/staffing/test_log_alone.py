"""Everything of a tenant can be rebuilt from its events alone, names of people excepted.

Both ways: no row of the tables is missing from what the events say, and nothing that they say is missing from the
tables. A log that lost one event, and a table that was changed past the service, are found out.
"""

import random
from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

import orjson
import psycopg
import pytest

from contracts.access import DefineRole, RemoveRole
from contracts.message import Actor
from contracts.staff_changes import (
    AddBranches,
    ChangeKind,
    ChangeRole,
    LeaveTenant,
    RemoveBranch,
    ReplaceBranches,
    RevokeStaff,
)
from contracts.staffing import ActivateBranch, ActivateTenant, CreateBranch, FreezeBranch, FreezeTenant, TenantCommand
from tests.staffing.office import Office, Shop, new_phone, provision, staff
from tests.staffing.rebuilt import Rebuilt, Rows

TABLES: dict[LiteralString, LiteralString] = {
    "tenants": "id, name, region, status, created_at, updated_at, version",
    "tenant_roles": "*",
    "branches": "*",
    "memberships": "*",
    "staff_profiles": "tenant_id, account_id, status, active_since, revoked_at",
    "staff_profile_periods": "*",
    "branch_assignments": "*",
}
"""By table, what the log can tell of it."""

TOLD = {
    "tenant.created",
    "tenant.frozen",
    "tenant.activated",
    "role.defined",
    "role.removed",
    "branch.created",
    "branch.frozen",
    "branch.activated",
    "membership.granted",
    "staff.provisioned",
    "membership.role_changed",
    "membership.kind_changed",
    "membership.revoked",
    "branch_access.granted",
    "branch_access.removed",
}
"""A busy shop tells all of these; otherwise the comparison would prove little."""


class Busy:
    """A shop in which much happens, in batches, by whoever owns it at the time."""

    def __init__(self, office: Office, shop: Shop, seed: int) -> None:
        self._office, self._shop, self._draw = office, shop, random.Random(seed)  # noqa: S311 - no secret

    async def work(self, batches: int) -> None:
        await self._do(*self._about_the_shop(), *self._about_the_shop())
        for _ in range(batches):
            people = self._people()
            owners = [person for person in people if person["kind"] == "OWNER" and person["status"] == "ACTIVE"]
            by = staff(self._draw.choice(owners)["account_id"])
            calls = [(command, by) for command in self._about_the_shop()]
            calls += [self._about(person, by) for person in people]
            await self._do(*calls, (self._hiring(new_phone()), by))

    async def _do(self, *calls: Any) -> None:
        plain = [call if isinstance(call, tuple) else (call, self._shop.owner) for call in calls]
        await self._office.tell_all(*plain)

    def _people(self) -> list[dict[str, Any]]:
        statement: LiteralString = """
            SELECT m.account_id, m.version, m.kind, m.status, a.phone
            FROM memberships m JOIN accounts a ON a.id = m.account_id
            WHERE tenant_id = %s ORDER BY m.id
        """
        people = self._office.tables.rows(statement, self._shop.tenant_id)
        return self._draw.sample(people, min(len(people), 5)) + [p for p in people if p["kind"] == "OWNER"]

    def _branches(self) -> list[UUID]:
        return self._draw.sample(self._shop.branches, self._draw.randint(0, 2))

    def _hiring(self, phone: str) -> TenantCommand:
        role_key = self._draw.choice(("ADMIN", "MANAGER", "CASHIER", "BARISTA"))
        return provision(self._shop, phone=phone, role_key=role_key, branch_ids=self._branches() or self._shop.branches)

    def _about(self, person: dict[str, Any], by: Actor) -> tuple[TenantCommand, Actor]:
        seen = {
            "tenant_id": self._shop.tenant_id,
            "account_id": person["account_id"],
            "expected_version": person["version"],
        }
        role_key = self._draw.choice(("MANAGER", "CASHIER", "BARISTA", "COOK"))
        kind = self._draw.choice(("OWNER", "MEMBER"))
        leave = LeaveTenant(tenant_id=self._shop.tenant_id), staff(person["account_id"])
        choices: list[tuple[TenantCommand, Actor]] = [
            (ChangeRole.model_validate({**seen, "role_key": role_key}), by),
            (ChangeKind.model_validate({**seen, "kind": kind}), by),
            (AddBranches.model_validate({**seen, "branch_ids": self._branches(), "reason": "a shift"}), by),
            (ReplaceBranches.model_validate({**seen, "branch_ids": self._branches()}), by),
            (RemoveBranch.model_validate({**seen, "branch_id": self._draw.choice(self._shop.branches)}), by),
            (RevokeStaff.model_validate({**seen, "reason": "closed"}), by),
            (self._hiring(person["phone"]), by),
            leave,
        ]
        return self._draw.choice(choices)

    def _about_the_shop(self) -> list[TenantCommand]:
        """Freezes are undone in the same batch, so that most of it goes on."""
        named: dict[str, Any] = {"tenant_id": self._shop.tenant_id}
        branch = named | {"branch_id": self._draw.choice(self._shop.branches)}
        role = named | {"role_key": self._draw.choice(("BARISTA", "COOK"))}
        role_more = {"level": self._draw.randint(1, 99), "permissions": self._draw.sample(("sale.open", "z.a"), 1)}
        choices: list[list[TenantCommand]] = [
            [FreezeTenant(**named), ActivateTenant(**named)],
            [FreezeBranch(**branch), ActivateBranch(**branch)],
            [DefineRole.model_validate({**role, **role_more})],
            [RemoveRole(**role), DefineRole.model_validate({**role, **role_more}), CreateBranch(**named, name="Stall")],
            [RemoveRole(**role)],
        ]
        return self._draw.choice(choices)


def log_of(office: Office, after: int, *tenants: UUID) -> list[bytes]:
    """The events of these tenants byte for byte as subscribers get them, newest first: no order between aggregates."""
    told = [
        row["value"] for row in office.tables.rows("SELECT value FROM outbox WHERE id > %s ORDER BY id DESC", after)
    ]
    ours = set(map(str, tenants))
    return [value for value in told if _tells_of(orjson.loads(value), ours)]


def _tells_of(event: dict[str, Any], tenants: set[str]) -> bool:
    return event["aggregate_type"] in {"tenant", "branch", "membership"} and event["data"].get("tenant_id") in tenants


def differences(connection: psycopg.Connection[Any], rebuilt: Rows, *tenants: UUID) -> dict[str, int]:
    """Rows that only the tables have and rows that only the events tell, by table; empty when there are none."""
    found = {}
    for table, columns in TABLES.items():
        tenant_id: LiteralString = "id" if table == "tenants" else "tenant_id"
        stored: LiteralString = f"SELECT {columns} FROM {table} WHERE {tenant_id} = ANY(%(tenants)s)"
        told: LiteralString = f"SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %(rebuilt)s::jsonb)"
        statement: LiteralString = f"""
            SELECT count(*) AS rows FROM (({stored} EXCEPT {told}) UNION ALL ({told} EXCEPT {stored})) AS only_one
        """
        values = {"tenants": list(tenants), "rebuilt": orjson.dumps(rebuilt[table]).decode()}
        (row,) = connection.execute(statement, values).fetchall()
        found[table] = row["rows"]
    return {table: rows for table, rows in found.items() if rows}


@pytest.fixture
def tables(office: Office) -> Iterator[psycopg.Connection[Any]]:
    with office.tables.connection() as connection:
        yield connection


@pytest.mark.parametrize("batches", [12, pytest.param(100, marks=pytest.mark.faults)])
async def test_the_log_alone_rebuilds_every_table(
    office: Office, tables: psycopg.Connection[Any], batches: int
) -> None:
    before = office.tables.value("SELECT COALESCE(max(id), 0) FROM outbox")
    shops = [await office.open_shop(), await office.open_shop()]
    tenants = [shop.tenant_id for shop in shops]
    for seed, shop in enumerate(shops):
        await Busy(office, shop, seed).work(batches)

    log = log_of(office, before, *tenants)

    assert {orjson.loads(event)["type"] for event in log} >= TOLD
    assert differences(tables, Rebuilt(log).rows(), *tenants) == {}
    _every_lost_event_is_missed(tables, log, tenants)
    _every_hand_in_the_tables_is_seen(tables, log, tenants)


def _every_lost_event_is_missed(tables: psycopg.Connection[Any], log: list[bytes], tenants: list[UUID]) -> None:
    """Negative control: of each type, some one event."""
    last = {orjson.loads(event)["type"]: event for event in log}
    for kind, lost in last.items():
        short = [event for event in log if event is not lost]
        assert differences(tables, Rebuilt(short).rows(), *tenants), kind


def _every_hand_in_the_tables_is_seen(tables: psycopg.Connection[Any], log: list[bytes], tenants: list[UUID]) -> None:
    """Negative control: a row that no event tells, and one that was changed."""
    rebuilt = Rebuilt(log).rows()
    hands: dict[str, LiteralString] = {
        "branches": "UPDATE branches SET name = 'Renamed' WHERE tenant_id = %s",
        "tenant_roles": "INSERT INTO tenant_roles VALUES (%s, 'PLANTED', 99, '{}')",
        "branch_assignments": "UPDATE branch_assignments SET reason = 'planted' WHERE tenant_id = %s",
        "memberships": "UPDATE memberships SET updated_at = updated_at + '1us' WHERE tenant_id = %s",
    }
    for table, statement in hands.items():
        with tables.transaction(force_rollback=True):
            tables.execute(statement, (tenants[0],))
            assert differences(tables, rebuilt, *tenants).keys() == {table}
