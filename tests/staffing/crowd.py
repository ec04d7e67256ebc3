"""A staff of thousands, written straight into the tables: cashiers at the first branch, each hundredth a manager."""

from typing import LiteralString
from uuid import uuid4

from tests.staffing.office import Office, Shop

_CROWD: LiteralString = """
    WITH people AS MATERIALIZED (
        SELECT n, gen_random_uuid() AS account_id, now() AS moment FROM generate_series(1, %(size)s) n
    ), identities AS (
        INSERT INTO accounts (id, phone, status, created_at, version)
        SELECT account_id, '+4916' || lpad(((%(number)s + n) %% 10000000000)::text, 10, '0'), 'UNVERIFIED', moment, 1
        FROM people
    ), members AS (
        INSERT INTO memberships (id, tenant_id, account_id, kind, role_key, status, created_at, updated_at, version)
        SELECT (%(prefix)s || lpad(to_hex(n), 12, '0'))::uuid, %(tenant)s, account_id, 'MEMBER',
               CASE WHEN n %% 100 = 0 THEN 'MANAGER' ELSE 'CASHIER' END, 'ACTIVE', moment, moment, 4
        FROM people
    ), profiles AS (
        INSERT INTO staff_profiles (tenant_id, account_id, display_name, status, active_since)
        SELECT %(tenant)s, account_id, 'Nobody number ' || n, 'ACTIVE', moment FROM people
    )
    INSERT INTO branch_assignments (id, tenant_id, account_id, branch_id, status, assigned_by, assigned_at, reason)
    SELECT gen_random_uuid(), %(tenant)s, account_id, %(branch)s, 'ACTIVE', 'test', moment, 'test' FROM people
"""


def crowd(office: Office, shop: Shop, size: int) -> None:
    """`size` more people, who came before everybody else."""
    drawn = uuid4()
    named = {
        "size": size,
        "number": drawn.int % 10**10,
        "prefix": f"0190{drawn.hex[:4]}-{drawn.hex[4:8]}-7{drawn.hex[8:11]}-8{drawn.hex[11:14]}-",
        "tenant": shop.tenant_id,
        "branch": shop.branches[0],
    }
    with office.tables.connection() as tables:
        tables.execute(_CROWD, named)
