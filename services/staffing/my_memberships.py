"""Where somebody is or was a member, with the branches they have there now (P11): two statements for any number."""

from collections import defaultdict
from uuid import UUID

from contracts.access import MyBranchView, MyMemberships, MyMembershipView
from contracts.staffing import MembershipKind, Standing
from services.chassis import Read
from services.chassis.database import fetch

_MEMBERSHIPS = """
    SELECT t.id, t.name, t.status AS tenant_status, m.kind, m.role_key, m.status
    FROM memberships m JOIN tenants t ON t.id = m.tenant_id WHERE m.account_id = $1 ORDER BY m.id
"""
_BRANCHES = """
    SELECT b.tenant_id, b.id, b.name, b.status
    FROM memberships m
    JOIN branch_assignments a ON a.tenant_id = m.tenant_id AND a.account_id = m.account_id AND a.status = 'ACTIVE'
    JOIN branches b ON b.tenant_id = a.tenant_id AND b.id = a.branch_id
    WHERE m.account_id = $1 ORDER BY b.id
"""


async def load_my_memberships(read: Read, account_id: UUID) -> MyMemberships:
    branches: dict[UUID, list[MyBranchView]] = defaultdict(list)
    for row in await fetch(read, _BRANCHES, account_id):
        branches[row.tenant_id].append(MyBranchView(branch_id=row.id, name=row.name, status=row.status))
    return MyMemberships(
        data=tuple(
            MyMembershipView(
                tenant_id=row.id,
                tenant_name=row.name,
                tenant_status=row.tenant_status,
                kind=MembershipKind(row.kind),
                role_key=row.role_key,
                status=Standing(row.status),
                branches=tuple(branches[row.id]),
            )
            for row in await fetch(read, _MEMBERSHIPS, account_id)
        )
    )
