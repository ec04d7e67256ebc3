"""Tables of staffing rebuilt from the bytes of its events, without a look at the service or at the tables.

All that is trusted is the order of each aggregate's own versions, so events of different aggregates may come mixed in
any way. Names of people are not in the log, on purpose; everything else of a membership is.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import orjson

Row = dict[str, Any]
Rows = dict[str, list[Row]]

_ADMINISTRATION = """
    branch.activate branch.create branch.freeze branch.read branch.work branch_access.change
    staff.change_role staff.provision staff.read staff.revoke tenant.read
"""
SEEDED = {"ADMIN": (80, _ADMINISTRATION.split()), "MANAGER": (50, ["branch.work"]), "CASHIER": (10, ["branch.work"])}
"""What `tenant.created` means, beside its fields. Whoever seeds other roles needs a new version of that event."""

_UNTOUCHED = {"staff.provisioned"}
"""Tells the whole of what its neighbours tell part by part; nothing changes by it."""


class Rebuilt:
    def __init__(self, events: Iterable[bytes]) -> None:
        self._tenants: dict[str, Row] = {}
        self._branches: dict[str, Row] = {}
        self._memberships: dict[str, Row] = {}
        self._profiles: dict[str, Row] = {}
        self._assignments: dict[str, Row] = {}
        self._roles: dict[tuple[str, str], Row] = {}
        self._periods: list[Row] = []
        stories: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for event in map(orjson.loads, events):
            event["occurred_at"] = datetime.fromisoformat(event["occurred_at"])
            stories[event["aggregate_type"], event["aggregate_id"]].append(event)
        for (kind, _), story in stories.items():
            apply = {"tenant": self._tenant, "branch": self._branch, "membership": self._membership}[kind]
            for event in sorted(story, key=lambda told: told["aggregate_version"]):
                apply(event, event["data"])

    def rows(self) -> Rows:
        """By table, each row by the names of its columns."""
        kept: dict[str, dict[Any, Row]] = {
            "tenants": self._tenants,
            "branches": self._branches,
            "memberships": self._memberships,
            "staff_profiles": self._profiles,
            "branch_assignments": self._assignments,
            "tenant_roles": self._roles,
        }
        return {table: list(rows.values()) for table, rows in kept.items()} | {"staff_profile_periods": self._periods}

    def _tenant(self, event: Row, data: Row) -> None:
        tenant = _turned(self._tenants, event, name=data.get("name"), region=data.get("region"), status="ACTIVE")
        match event["type"].split("."):
            case ["tenant", "created"]:
                for role_key, (level, permissions) in SEEDED.items():
                    self._define(data["tenant_id"], role_key, level, permissions)
            case ["tenant", turned]:
                tenant["status"] = {"frozen": "FROZEN", "activated": "ACTIVE"}[turned]
            case ["role", "defined"]:
                self._define(data["tenant_id"], data["role_key"], data["level"], data["permissions"])
            case ["role", "removed"]:
                self._roles.pop((data["tenant_id"], data["role_key"]), None)
            case unknown:
                raise AssertionError(unknown)

    def _define(self, tenant_id: str, role_key: str, level: int, permissions: list[str]) -> None:
        role = {"tenant_id": tenant_id, "role_key": role_key, "level": level, "permissions": permissions}
        self._roles[tenant_id, role_key] = role

    def _branch(self, event: Row, data: Row) -> None:
        branch = _turned(self._branches, event, tenant_id=data["tenant_id"], name=data.get("name"))
        status = {"branch.created": "ACTIVE", "branch.frozen": "FROZEN", "branch.activated": "ACTIVE"}
        branch["status"] = status[event["type"]]

    def _membership(self, event: Row, data: Row) -> None:
        seat = {"tenant_id": data["tenant_id"], "account_id": data["account_id"]}
        member = _turned(self._memberships, event, **seat)
        match event["type"]:
            case "membership.granted":
                member |= {"kind": data["membership_kind"], "role_key": data["role_key"], "status": "ACTIVE"}
                self._begin_period(event, seat)
            case "membership.revoked":
                member["status"] = "REVOKED"
                self._end_period(event)
            case "membership.role_changed":
                member["role_key"] = data["role_key"]
            case "membership.kind_changed":
                member["kind"] = data["membership_kind"]
            case "branch_access.granted":
                self._assignments[data["assignment_id"]] = seat | {
                    "id": data["assignment_id"],
                    "branch_id": data["branch_id"],
                    "status": "ACTIVE",
                    "assigned_by": event["actor"]["subject"],
                    "assigned_at": event["occurred_at"],
                    "reason": data["reason"],
                }
            case "branch_access.removed":
                removed = self._assignments.get(data["assignment_id"])
                if removed:
                    removed |= {"status": "REMOVED", "removed_at": max(event["occurred_at"], removed["assigned_at"])}
            case "staff.provisioned" | "staff.renamed":
                pass
            case unknown:
                raise AssertionError(unknown)

    def _begin_period(self, event: Row, seat: Row) -> None:
        before, begun = self._profiles.get(event["aggregate_id"]), event["occurred_at"]
        if before and before.get("revoked_at"):
            self._periods.append({**seat, "active_since": before["active_since"], "revoked_at": before["revoked_at"]})
            begun = max(begun, before["revoked_at"])
        self._profiles[event["aggregate_id"]] = {**seat, "status": "ACTIVE", "active_since": begun}

    def _end_period(self, event: Row) -> None:
        """A period is never empty, even one that began at the very same moment."""
        profile = self._profiles.get(event["aggregate_id"])
        if profile:
            ended = max(event["occurred_at"], _after(profile["active_since"]))
            profile |= {"status": "REVOKED", "revoked_at": ended}


def _turned(rows: dict[str, Row], event: Row, **first: Any) -> Row:
    """The aggregate's row, one event older: versions count events, and each change is later than the one before."""
    now = event["occurred_at"]
    row = rows.get(event["aggregate_id"])
    if row is None:
        row = {"id": event["aggregate_id"], **first, "version": 0, "created_at": now, "updated_at": now}
        rows[event["aggregate_id"]] = row
    elif event["type"] not in _UNTOUCHED:
        row["updated_at"] = max(now, _after(row["updated_at"]))
    row["version"] += 1
    return row


def _after(moment: datetime) -> datetime:
    return moment + timedelta(microseconds=1)
