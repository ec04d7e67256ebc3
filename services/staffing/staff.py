"""A person on a tenant's staff: membership, profile and branch assignments, one aggregate under one version.

`decision` says what a provisioning does to somebody who is there. Kind and role are separate facts: a role change
never touches OWNER (S2.12, S2.32). Branch access is explicit for everybody, owners and admins included (S2.60).
"""

import dataclasses
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.message import EventData, Target
from contracts.staff_events import (
    BranchAccessGranted,
    BranchAccessRemoved,
    MembershipGranted,
    MembershipKindChanged,
    MembershipRevoked,
    MembershipRoleChanged,
    StaffProvisioned,
    StaffRenamed,
)
from contracts.staffing import (
    AssignmentView,
    MembershipKind,
    MembershipView,
    NotificationStatus,
    NotificationView,
    ProfileView,
    ProvisioningOutcome,
    StaffView,
    Standing,
)
from services.chassis import Aggregate, Call, Fact
from services.wire.personal import PersonKey


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a provisioning asks for, each part checked."""

    display_name: str
    role_key: str
    branch_ids: tuple[UUID, ...]


@dataclass(slots=True)
class Assignment:
    id: UUID
    branch_id: UUID
    assigned_by: str
    assigned_at: datetime
    reason: str
    status: str = "ACTIVE"
    removed_at: datetime | None = None


@dataclass(kw_only=True, slots=True)
class Staff(Aggregate):
    kind: ClassVar[str] = "membership"

    tenant_id: UUID
    account_id: UUID
    membership_kind: MembershipKind
    role_key: str
    status: Standing = Standing.ACTIVE
    display_name: str
    profile_status: Standing = Standing.ACTIVE
    active_since: datetime
    revoked_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    assignments: list[Assignment] = field(default_factory=list)
    periods_over: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def seat(self) -> tuple[UUID, UUID]:
        return self.tenant_id, self.account_id

    @classmethod
    def provision(
        cls, seat: tuple[UUID, UUID], kind: MembershipKind, wanted: Wanted, call: Call, key: PersonKey
    ) -> tuple["Staff", list[Fact]]:
        tenant_id, account_id = seat
        staff = cls(
            id=uuid7(),
            tenant_id=tenant_id,
            account_id=account_id,
            membership_kind=kind,
            role_key=wanted.role_key,
            display_name=wanted.display_name,
            active_since=call.now,
            created_at=call.now,
            updated_at=call.now,
        )
        named = key.fields(StaffProvisioned, display_name=wanted.display_name)
        return staff, staff._granted(wanted.branch_ids, ProvisioningOutcome.CREATED, call, named)

    def reactivate(self, wanted: Wanted, call: Call, key: PersonKey) -> list[Fact]:
        """A new dated period; branches of the old one are not restored (S2.35)."""
        if self.revoked_at is None:
            raise ValueError("only who was revoked comes back")
        self.periods_over.append((self.active_since, self.revoked_at))
        self.status = self.profile_status = Standing.ACTIVE
        before, self.display_name, self.role_key = self.display_name, wanted.display_name, wanted.role_key
        self.active_since, self.revoked_at = max(call.now, self.revoked_at), None
        self._touch(call)
        named = key.fields(StaffProvisioned, display_name=wanted.display_name, previous_display_name=before)
        return self._granted(wanted.branch_ids, ProvisioningOutcome.REACTIVATED, call, named)

    def change_role(self, role_key: str, call: Call) -> list[Fact]:
        if role_key == self.role_key:
            return []
        before, self.role_key = self.role_key, role_key
        self._touch(call)
        return [self._tell(MembershipRoleChanged(**self._named(), role_key=role_key, previous_role_key=before))]

    def change_kind(self, kind: MembershipKind, call: Call) -> list[Fact]:
        if kind is self.membership_kind:
            return []
        before, self.membership_kind = self.membership_kind, kind
        self._touch(call)
        return [self._tell(MembershipKindChanged(**self._named(), membership_kind=kind, previous_kind=before))]

    def rename(self, display_name: str, call: Call, key: PersonKey) -> list[Fact]:
        if display_name == self.display_name:
            return []
        before, self.display_name = self.display_name, display_name
        self._touch(call)
        names = key.fields(StaffRenamed, display_name=display_name, previous_display_name=before)
        return [self._tell(StaffRenamed(**self._named(), **names))]

    def grant(self, branch_ids: Iterable[UUID], reason: str, call: Call) -> list[Fact]:
        """Access to those of the branches that they do not have yet; an event for each."""
        standing = {assignment.branch_id for assignment in self.active_assignments}
        facts = []
        for branch_id in dict.fromkeys(branch_ids):
            if branch_id in standing:
                continue
            assignment = Assignment(uuid7(), branch_id, call.actor.subject, call.now, reason)
            self.assignments.append(assignment)
            self._touch(call)
            facts.append(self._tell_of(assignment, BranchAccessGranted, reason))
        return facts

    def remove(self, branch_ids: Iterable[UUID], reason: str, call: Call) -> list[Fact]:
        """No access any more to those of the branches that they have; an event for each."""
        gone = set(branch_ids)
        facts = []
        for assignment in self.active_assignments:
            if assignment.branch_id not in gone:
                continue
            assignment.status, assignment.removed_at = "REMOVED", max(call.now, assignment.assigned_at)
            self._touch(call)
            facts.append(self._tell_of(assignment, BranchAccessRemoved, reason))
        return facts

    def replace(self, branch_ids: Sequence[UUID], reason: str, call: Call) -> list[Fact]:
        """Access to exactly these branches: what goes is told before what comes."""
        gone = {assignment.branch_id for assignment in self.active_assignments} - set(branch_ids)
        return [*self.remove(gone, reason, call), *self.grant(branch_ids, reason, call)]

    def revoke(self, reason: str, call: Call, *, left: bool = False) -> list[Fact]:
        """The membership ends, with it every branch and ownership; nothing happens to who is revoked already.

        Were ownership kept, whoever owned and left could never be added again, since an owner is never overwritten.
        """
        if self.status is Standing.REVOKED:
            return []
        disowned = self.change_kind(MembershipKind.MEMBER, call)
        self.status = self.profile_status = Standing.REVOKED
        self.revoked_at = max(call.now, self.active_since + timedelta(microseconds=1))
        self._touch(call)
        revoked = self._tell(MembershipRevoked(**self._named(), left=left, reason=reason))
        return [*disowned, revoked, *self.remove([a.branch_id for a in self.active_assignments], reason, call)]

    def copied(self) -> "Staff":
        """For a trial; assignments are changed in place, so they are copied too."""
        assignments = [copy(assignment) for assignment in self.assignments]
        return dataclasses.replace(self, assignments=assignments, periods_over=list(self.periods_over))

    def diff(self, wanted: Wanted) -> dict[str, Any]:
        """What a provisioning would change, field by field; empty when the facts are the same."""
        standing = {assignment.branch_id for assignment in self.active_assignments}
        diff: dict[str, Any] = {
            name: {"existing": getattr(self, name), "requested": getattr(wanted, name)}
            for name in ("display_name", "role_key")
            if getattr(self, name) != getattr(wanted, name)
        }
        added, removed = set(wanted.branch_ids) - standing, standing - set(wanted.branch_ids)
        if added or removed:
            diff["branch_ids"] = {"added": sorted(map(str, added)), "removed": sorted(map(str, removed))}
        return diff

    @property
    def active_assignments(self) -> list[Assignment]:
        return [assignment for assignment in self.assignments if assignment.status == "ACTIVE"]

    def _granted(
        self, branch_ids: Sequence[UUID], outcome: ProvisioningOutcome, call: Call, names: dict[str, Any]
    ) -> list[Fact]:
        named = self._named() | {"membership_kind": self.membership_kind, "role_key": self.role_key}
        return [
            self._tell(MembershipGranted(**named)),
            self._tell(StaffProvisioned(**named, **names, branch_ids=tuple(branch_ids), outcome=outcome)),
            *self.grant(branch_ids, f"staff {outcome}", call),
        ]

    def _touch(self, call: Call) -> None:
        self.updated_at = max(call.now, self.updated_at + timedelta(microseconds=1))

    def _named(self) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id, "account_id": self.account_id, "membership_id": self.id}

    def _tell(self, data: EventData, *more: Target) -> Fact:
        tenant, account = str(self.tenant_id), str(self.account_id)
        return self.record(data, Target(type="tenant", id=tenant), Target(type="account", id=account), *more)

    def _tell_of(
        self, assignment: Assignment, kind: type[BranchAccessGranted] | type[BranchAccessRemoved], reason: str
    ) -> Fact:
        data = kind(**self._named(), assignment_id=assignment.id, branch_id=assignment.branch_id, reason=reason)
        return self._tell(data, Target(type="branch", id=str(assignment.branch_id)))

    def view(
        self,
        outcome: ProvisioningOutcome | None = None,
        notification: NotificationStatus = NotificationStatus.NONE,
    ) -> StaffView:
        """The `staff` shape of api.md."""
        return StaffView(
            account_id=self.account_id,
            tenant_id=self.tenant_id,
            membership=MembershipView(
                id=self.id, kind=self.membership_kind, role_key=self.role_key, status=self.status
            ),
            profile=ProfileView(display_name=self.display_name, status=self.profile_status),
            branches=tuple(
                AssignmentView(
                    branch_id=a.branch_id, status=a.status, assigned_by=a.assigned_by, assigned_at=a.assigned_at
                )
                for a in self.active_assignments
            ),
            outcome=outcome,
            notification=NotificationView(status=notification),
            version=self.version,
        )
