"""Who may do what in a tenant: the catalogue of actions, the role registry, and the questions about access.

An action is named `noun.verb`. Those of `Action` administer the tenant; every other one is a shop's own (`sale.refund`)
and is branch work: it exists as soon as some role of the tenant permits it, and it needs an assignment to the branch
where it is done, owners and admins included (S2.60).
"""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Contract, Query
from contracts.staffing import QUERIES, MembershipKind, RoleKey, RoleView, Standing, TenantCommand


class Action(StrEnum):
    """What Gatehouse itself guards, all of it about a tenant as a whole except `BRANCH_WORK`."""

    TENANT_READ = "tenant.read"
    TENANT_FREEZE = "tenant.freeze"
    TENANT_ACTIVATE = "tenant.activate"
    BRANCH_READ = "branch.read"
    BRANCH_CREATE = "branch.create"
    BRANCH_FREEZE = "branch.freeze"
    BRANCH_ACTIVATE = "branch.activate"
    BRANCH_WORK = "branch.work"
    ROLE_READ = "role.read"
    ROLE_DEFINE = "role.define"
    ROLE_REMOVE = "role.remove"
    STAFF_READ = "staff.read"
    STAFF_PROVISION = "staff.provision"
    STAFF_CHANGE_ROLE = "staff.change_role"
    STAFF_CHANGE_KIND = "staff.change_kind"
    STAFF_REVOKE = "staff.revoke"
    BRANCH_ACCESS_CHANGE = "branch_access.change"


OWNER_ONLY = frozenset(
    {
        Action.TENANT_FREEZE,
        Action.TENANT_ACTIVATE,
        Action.ROLE_READ,
        Action.ROLE_DEFINE,
        Action.ROLE_REMOVE,
        Action.STAFF_CHANGE_KIND,
    }
)
"""No role permits these: they come with owning the tenant."""

ADMINISTRATION = frozenset(Action) - OWNER_ONLY - {Action.BRANCH_WORK}
"""What the seeded role ADMIN permits, beside branch work."""

WHILE_FROZEN = frozenset(
    {Action.TENANT_READ, Action.TENANT_FREEZE, Action.TENANT_ACTIVATE, Action.BRANCH_READ, Action.ROLE_READ}
    | {Action.STAFF_READ, Action.STAFF_REVOKE}
)
"""What a frozen tenant still allows: to look, to lock somebody out, to thaw."""

ActionName = Annotated[str, Field(max_length=64, pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]
Level = Annotated[int, Field(ge=1, le=99)]


class AccessDecision(StrEnum):
    ALLOW = "ALLOW"
    DENY = "DENY"


class DefineRole(TenantCommand):
    """Add a role to the tenant's registry, or change the level and permissions of one (P5); only for owners."""

    type: ClassVar[str] = "role.define"

    role_key: RoleKey
    level: Level
    permissions: Annotated[tuple[ActionName, ...], Field(max_length=100, strict=False)]


class RemoveRole(TenantCommand):
    """Take a role out of the registry; refused while somebody has it (`ROLE_IN_USE`)."""

    type: ClassVar[str] = "role.remove"

    role_key: RoleKey


class ListRoles(Query):
    """A tenant's role registry, highest level first; its owners."""

    type: ClassVar[str] = "role.list"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID


class CheckAccess(Query):
    """May they? For oneself, for a member of a tenant one may read, or for anybody by ops, auditors and root admins.

    Without `branch_id` branch work is decided for the branch of the caller's context or the only one they have.
    """

    type: ClassVar[str] = "access.check"
    topic: ClassVar[str] = QUERIES

    account_id: UUID | None = None
    action: ActionName
    tenant_id: UUID
    branch_id: UUID | None = None


class ListMyMemberships(Query):
    """Every tenant that the caller is or was a member of, with their branches there (P11)."""

    type: ClassVar[str] = "me.memberships"
    topic: ClassVar[str] = QUERIES


class ChooseContext(Query):
    """A token for work in one tenant and branch; the reply is a `SealedContext`.

    It carries the choice and no right: every decision looks the facts up again.
    """

    type: ClassVar[str] = "me.context"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID
    branch_id: UUID | None = None


class RolePage(Contract):
    data: tuple[RoleView, ...]
    has_more: bool = False


class Missing(Contract):
    """A fact between the caller and the action: kind `permission`, `branch_assignment`, `membership`, …"""

    kind: str
    value: str


class AccessView(Contract):
    """`reason` is GRANTED or a code of failure-codes.md; `who_may_grant` names kinds and roles, never people."""

    decision: AccessDecision
    reason: str
    branch_id: UUID | None = None
    missing: tuple[Missing, ...] = ()
    who_may_grant: tuple[str, ...] = ()


class MyBranchView(Contract):
    branch_id: UUID
    name: str
    status: str


class MyMembershipView(Contract):
    tenant_id: UUID
    tenant_name: str
    tenant_status: str
    kind: MembershipKind
    role_key: str
    status: Standing
    branches: tuple[MyBranchView, ...]


class MyMemberships(Contract):
    data: tuple[MyMembershipView, ...]
    has_more: bool = False


class SealedContext(Contract):
    """A `ContextView` that only the gateway can open."""

    sealed: str


class ContextView(Contract):
    """`expires_in` counts the seconds of the access token, which outlives neither its session nor ten minutes."""

    access_token: str
    expires_in: int
    tenant_id: UUID
    branch_id: UUID | None
