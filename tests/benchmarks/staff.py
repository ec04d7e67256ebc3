"""`POST /api/v1/tenants/{t}/staff`: each request adds a person nobody knows to one branch of one of a few tenants."""

import itertools
import json
from collections.abc import Collection, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from deploy.local.environment import AUDIENCE, STAFF_ISSUER
from deploy.local.stack import Stack
from services.staffing.credentials.session import Tokens
from services.staffing.save import row_of
from services.staffing.tenant import SEEDED_ROLES
from tests.benchmarks.client import post
from tests.benchmarks.workload import GATEHOUSE, Batch

TENANTS = 16
FIRST_NUMBER = 750_000_000
"""Swiss mobile numbers from here on are all valid: +41 75 to +41 79."""
EVENTS_A_PERSON = 4
_TENANT = """
    WITH tenant AS (
        INSERT INTO {schema}.tenants (id, name, region, status, created_at, updated_at, version)
        VALUES ($1, 'Wechselstube', 'CH', 'ACTIVE', now(), now(), 1)
    ), role AS (
        INSERT INTO {schema}.tenant_roles (tenant_id, role_key, level, permissions)
        SELECT $1, role_key, level, string_to_array(permissions, ' ')
        FROM unnest($5::text[], $6::int[], $7::text[]) AS r(role_key, level, permissions)
    ), branch AS (
        INSERT INTO {schema}.branches (id, tenant_id, name, status, created_at, updated_at, version)
        VALUES ($2, $1, 'Bahnhofstrasse', 'ACTIVE', now(), now(), 1)
    ), account AS (
        INSERT INTO {schema}.accounts (id, phone, status, created_at, version)
        VALUES ($3, $4, 'UNVERIFIED', now(), 1)
    ), owner AS (
        INSERT INTO {schema}.memberships
            (id, tenant_id, account_id, kind, role_key, status, created_at, updated_at, version)
        VALUES ($2, $1, $3, 'OWNER', 'ADMIN', 'ACTIVE', now(), now(), 1)
    )
    INSERT INTO {schema}.staff_profiles (tenant_id, account_id, display_name, status, active_since)
    VALUES ($1, $3, 'Owner', 'ACTIVE', now())
"""
_COUNT = """
    WITH people AS (SELECT id FROM {schema}.accounts WHERE phone = ANY($1::text[])),
         seats AS (SELECT id FROM {schema}.memberships WHERE account_id IN (TABLE people))
    SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM seats),
           (SELECT count(*) FROM {schema}.staff_profiles WHERE account_id IN (TABLE people)),
           (SELECT count(*) FROM {schema}.branch_assignments WHERE account_id IN (TABLE people)),
           (SELECT count(*) FROM {schema}.{events} WHERE aggregate_id IN (TABLE people UNION ALL TABLE seats))
"""


@dataclass(frozen=True, slots=True)
class Tenant:
    id: UUID
    branch: UUID
    owner: UUID
    owner_phone: str


class Staff:
    """Prepares tenants that are the same in every schema, their owners' session tokens and unknown phone numbers."""

    name = "staff"

    def __init__(self, stack: Stack, _: Executor) -> None:
        self._state = stack.state
        self._tokens = Tokens(STAFF_ISSUER, AUDIENCE, self._state.secrets["staff_signing_key"])
        self.tenants: list[Tenant] = []
        self._numbers: Iterator[int] = iter(())

    async def prepare(self, count: int, systems: Collection[str]) -> Batch:
        """`count` requests that each succeed once on every system; those of the first call are all there will be."""
        if not self.tenants:
            await self._found_tenants([_schema(system) for system in systems])
        bearers = await self._log_in(systems)
        requests, phones = [], []
        for tenant in itertools.islice(itertools.cycle(self.tenants), count):
            number = next(self._numbers)
            phones.append(f"+41{number}")
            requests.append(_request(tenant, number, bearers[tenant.id]))
        return Batch(requests, phones)

    async def count(self, system: str, ids: list[str]) -> tuple[int, ...]:
        """Accounts, memberships, profiles, assignments and events."""
        schema, events = _schema(system), "outbox" if system == GATEHOUSE else "events"
        connection = await asyncpg.connect(self._state.admin_dsn)
        try:
            return tuple(await connection.fetchrow(_COUNT.format(schema=schema, events=events), ids))
        finally:
            await connection.close()

    def rows_of(self, commands: int) -> tuple[int, ...]:
        return (*[commands] * 4, EVENTS_A_PERSON * commands)

    async def _log_in(self, systems: Collection[str]) -> dict[UUID, str]:
        """A session of each tenant's owner, which Gatehouse looks up; the monolith believes the token alone."""
        now = datetime.now(UTC)
        opened = {tenant.id: self._tokens.open(tenant.owner, now) for tenant in self.tenants}
        if GATEHOUSE in systems:
            sessions = [row_of(session) for session in opened.values()]
            records, columns = [tuple(session.values()) for session in sessions], list(sessions[0])
            connection = await asyncpg.connect(self._state.admin_dsn)
            try:
                await connection.copy_records_to_table(
                    "sessions", schema_name="staffing", records=records, columns=columns
                )
            finally:
                await connection.close()
        return {tenant: self._tokens.issue(session, now)[1].access_token for tenant, session in opened.items()}

    async def _found_tenants(self, schemas: list[str]) -> None:
        connection = await asyncpg.connect(self._state.admin_dsn)
        try:
            used = await connection.fetchval("SELECT max(phone) FROM staffing.accounts WHERE phone LIKE '+417%'")
            levels = [role.level for role in SEEDED_ROLES.values()]
            permissions = [" ".join(role.permissions) for role in SEEDED_ROLES.values()]
            roles = (list(SEEDED_ROLES), levels, permissions)
            self._numbers = itertools.count(int(used[3:]) + 1 if used else FIRST_NUMBER)
            for _ in range(TENANTS):
                tenant = Tenant(uuid7(), uuid7(), uuid4(), f"+41{next(self._numbers)}")
                self.tenants.append(tenant)
                facts = (tenant.id, tenant.branch, tenant.owner, tenant.owner_phone)
                for schema in schemas:
                    await connection.execute(_TENANT.format(schema=schema), *facts, *roles)
        finally:
            await connection.close()


def _schema(system: str) -> str:
    return "staffing" if system == GATEHOUSE else system


def _request(tenant: Tenant, number: int, bearer: str) -> bytes:
    """Written as people write it: with spaces, and without the country code that the tenant's region gives."""
    digits = f"0{number}"
    body = {
        "phone": f"{digits[:3]} {digits[3:6]} {digits[6:8]} {digits[8:]}",
        "display_name": f"Zoé Zurbriggen {number}",
        "role_key": "CASHIER",
        "branch_ids": [str(tenant.branch)],
        "notify": "none",
    }
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": f"staff-{number}"}
    return post(f"/api/v1/tenants/{tenant.id}/staff", headers, json.dumps(body).encode())
