"""A membership as its events tell of it: what somebody is, in which periods, and the branches they have. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contracts.audit_as_of import AssignmentAsOf, PeriodAsOf
from contracts.staff_events import (
    BranchAccessGranted,
    BranchAccessRemoved,
    MembershipGranted,
    MembershipKindChanged,
    MembershipRevoked,
    MembershipRoleChanged,
)
from contracts.staffing import Standing
from services.audit.as_of.told import Told

_INSTANT = timedelta(microseconds=1)


@dataclass(slots=True)
class Period:
    since: datetime
    until: datetime | None = None


@dataclass(slots=True)
class Membership:
    """`branches` are the assignments that stand, by branch: nobody has two to one."""

    tenant_id: str = ""
    account_id: str = ""
    kind: str = ""
    role_key: str = ""
    status: Standing = Standing.ACTIVE
    periods: list[Period] = field(default_factory=list)
    branches: dict[str, AssignmentAsOf] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """As a view has them."""
        own = {name: getattr(self, name) for name in ("tenant_id", "account_id", "kind", "role_key", "status")}
        periods = tuple(PeriodAsOf(since=period.since, until=period.until) for period in self.periods)
        return {**own, "periods": periods, "branches": tuple(self.branches.values())}


def _granted(member: Membership, told: Told) -> None:
    """A period begins no earlier than the last one ended (S2.35)."""
    for name in ("tenant_id", "account_id", "role_key"):
        setattr(member, name, told.data[name])
    member.kind, member.status = told.data["membership_kind"], Standing.ACTIVE
    over = member.periods[-1].until if member.periods else None
    member.periods.append(Period(max(told.at, over) if over else told.at))


def _role_changed(member: Membership, told: Told) -> None:
    member.role_key = told.data["role_key"]


def _kind_changed(member: Membership, told: Told) -> None:
    member.kind = told.data["membership_kind"]


def _revoked(member: Membership, told: Told) -> None:
    member.status = Standing.REVOKED
    member.periods[-1].until = max(told.at, member.periods[-1].since + _INSTANT)


def _access_granted(member: Membership, told: Told) -> None:
    given = {**told.data, "since": told.at, "assigned_by": told.actor["subject"]}
    member.branches[told.data["branch_id"]] = AssignmentAsOf.model_validate(given)


def _access_removed(member: Membership, told: Told) -> None:
    member.branches.pop(told.data["branch_id"], None)  # how it was given may have been purged


TELLS: dict[str, Callable[[Membership, Told], None]] = {
    MembershipGranted.type: _granted,
    MembershipRoleChanged.type: _role_changed,
    MembershipKindChanged.type: _kind_changed,
    MembershipRevoked.type: _revoked,
    BranchAccessGranted.type: _access_granted,
    BranchAccessRemoved.type: _access_removed,
}
