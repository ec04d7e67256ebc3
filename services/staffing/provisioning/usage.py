"""What a tenant may have and what it has, as numbers; `quotas` says when one more is too many."""

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any
from uuid import UUID

from contracts.staff_events import BranchCreated, MembershipGranted, MembershipRevoked
from services.chassis import Read, Write

# A tenant that has no row yet is counted; its first change writes the row.
_LOAD = """
    SELECT t.id, COALESCE(q.staff, d.staff) AS staff, COALESCE(q.branches, d.branches) AS branches,
           COALESCE(q.role_keys, d.role_keys) AS role_keys,
           COALESCE(u.staff, (SELECT count(*)::int FROM memberships m
                              WHERE m.tenant_id = t.id AND m.status = 'ACTIVE')) AS staff_used,
           COALESCE(u.branches, (SELECT count(*)::int FROM branches b WHERE b.tenant_id = t.id)) AS branches_used
    FROM tenants t CROSS JOIN quota_defaults d
    LEFT JOIN tenant_quotas q ON q.tenant_id = t.id LEFT JOIN tenant_usage u ON u.tenant_id = t.id
    WHERE t.id = ANY($1::uuid[])
"""
_SAVE_LIMITS = """
    INSERT INTO tenant_quotas AS q (tenant_id, staff, branches, role_keys)
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[])
    ON CONFLICT (tenant_id) DO UPDATE
    SET staff = excluded.staff, branches = excluded.branches, role_keys = excluded.role_keys
"""
_SAVE_USED = """
    INSERT INTO tenant_usage AS u (tenant_id, staff, branches) SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[])
    ON CONFLICT (tenant_id) DO UPDATE SET staff = excluded.staff, branches = excluded.branches
"""

Counted = MembershipGranted | MembershipRevoked | BranchCreated
"""The facts after which a tenant has more or less than before."""


@dataclass(frozen=True, slots=True)
class Limits:
    staff: int
    branches: int
    role_keys: int


@dataclass(frozen=True, slots=True)
class Used:
    """`staff` are the active ones. Roles are not here: a registry is always read whole."""

    staff: int = 0
    branches: int = 0

    def after(self, fact: Counted) -> "Used":
        match fact:
            case MembershipGranted():
                return replace(self, staff=self.staff + 1)
            case MembershipRevoked():
                return replace(self, staff=self.staff - 1)
            case BranchCreated():
                return replace(self, branches=self.branches + 1)


@dataclass(slots=True)
class Count:
    """Of one tenant: what it may have and what it has, beside what is stored of both.

    A tenant that opens in this batch has its limits from the next on; until then nothing more fits into it.
    """

    limits: Limits = Limits(0, 0, 0)
    used: Used = Used()
    stored_limits: Limits = Limits(0, 0, 0)
    stored_used: Used | None = None


async def load_counts(connection: Read | Write, tenants: Collection[UUID]) -> dict[UUID, Count]:
    if not tenants:
        return {}
    rows = (await connection.exec_driver_sql(_LOAD, (list(tenants),))).all()
    return {row.id: _count_of(row) for row in rows}


def _count_of(row: Any) -> Count:
    limits, used = Limits(row.staff, row.branches, row.role_keys), Used(row.staff_used, row.branches_used)
    return Count(limits, used, limits, used)


async def save_counts(tx: Write, counts: Mapping[UUID, Count]) -> None:
    limits = [(t, c.limits) for t, c in counts.items() if c.limits != c.stored_limits]
    used = [(t, c.used) for t, c in counts.items() if c.used != c.stored_used]
    for statement, rows in ((_SAVE_LIMITS, limits), (_SAVE_USED, used)):
        if rows:
            columns = zip(*((tenant_id, *astuple(numbers)) for tenant_id, numbers in rows), strict=True)
            await tx.exec_driver_sql(statement, tuple(map(list, columns)))
