"""A person on a tenant's staff: membership, profile and branch assignments, one aggregate under one version.

`decision` says what a provisioning does to somebody who is there. Kind and role are separate facts: a role change
never touches OWNER (S2.12, S2.32). Branch access is explicit for everybody, owners and admins included (S2.60).
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.message import Target
from contracts.staff_events import BranchAccessGranted, MembershipGranted, StaffProvisioned
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

    @property
    def seat(self) -> tuple[UUID, UUID]:
        return self.tenant_id, self.account_id

    @classmethod
    def provision(
        cls, tenant_id: UUID, account_id: UUID, kind: MembershipKind, wanted: Wanted, call: Call
    ) -> tuple["Staff", list[Fact]]:
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
        return staff, staff._granted(wanted.branch_ids, ProvisioningOutcome.CREATED, call)

    def reactivate(self, wanted: Wanted, call: Call) -> list[Fact]:
        """A new dated period; branches of the old one are not restored (S2.35)."""
        self.status = self.profile_status = Standing.ACTIVE
        self.role_key, self.display_name = wanted.role_key, wanted.display_name
        self.active_since, self.revoked_at = call.now, None
        self.updated_at = max(call.now, self.updated_at + timedelta(microseconds=1))
        return self._granted(wanted.branch_ids, ProvisioningOutcome.REACTIVATED, call)

    def copied(self) -> "Staff":
        """For a trial; assignments are changed in place, so they are copied too."""
        return replace(self, assignments=[copy(assignment) for assignment in self.assignments])

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

    def _granted(self, branch_ids: Sequence[UUID], outcome: ProvisioningOutcome, call: Call) -> list[Fact]:
        named: dict[str, Any] = {
            "tenant_id": self.tenant_id,
            "account_id": self.account_id,
            "membership_id": self.id,
        }
        role: dict[str, Any] = {"membership_kind": self.membership_kind, "role_key": self.role_key}
        about = (Target(type="tenant", id=str(self.tenant_id)), Target(type="account", id=str(self.account_id)))
        facts = [
            self.record(MembershipGranted(**named, **role), *about),
            self.record(StaffProvisioned(**named, **role, branch_ids=tuple(branch_ids), outcome=outcome), *about),
        ]
        for branch_id in branch_ids:
            reason = f"staff {outcome}"
            assignment = Assignment(uuid7(), branch_id, call.actor.subject, call.now, reason)
            self.assignments.append(assignment)
            data = BranchAccessGranted(**named, assignment_id=assignment.id, branch_id=branch_id, reason=reason)
            facts.append(self.record(data, *about, Target(type="branch", id=str(branch_id))))
        return facts

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
