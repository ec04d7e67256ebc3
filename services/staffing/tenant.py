"""A tenant and its branches. The tenant's row is the lock of everything inside it: who changes one holds the other.

Branch status gates assignment and work (S2.13, S2.14); a freeze takes no assignment away.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.access import ADMINISTRATION, Action
from contracts.legal_holds import TenantHeld, TenantReleased
from contracts.message import EventData, Target
from contracts.staff_events import (
    BranchActivated,
    BranchCreated,
    BranchFact,
    BranchFrozen,
    TenantActivated,
    TenantCreated,
    TenantFact,
    TenantFrozen,
)
from contracts.staffing import BranchView, CreateBranch, CreateTenant, RoleView, Status, TenantView
from services.chassis import Aggregate, Call, Fact

OWNER_LEVEL = 100
ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Role:
    """What a role of the registry permits, and how high it stands; nobody grants above their own level."""

    level: int
    permissions: frozenset[str]


SEEDED_ROLES = {
    ADMIN: Role(80, frozenset(ADMINISTRATION | {Action.BRANCH_WORK})),
    "MANAGER": Role(50, frozenset({Action.BRANCH_WORK})),
    "CASHIER": Role(10, frozenset({Action.BRANCH_WORK})),
}


@dataclass(kw_only=True, slots=True)
class Freezable(Aggregate, ABC):
    """Active or frozen, and told so once: turning to where it stands is no change and no event."""

    status: Status = Status.ACTIVE
    created_at: datetime
    updated_at: datetime

    def turn(self, status: Status, call: Call) -> list[Fact]:
        if status is self.status:
            return []
        self.status = status
        self.updated_at = max(call.now, self.updated_at + timedelta(microseconds=1))
        return [self.record(self._turned(), *self._within())]

    @abstractmethod
    def _turned(self) -> EventData:
        """What is told of the status it has now."""

    def _within(self) -> tuple[Target, ...]:
        return ()


@dataclass(kw_only=True, slots=True)
class Tenant(Freezable):
    """`roles` is its registry, by role key."""

    kind: ClassVar[str] = "tenant"
    TURNED: ClassVar[dict[Status, type[TenantFact]]] = {Status.ACTIVE: TenantActivated, Status.FROZEN: TenantFrozen}

    name: str
    region: str
    held_at: datetime | None = None
    roles: dict[str, Role] = field(default_factory=dict)

    @classmethod
    def create(cls, command: CreateTenant, call: Call, owner: UUID) -> tuple["Tenant", Fact]:
        tenant = cls(
            id=uuid7(),
            name=command.name,
            region=command.region,
            roles=dict(SEEDED_ROLES),
            created_at=call.now,
            updated_at=call.now,
        )
        data = TenantCreated(
            tenant_id=tenant.id,
            name=tenant.name,
            region=tenant.region,
            owner_account_id=owner,
            roles=tenant.role_views(),
        )
        return tenant, tenant.record(data, Target(type="account", id=str(owner)))

    def _turned(self) -> EventData:
        return self.TURNED[self.status](tenant_id=self.id)

    def view(self) -> TenantView:
        return TenantView(
            id=self.id,
            name=self.name,
            region=self.region,
            status=self.status,
            roles=self.role_views(),
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=self.version,
        )

    def touch(self, data: EventData, call: Call) -> Fact:
        """Something inside the tenant changed, and is told."""
        self.updated_at = max(call.now, self.updated_at + timedelta(microseconds=1))
        return self.record(data)

    def hold(self, reason: str, call: Call) -> list[Fact]:
        """Held once, told once."""
        if self.held_at is not None:
            return []
        self.held_at = call.now
        return [self.touch(TenantHeld(tenant_id=self.id, reason=reason), call)]

    def release(self, reason: str, call: Call) -> list[Fact]:
        if self.held_at is None:
            return []
        self.held_at = None
        return [self.touch(TenantReleased(tenant_id=self.id, reason=reason), call)]

    def role_view(self, role_key: str) -> RoleView:
        role = self.roles[role_key]
        return RoleView(role_key=role_key, level=role.level, permissions=tuple(sorted(role.permissions)))

    def role_views(self) -> tuple[RoleView, ...]:
        """The registry, highest level first."""
        by_level = sorted(self.roles.items(), key=lambda role: (-role[1].level, role[0]))
        return tuple(self.role_view(key) for key, _ in by_level)


@dataclass(kw_only=True, slots=True)
class Branch(Freezable):
    kind: ClassVar[str] = "branch"
    TURNED: ClassVar[dict[Status, type[BranchFact]]] = {Status.ACTIVE: BranchActivated, Status.FROZEN: BranchFrozen}

    tenant_id: UUID
    name: str

    @classmethod
    def create(cls, command: CreateBranch, call: Call) -> tuple["Branch", Fact]:
        branch = cls(
            id=uuid7(), tenant_id=command.tenant_id, name=command.name, created_at=call.now, updated_at=call.now
        )
        data = BranchCreated(tenant_id=branch.tenant_id, branch_id=branch.id, name=branch.name)
        return branch, branch.record(data, *branch._within())

    def _turned(self) -> EventData:
        return self.TURNED[self.status](tenant_id=self.tenant_id, branch_id=self.id)

    def _within(self) -> tuple[Target, ...]:
        return (Target(type="tenant", id=str(self.tenant_id)),)

    def view(self) -> BranchView:
        return BranchView(
            id=self.id,
            tenant_id=self.tenant_id,
            name=self.name,
            status=self.status,
            created_at=self.created_at,
            updated_at=self.updated_at,
            version=self.version,
        )
