"""Tenants, branches and staff: what is opened, added and read. Shapes follow `api.md`.

Beside it: `provisioning` (add people), `staff_changes` (roles, branches, revocation), `access` (who may),
`credentials` (codes, sessions), `staff_events` (what is told).
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.message import Command, Contract, Query, Target
from contracts.roles import Role
from contracts.text import Name, Opaque

COMMANDS, CREDENTIALS, QUERIES = "staffing.commands", "staffing.credentials", "staffing.queries"

Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
RawPhone = Annotated[str, Field(max_length=64)]
RawName = Annotated[str, Field(max_length=1000)]
RoleKey = Annotated[str, Field(max_length=64)]
BranchIds = Annotated[tuple[UUID, ...], Field(max_length=100, strict=False)]
Secret = Annotated[str, Field(max_length=1024)]
Sealed = Annotated[str, Field(max_length=8192, pattern=r"^[A-Za-z0-9_-]+={0,2}$")]


class Status(StrEnum):
    """Of a tenant or a branch."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"


class MembershipKind(StrEnum):
    """What someone is in a tenant; the role says what they do there (S2.12)."""

    OWNER = "OWNER"
    MEMBER = "MEMBER"


class Standing(StrEnum):
    """Of a membership or a staff profile."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


class NotificationStatus(StrEnum):
    NONE = "none"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class ProvisioningOutcome(StrEnum):
    CREATED = "created"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    REACTIVATED = "reactivated"


class StaffingCommand(Command):
    topic: ClassVar[str] = COMMANDS
    refused_as: ClassVar[str] = "staff.refused"


class Owner(Contract):
    phone: RawPhone
    display_name: RawName


class CreateTenant(StaffingCommand):
    """Open a tenant with its first owner; only for allowlisted root admins."""

    type: ClassVar[str] = "tenant.create"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    name: Name
    region: Region
    owner: Owner

    def key(self) -> str:
        return ""


class TenantCommand(StaffingCommand):
    """About one tenant, which is the partition: what happens in it happens in order."""

    tenant_id: UUID

    def key(self) -> str:
        return str(self.tenant_id)

    def targets(self) -> tuple[Target, ...]:
        return (Target(type="tenant", id=str(self.tenant_id)),)


class FreezeTenant(TenantCommand):
    """Stop every change in a tenant; freezing a frozen one changes nothing."""

    type: ClassVar[str] = "tenant.freeze"


class ActivateTenant(TenantCommand):
    """Undo a freeze; activating an active tenant changes nothing."""

    type: ClassVar[str] = "tenant.activate"


class CreateBranch(TenantCommand):
    """Open a branch of an active tenant."""

    type: ClassVar[str] = "branch.create"

    name: Name


class BranchCommand(TenantCommand):
    branch_id: UUID

    def targets(self) -> tuple[Target, ...]:
        return (*TenantCommand.targets(self), Target(type="branch", id=str(self.branch_id)))


class FreezeBranch(BranchCommand):
    """Close a branch for new assignments and for work; freezing a frozen one changes nothing."""

    type: ClassVar[str] = "branch.freeze"


class ActivateBranch(BranchCommand):
    """Open a frozen branch again; activating an active one changes nothing."""

    type: ClassVar[str] = "branch.activate"


class SetQuotas(TenantCommand):
    """How many active staff, branches and roles a tenant may have; only for allowlisted root admins (P15)."""

    type: ClassVar[str] = "tenant.set_quotas"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.ROOT_ADMIN})

    staff: Annotated[int, Field(ge=0, le=1_000_000)]
    branches: Annotated[int, Field(ge=0, le=100_000)]
    role_keys: Annotated[int, Field(ge=0, le=1_000)]


class Quota(Contract):
    limit: int
    used: int


class QuotasView(Contract):
    staff: Quota
    branches: Quota
    role_keys: Quota


class GetTenant(Query):
    """One tenant; its owners and admins, or a root admin."""

    type: ClassVar[str] = "tenant.get"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID


class GetQuotas(Query):
    """What a tenant may have and what it has; its owners and admins, or a root admin (P15)."""

    type: ClassVar[str] = "tenant.quotas"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID


class ListBranches(Query):
    """A tenant's branches by id, oldest first; its owners and admins, or a root admin."""

    type: ClassVar[str] = "branch.list"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None


class ListStaff(Query):
    """A tenant's staff in the order they came; its owners and admins. The cursor is an account id.

    `q` finds part of a display name, whatever its case; the others compare exactly.
    """

    type: ClassVar[str] = "staff.list"
    topic: ClassVar[str] = QUERIES
    version: ClassVar[int] = 2

    tenant_id: UUID
    q: Annotated[Name, Field(max_length=80)] | None = None
    role_key: Annotated[Opaque, Field(max_length=64)] | None = None
    branch_id: UUID | None = None
    status: Annotated[Standing, Field(strict=False)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: UUID | None = None


class GetStaff(Query):
    """One person's facts in a tenant; its owners and admins."""

    type: ClassVar[str] = "staff.get"
    topic: ClassVar[str] = QUERIES

    tenant_id: UUID
    account_id: UUID


class RoleView(Contract):
    role_key: str
    level: int
    permissions: tuple[str, ...]


class TenantView(Contract):
    id: UUID
    name: str
    region: str
    status: Status
    roles: tuple[RoleView, ...]
    created_at: datetime
    updated_at: datetime
    version: int


class BranchView(Contract):
    id: UUID
    tenant_id: UUID
    name: str
    status: Status
    created_at: datetime
    updated_at: datetime
    version: int


class BranchPage(Contract):
    data: tuple[BranchView, ...]
    has_more: bool


class MembershipView(Contract):
    id: UUID
    kind: MembershipKind
    role_key: str
    status: Standing


class ProfileView(Contract):
    display_name: str
    status: Standing


class AssignmentView(Contract):
    branch_id: UUID
    status: str
    assigned_by: str
    assigned_at: datetime


class NotificationView(Contract):
    status: NotificationStatus


class StaffView(Contract):
    """The same for a phone that was new and one that was known (S2.7); `outcome` only answers a provisioning."""

    account_id: UUID
    tenant_id: UUID
    membership: MembershipView
    profile: ProfileView
    branches: tuple[AssignmentView, ...]
    outcome: ProvisioningOutcome | None = None
    notification: NotificationView
    version: int

    def about(self) -> UUID:
        return self.account_id


class StaffPage(Contract):
    data: tuple[StaffView, ...]
    has_more: bool
