"""The facts of one account in one tenant, read for a question; a command finds its own in the book of its batch.

A constant number of statements, and for somebody outside the same ones whether the tenant is there or not (S2.21).
"""

from dataclasses import replace
from uuid import UUID

from contracts.message import Actor
from contracts.staffing import MembershipKind, Standing, Status
from services.chassis import Read
from services.chassis.database import fetch
from services.staffing.access.verdict import Facts, Member
from services.staffing.store import live_sessions
from services.staffing.tenant import Role

_PERSON = """
    SELECT a.disabled_at IS NOT NULL AS disabled, m.id, m.kind, m.role_key, m.status, p.active_since,
           t.status AS tenant
    FROM accounts a
    LEFT JOIN memberships m ON m.tenant_id = $1 AND m.account_id = a.id
    LEFT JOIN staff_profiles p ON p.tenant_id = m.tenant_id AND p.account_id = m.account_id
    LEFT JOIN tenants t ON t.id = m.tenant_id
    WHERE a.id = $2
"""
_ROLES = "SELECT role_key, level, permissions FROM tenant_roles WHERE tenant_id = $1"
_BRANCHES = """
    SELECT b.id, b.status, bool_or(a.status = 'ACTIVE') AS standing
    FROM branch_assignments a JOIN branches b ON b.tenant_id = a.tenant_id AND b.id = a.branch_id
    WHERE a.tenant_id = $1 AND a.account_id = $2 GROUP BY b.id
"""


async def load_facts(read: Read, tenant_id: UUID, account_id: UUID, caller: Actor | None = None) -> Facts:
    """All but the branches. `caller` is given when the account is theirs: then their session and context count."""
    over = bool(caller and caller.session_id and not await live_sessions(read, [caller.session_id]))
    facts = Facts(tenant_id=tenant_id, session_over=over, chosen=caller.chosen if caller else None)
    rows = await fetch(read, _PERSON, tenant_id, account_id)
    if not rows:
        return facts
    (row,) = rows
    facts = replace(facts, disabled=row.disabled)
    if row.id is None:
        return facts
    member = Member(MembershipKind(row.kind), row.role_key, Standing(row.status), row.active_since)
    roles = {key: Role(level, frozenset(named)) for key, level, named in await fetch(read, _ROLES, tenant_id)}
    return replace(facts, tenant=Status(row.tenant), member=member, roles=roles)


async def with_branches(facts: Facts, read: Read, account_id: UUID) -> Facts:
    """The facts with every branch that the person has or had access to."""
    rows = await fetch(read, _BRANCHES, facts.tenant_id, account_id)
    return replace(
        facts,
        branches={row.id: Status(row.status) for row in rows},
        standing=frozenset(row.id for row in rows if row.standing),
        removed=frozenset(row.id for row in rows if not row.standing),
    )
