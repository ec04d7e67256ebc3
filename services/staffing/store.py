"""Tenants, branches, accounts and staff read by sets: a constant number of statements for a batch of any size.

A tenant's row is locked before anything in it is read, and accounts in id order, so batches cannot deadlock on
them; branches, memberships and assignments need no lock of their own. Nothing here names a password.
"""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from contracts.staffing import MembershipKind, Standing, Status
from services.chassis import Read, Write
from services.staffing.account import Account, AccountStatus
from services.staffing.book import Seat
from services.staffing.staff import Assignment, Staff
from services.staffing.tenant import Branch, Role, Tenant
from services.wire.personal import Keyring

_TENANTS = """
    SELECT id, version, status, created_at, updated_at, name, region, held_at
    FROM tenants WHERE id = ANY($1::uuid[]) ORDER BY id
"""
_ROLES = "SELECT tenant_id, role_key, level, permissions FROM tenant_roles WHERE tenant_id = ANY($1::uuid[])"
_BRANCHES = """
    SELECT id, version, status, created_at, updated_at, tenant_id, name FROM branches
    WHERE tenant_id = ANY($1::uuid[]) AND id = ANY($2::uuid[])
"""
_SESSIONS = "SELECT id FROM sessions WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL AND expires_at > now()"
_ACCOUNTS = """
    SELECT a.id, a.version, a.phone, a.status, a.created_at, a.activated_at, a.disabled_at, a.held_at,
        a.erased_at, k.wrapped
    FROM accounts a LEFT JOIN person_keys k ON k.person_id = a.id
    WHERE a.phone = ANY($1::text[]) OR a.id = ANY($2::uuid[]) ORDER BY a.id
"""
_STAFF = """
    SELECT m.id, m.version, m.tenant_id, m.account_id, m.kind AS membership_kind, m.role_key, m.status, m.created_at,
           m.updated_at, p.display_name, p.status AS profile_status, p.active_since, p.revoked_at
    FROM unnest($1::uuid[], $2::uuid[]) AS seat(tenant_id, account_id)
    JOIN memberships m USING (tenant_id, account_id) JOIN staff_profiles p USING (tenant_id, account_id)
    ORDER BY m.id
"""
_ASSIGNMENTS = """
    SELECT a.tenant_id, a.account_id, a.id, a.branch_id, a.assigned_by, a.assigned_at, a.reason, a.status
    FROM unnest($1::uuid[], $2::uuid[]) AS seat(tenant_id, account_id)
    JOIN branch_assignments a USING (tenant_id, account_id)
    WHERE a.status = 'ACTIVE' ORDER BY a.id
"""
_OWNERS = """
    SELECT tenant_id, account_id FROM memberships
    WHERE tenant_id = ANY($1::uuid[]) AND kind = 'OWNER' AND status = 'ACTIVE'
"""
_ROLES_IN_USE = """
    SELECT r.tenant_id, r.role_key FROM unnest($1::uuid[], $2::text[]) AS r(tenant_id, role_key)
    WHERE EXISTS (SELECT FROM memberships m WHERE m.tenant_id = r.tenant_id AND m.role_key = r.role_key)
"""
_ASSIGNMENT = ("id", "branch_id", "assigned_by", "assigned_at", "reason", "status")


async def load_tenants(connection: Read | Write, ids: Collection[UUID], *, lock: bool) -> dict[UUID, Tenant]:
    """Tenants with their role registries."""
    if not ids:
        return {}
    statement = _TENANTS + ("FOR NO KEY UPDATE" if lock else "")
    rows = (await connection.exec_driver_sql(statement, (list(ids),))).mappings()
    tenants = {row["id"]: Tenant(**{**row, "status": Status(row["status"])}) for row in rows}
    for role in await connection.exec_driver_sql(_ROLES, (list(tenants),)):
        tenants[role.tenant_id].roles[role.role_key] = Role(role.level, frozenset(role.permissions))
    return tenants


async def load_branches(tx: Read | Write, tenants: Collection[UUID], ids: Collection[UUID]) -> dict[UUID, Branch]:
    if not ids:
        return {}
    rows = (await tx.exec_driver_sql(_BRANCHES, (list(tenants), list(ids)))).mappings()
    return {row["id"]: branch_of(row) for row in rows}


def branch_of(row: Any) -> Branch:
    return Branch(**{**row, "status": Status(row["status"])})


async def live_sessions(connection: Read | Write, ids: Collection[UUID]) -> set[UUID]:
    """Those of `ids` that have not ended: a reset or a revocation binds on the next request (P3)."""
    if not ids:
        return set()
    rows = await connection.exec_driver_sql(_SESSIONS, (list(ids),))
    return {row.id for row in rows}


async def load_accounts(
    tx: Read | Write, keys: Keyring, phones: Collection[str], ids: Collection[UUID] = (), *, lock: bool
) -> list[Account]:
    """Those with these phones and those with these ids; their keys go to the ring."""
    if not phones and not ids:
        return []
    statement = _ACCOUNTS + ("FOR NO KEY UPDATE OF a" if lock else "")
    rows = map(dict, (await tx.exec_driver_sql(statement, (list(phones), list(ids)))).mappings())
    accounts = []
    for row in rows:
        if wrapped := row.pop("wrapped"):
            keys.know(row["id"], wrapped)
        known = {"phone": row["phone"] or "", "status": AccountStatus(row["status"])}
        accounts.append(Account(**{**row, **known}))
    return accounts


async def load_staff(connection: Read | Write, seats: Iterable[Seat]) -> dict[Seat, Staff]:
    """Staff with their standing assignments, in the order they came."""
    columns = [list(column) for column in zip(*seats, strict=True)]
    if not columns:
        return {}
    rows = (await connection.exec_driver_sql(_STAFF, tuple(columns))).mappings()
    staff = {member.seat: member for member in map(_staff_of, rows)}
    if staff:
        for row in (await connection.exec_driver_sql(_ASSIGNMENTS, tuple(columns))).mappings():
            kept = {name: row[name] for name in _ASSIGNMENT}
            staff[row["tenant_id"], row["account_id"]].assignments.append(Assignment(**kept))
    return staff


async def load_owners(tx: Write, tenants: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """The accounts that own each tenant now."""
    owners: dict[UUID, set[UUID]] = {tenant_id: set() for tenant_id in tenants}
    if owners:
        for row in await tx.exec_driver_sql(_OWNERS, (list(owners),)):
            owners[row.tenant_id].add(row.account_id)
    return owners


async def roles_in_use(tx: Read | Write, roles: Collection[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Those of the roles that a membership has, one that ended included: its history names the role."""
    if not roles:
        return set()
    columns = tuple(list(column) for column in zip(*roles, strict=True))
    return {(row.tenant_id, row.role_key) for row in await tx.exec_driver_sql(_ROLES_IN_USE, columns)}


def _staff_of(row: Any) -> Staff:
    kinds = {
        "membership_kind": MembershipKind(row["membership_kind"]),
        "status": Standing(row["status"]),
        "profile_status": Standing(row["profile_status"]),
    }
    return Staff(**{**row, **kinds})
