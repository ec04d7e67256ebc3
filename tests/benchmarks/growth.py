"""The staff call among few, and among a hundred times as many tenants and staff: what it costs should be the same.

The crowd's rows are written straight into the tables; the tenants that are called grow a hundred times too.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from deploy.local.stack import Stack
from services.chassis.database import connect
from tests.benchmarks.load import Plan
from tests.benchmarks.runner import GUESSED_RATE, WARM_REQUESTS, WARM_SECONDS, Bench
from tests.benchmarks.staff import Staff
from tests.benchmarks.workload import GATEHOUSE
from tests.staffing.office import Office
from tests.support.wire import producer

TIMES = 100
FEW_TENANTS, FEW_STAFF = 50, 10
"""To begin with: so many tenants in all, each with so many people."""
_PLACES = """
    CREATE TEMP TABLE places ON COMMIT DROP AS
        SELECT uuidv7() AS tenant_id, uuidv7() AS branch_id, $1::int AS staff, true AS new
        FROM generate_series(1, $2::int)
        UNION ALL SELECT b.tenant_id, b.id, $3::int, false FROM branches b WHERE b.tenant_id = ANY($4::uuid[])
"""
_PEOPLE = """
    CREATE TEMP TABLE people ON COMMIT DROP AS
        SELECT tenant_id, branch_id, gen_random_uuid() AS account_id, uuidv7() AS membership_id,
            '+999' || (1000000000 + (SELECT count(*) FROM accounts) + row_number() OVER ()) AS phone
        FROM places, generate_series(1, staff)
"""
_ROWS = """
    INSERT INTO tenants (id, name, region, status, created_at, updated_at, version)
        SELECT tenant_id, 'Crowd', 'CH', 'ACTIVE', now(), now(), 1 FROM places WHERE new;
    INSERT INTO tenant_roles (tenant_id, role_key, level, permissions)
        SELECT tenant_id, 'CASHIER', 10, '{branch.work}' FROM places WHERE new;
    INSERT INTO branches (id, tenant_id, name, status, created_at, updated_at, version)
        SELECT branch_id, tenant_id, 'Crowd', 'ACTIVE', now(), now(), 1 FROM places WHERE new;
    INSERT INTO accounts (id, phone, status, created_at, version)
        SELECT account_id, phone, 'UNVERIFIED', now(), 1 FROM people;
    INSERT INTO memberships (id, tenant_id, account_id, kind, role_key, status, created_at, updated_at, version)
        SELECT membership_id, tenant_id, account_id, 'MEMBER', 'CASHIER', 'ACTIVE', now(), now(), 3 FROM people;
    INSERT INTO staff_profiles (tenant_id, account_id, display_name, status, active_since)
        SELECT tenant_id, account_id, 'Somebody', 'ACTIVE', now() FROM people;
    INSERT INTO branch_assignments (id, tenant_id, account_id, branch_id, status, assigned_by, assigned_at, reason)
        SELECT uuidv7(), tenant_id, account_id, branch_id, 'ACTIVE', 'crowd', now(), 'crowd' FROM people;
"""
_TABLES = ("tenants", "tenant_roles", "branches", "accounts", "memberships", "staff_profiles", "branch_assignments")


class Growth:
    """Measures `growth.1x.gatehouse` and `growth.100x.gatehouse`, one call at a time, and counts its statements."""

    def __init__(self, stack: Stack, staff: Staff) -> None:
        self._stack, self._staff = stack, staff

    async def run(self, bench: Bench, rounds: int, seconds: float) -> None:
        await self._staff.prepare(1, [GATEHOUSE])
        own = [tenant.id for tenant in self._staff.tenants]
        await self._crowd(FEW_TENANTS - len(own), FEW_STAFF, FEW_STAFF, own)
        await self._measure(bench, 1, rounds, seconds)
        among = FEW_TENANTS * (TIMES - 1)
        await self._crowd(among, FEW_STAFF, FEW_STAFF * (TIMES - 1), own)
        await self._measure(bench, TIMES, rounds, seconds)

    async def _measure(self, bench: Bench, times: int, rounds: int, seconds: float) -> None:
        gatehouse = bench.systems.each[0]
        plan = Plan(gatehouse.port, 1, WARM_SECONDS, seconds)
        await bench.warm_up(self._staff, [gatehouse], WARM_REQUESTS)
        for _ in range(rounds):
            batch = await self._staff.prepare(int(GUESSED_RATE[1] * 2 * plan.total_seconds), [GATEHOUSE])
            await bench.record(f"growth.{times}x.{GATEHOUSE}", self._staff, gatehouse, plan, batch)
        bench.figures.note(f"growth.{times}x: {await self._statements()} SQL statements a call, {await self._size()}")

    async def _crowd(self, tenants: int, staff: int, own_staff: int, own: Sequence[UUID]) -> None:
        connection = await asyncpg.connect(self._stack.state.admin_dsn, server_settings={"search_path": "staffing"})
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")  # no foreign keys to look up
                await connection.execute(_PLACES, staff, tenants, own_staff, own)
                await connection.execute(_PEOPLE)
                await connection.execute(_ROWS)
            for table in _TABLES:
                await connection.execute(f"VACUUM ANALYZE {table}")
        finally:
            await connection.close()

    async def _size(self) -> str:
        connection = await asyncpg.connect(self._stack.state.admin_dsn)
        try:
            tenants, staff = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM staffing.tenants), (SELECT count(*) FROM staffing.memberships)"
            )
        finally:
            await connection.close()
        return f"{tenants:,} tenants with {staff:,} staff"

    async def _statements(self) -> int:
        """Those of one call in a transaction of its own, in this process: the same code on the same tables."""
        engine = connect(self._stack.state.dsn("staffing", driver="postgresql+asyncpg"))
        seen: list[str] = []
        try:
            async with producer(self._stack, "staffing") as sender:
                office = Office(self._stack, engine, sender)
                shop = await office.open_shop()
                await office.hire(shop)
                with office.statements(seen):
                    await office.hire(shop)
        finally:
            await engine.dispose()
        return len(seen)
