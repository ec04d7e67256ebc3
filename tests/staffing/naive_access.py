"""Who may do what, written a second time and from the rows alone: slow, flat, and without a thought for anything else.

Rows are those of the tables; each rule is a sentence of S2.9-S2.15, S2.21, S2.42-43, S2.60 or P3, in their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

FROZEN_STILL = {
    "tenant.read",
    "tenant.freeze",
    "tenant.activate",
    "branch.read",
    "role.read",
    "staff.read",
    "staff.revoke",
}
OWNERS_ALONE = {"tenant.freeze", "tenant.activate", "role.read", "role.define", "role.remove", "staff.change_kind"}
BUILT_IN = FROZEN_STILL | OWNERS_ALONE | {"branch.create", "branch.freeze", "branch.activate", "branch.work"}
BUILT_IN |= {"staff.provision", "staff.change_role", "branch_access.change"}


@dataclass(slots=True)
class Rows:
    disabled: set[UUID] = field(default_factory=set)
    tenants: dict[UUID, str] = field(default_factory=dict)
    roles: list[tuple[UUID, str, int, set[str]]] = field(default_factory=list)
    memberships: list[tuple[UUID, UUID, str, str, str, datetime]] = field(default_factory=list)
    branches: list[tuple[UUID, UUID, str]] = field(default_factory=list)
    assignments: list[tuple[UUID, UUID, UUID, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Question:
    account: UUID
    tenant: UUID
    action: str | None
    branch: UUID | None
    session_alive: bool
    context: tuple[UUID, UUID | None, datetime] | None


def naive_reason(rows: Rows, asked: Question) -> tuple[str, UUID | None]:
    """The first rule that speaks, or GRANTED; with the branch where the work is done."""
    for reason in _rules(rows, asked):
        if reason:
            return reason, None
    shop_work = asked.action == "branch.work" or asked.action not in BUILT_IN
    return _place(rows, asked) if shop_work else ("GRANTED", None)


def _rules(rows: Rows, asked: Question) -> Iterator[str | None]:
    yield "ROUTE_NOT_REGISTERED" if asked.action is None else None
    yield None if asked.session_alive else "TOKEN_INVALID"
    yield "ACCOUNT_DISABLED" if asked.account in rows.disabled else None
    mine = [m for m in rows.memberships if m[0] == asked.tenant and m[1] == asked.account]
    yield None if mine else "NO_MEMBERSHIP"
    _, _, kind, role, status, since = mine[0]
    yield "MEMBERSHIP_NOT_ACTIVE" if status == "REVOKED" else None
    permitting = {
        key for tenant, key, _, permissions in rows.roles if tenant == asked.tenant and asked.action in permissions
    }
    yield "ROUTE_NOT_REGISTERED" if asked.action not in BUILT_IN and not permitting else None
    yield "ACCESS_CHANGED" if asked.context and asked.context[0] == asked.tenant and asked.context[2] != since else None
    if kind != "OWNER":
        yield "PERMISSION_DENIED" if asked.action in OWNERS_ALONE or role not in permitting else None
    yield "TENANT_NOT_ACTIVE" if rows.tenants[asked.tenant] == "FROZEN" and asked.action not in FROZEN_STILL else None


def _place(rows: Rows, asked: Question) -> tuple[str, UUID | None]:
    mine = [(b, status) for t, a, b, status in rows.assignments if (t, a) == (asked.tenant, asked.account)]
    now = {branch for branch, status in mine if status == "ACTIVE"}
    place = asked.branch
    if place is None and asked.context and asked.context[0] == asked.tenant:
        place = asked.context[1]
    if place is None and len(now) != 1:
        return ("BRANCH_CONTEXT_REQUIRED" if now else "NO_BRANCH_ASSIGNMENT"), None
    place = place or min(now)
    if place not in now:
        return ("BRANCH_ACCESS_REVOKED" if place in {branch for branch, _ in mine} else "NO_BRANCH_ACCESS"), None
    if (place, asked.tenant, "FROZEN") in rows.branches:
        return "BRANCH_FROZEN", None
    return "GRANTED", place
