"""Memberships, their periods, branch access, branches and roles made again from events, as the log keeps them.

Only what an event says is used, and only the order within an aggregate: topics are read side by side.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from tests.staffing.office import Office

Row = tuple[Any, ...]
Tables = dict[str, dict[Any, Row]]
"""The rows of each table by what names them."""

COLUMNS = {
    "tenants": ("id", "name region status version"),
    "tenant_roles": ("(tenant_id, role_key)", "level permissions"),
    "branches": ("id", "tenant_id name status version"),
    "memberships": ("id", "tenant_id account_id kind role_key status version created_at"),
    "staff_profiles": ("(tenant_id, account_id)", "status active_since revoked_at"),
    "staff_profile_periods": (
        "(tenant_id, account_id, row_number() OVER (PARTITION BY tenant_id, account_id ORDER BY active_since))",
        "active_since revoked_at",
    ),
    "branch_assignments": (
        "id",
        "tenant_id account_id branch_id status assigned_by assigned_at reason removed_at",
    ),
}
"""What names a row of each table, and what must be the same. Names and phones of people are in no event."""
VERSIONED = {"tenant": "tenants", "branch": "branches", "membership": "memberships"}


class MissingEventError(Exception):
    """An aggregate's events count from 1, so a hole shows."""


def stored(office: Office, tenants: list[UUID]) -> Tables:
    """What the service has."""
    found: Tables = {}
    for table, (key, columns) in COLUMNS.items():
        whose = "id" if table == "tenants" else "tenant_id"
        statement = f"SELECT {key}, {', '.join(columns.split())} FROM {table} WHERE {whose} = ANY(%s)"
        rows = [tuple(row.values()) for row in office.tables.rows(statement, tenants)]
        found[table] = {_plain(row[0]): tuple(map(_plain, row[1:])) for row in rows}
    return found


def events_about(office: Office, tenants: list[UUID]) -> list[dict[str, Any]]:
    """The bytes that were published and logged, read again."""
    named = {str(tenant) for tenant in tenants}
    events = [orjson.loads(row["value"]) for row in office.tables.rows("SELECT value FROM outbox")]
    return [event for event in events if event["data"].get("tenant_id") in named and event["outcome"] == "SUCCEEDED"]


def differences(one: Tables, other: Tables) -> list[str]:
    """Both ways: what is in one and not, or not so, in the other."""
    return [
        f"{table} {key}: {one[table].get(key)} / {other[table].get(key)}"
        for table in COLUMNS
        for key in one[table].keys() | other[table].keys()
        if one[table].get(key) != other[table].get(key)
    ]


def rebuilt(events: Iterable[dict[str, Any]]) -> Tables:
    rows: dict[str, dict[Any, dict[str, Any]]] = {table: defaultdict(dict) for table in COLUMNS}
    reached: dict[str, int] = defaultdict(int)
    for event in sorted(events, key=lambda event: event["aggregate_version"]):
        aggregate, version = event["aggregate_id"], event["aggregate_version"]
        if version != reached[aggregate] + 1:
            raise MissingEventError(aggregate, version)
        reached[aggregate] = version
        _apply(event, rows)
        rows[VERSIONED[event["aggregate_type"]]][aggregate]["version"] = version
    return {
        table: {key: tuple(row.get(column) for column in COLUMNS[table][1].split()) for key, row in found.items()}
        for table, found in rows.items()
    }


def _apply(event: dict[str, Any], rows: dict[str, dict[Any, dict[str, Any]]]) -> None:  # noqa: C901, PLR0912
    data, at = event["data"], _moment(event["occurred_at"])
    tenant, roles = rows["tenants"][data["tenant_id"]], rows["tenant_roles"]
    branch = rows["branches"][data["branch_id"]] if event["aggregate_type"] == "branch" else {}
    member = rows["memberships"][data["membership_id"]] if event["aggregate_type"] == "membership" else {}
    match event["type"]:
        case "tenant.created":
            tenant |= {"name": data["name"], "region": data["region"], "status": "ACTIVE"}
            for role in data["roles"]:
                defined = {"level": role["level"], "permissions": sorted(role["permissions"])}
                roles[data["tenant_id"], role["role_key"]] |= defined
        case "tenant.frozen" | "tenant.activated":
            tenant["status"] = "FROZEN" if event["type"].endswith("frozen") else "ACTIVE"
        case "role.defined":
            defined = {"level": data["level"], "permissions": sorted(data["permissions"])}
            roles[data["tenant_id"], data["role_key"]] |= defined
        case "role.removed":
            del roles[data["tenant_id"], data["role_key"]]
        case "branch.created":
            branch |= {"tenant_id": data["tenant_id"], "name": data["name"], "status": "ACTIVE"}
        case "branch.frozen" | "branch.activated":
            branch["status"] = "FROZEN" if event["type"].endswith("frozen") else "ACTIVE"
        case "membership.granted":
            member |= {name: data[name] for name in ("tenant_id", "account_id", "role_key")}
            member |= {"kind": data["membership_kind"], "status": "ACTIVE", "created_at": member.get("created_at", at)}
            _begin_period(data["tenant_id"], data["account_id"], at, rows)
        case "membership.role_changed":
            member["role_key"] = data["role_key"]
        case "membership.kind_changed":
            member["kind"] = data["membership_kind"]
        case "membership.revoked":
            member["status"] = "REVOKED"
            profile = rows["staff_profiles"][data["tenant_id"], data["account_id"]]
            profile |= {"status": "REVOKED", "revoked_at": max(at, profile["active_since"] + timedelta(microseconds=1))}
        case "branch_access.granted":
            given = {name: data[name] for name in ("tenant_id", "account_id", "branch_id", "reason")}
            by = {"assigned_by": event["actor"]["subject"], "assigned_at": at, "status": "ACTIVE"}
            rows["branch_assignments"][data["assignment_id"]] |= given | by
        case "branch_access.removed":
            rows["branch_assignments"][data["assignment_id"]] |= {"status": "REMOVED", "removed_at": at}


def _begin_period(tenant: str, account: str, at: datetime, rows: dict[str, dict[Any, dict[str, Any]]]) -> None:
    """Of who was revoked, the period before is over; one begins no earlier than the last ended (S2.35)."""
    profile, over = rows["staff_profiles"][tenant, account], rows["staff_profile_periods"]
    if profile:
        number = sum(period[:2] == (tenant, account) for period in over) + 1
        over[tenant, account, str(number)] = {name: profile[name] for name in ("active_since", "revoked_at")}
        at = max(at, profile["revoked_at"])
    profile |= {"status": "ACTIVE", "active_since": at, "revoked_at": None}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _plain(value: Any) -> Any:
    """As JSON has it; moments stay moments, and what a role permits has no order."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return sorted(value) if isinstance(value, list) else value
