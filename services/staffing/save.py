"""Write what a batch made or changed, by sets. New accounts go in the order of their phones, so that two batches
that meet the same new phones wait for each other instead of deadlocking.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from services.chassis import Write, insert
from services.people.keys import save_keys
from services.staffing.book import Book
from services.staffing.credentials.caps import save_counters
from services.staffing.credentials.notification import Prompts
from services.staffing.credentials.session_end import end_sessions
from services.staffing.erasure.store import erase_accounts, erase_traces
from services.staffing.provisioning.bulk_rows import save_rows
from services.staffing.provisioning.usage import save_counts
from services.staffing.save_roles import save_roles
from services.staffing.scope import declare_tenants
from services.staffing.staff import Staff

_BRANCHES = """
    UPDATE branches b SET version = n.version, status = n.status, updated_at = n.updated_at
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[]) AS n(id, version, status, updated_at)
    WHERE b.id = n.id
"""
_TENANTS = """
    UPDATE tenants t SET version = n.version, status = n.status, updated_at = n.updated_at, held_at = n.held_at
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[])
        AS n(id, version, status, updated_at, held_at)
    WHERE t.id = n.id
"""
_ACCOUNTS = """
    UPDATE accounts a SET version = n.version, disabled_at = n.disabled_at, held_at = n.held_at
    FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[]) AS n(id, version, disabled_at, held_at)
    WHERE a.id = n.id
"""
_PROFILES = """
    UPDATE staff_profiles p SET display_name = n.display_name, status = n.profile_status,
        active_since = n.active_since, revoked_at = n.revoked_at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
        AS n(tenant_id, account_id, display_name, profile_status, active_since, revoked_at)
    WHERE p.tenant_id = n.tenant_id AND p.account_id = n.account_id
"""
_MEMBERSHIPS = """
    UPDATE memberships m SET version = n.version, kind = n.membership_kind, role_key = n.role_key, status = n.status,
        updated_at = n.updated_at
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
        AS n(id, version, membership_kind, role_key, status, updated_at)
    WHERE m.id = n.id
"""
_REMOVED = """
    UPDATE branch_assignments a SET status = n.status, removed_at = n.removed_at
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS n(id, status, removed_at) WHERE a.id = n.id
"""


async def save(tx: Write, book: Book) -> None:
    await _save_freezables(tx, book)
    await erase_accounts(tx, book.erasures)
    accounts = sorted(book.accounts.values(), key=lambda account: account.phone)
    await insert(tx, "accounts", rows_of(book.new(accounts)))
    await save_keys(tx, book.keys)
    await update(tx, _ACCOUNTS, rows_of(book.changed(accounts)), "id", "version", "disabled_at", "held_at")
    await end_sessions(tx, book.shut_out)
    await _save_staff(tx, book)
    await save_counts(tx, book.counts)
    await save_rows(tx, book.new_rows)
    await save_prompts(tx, book.prompts)
    await book.exports.save(tx)


async def erase(tx: Write, book: Book) -> None:
    await erase_traces(tx, book.erasures, book.prompts.caps)


async def save_prompts(tx: Write, prompts: Prompts) -> None:
    await save_counters(tx, prompts.caps)
    await insert(tx, "otp_challenges", rows_of(prompts.challenges))
    await insert(tx, "notifications", rows_of(prompts.notifications))


async def _save_freezables(tx: Write, book: Book) -> None:
    tenants, branches = book.tenants.values(), book.branches.values()
    new = book.new(tenants)
    if new:
        await declare_tenants(tx, book.tenants)
    await insert(tx, "tenants", [row_of(tenant, "roles") for tenant in new])
    await save_roles(tx, book)
    await insert(tx, "branches", rows_of(book.new(branches)))
    turned = ("id", "version", "status", "updated_at")
    await update(tx, _TENANTS, rows_of(book.changed(tenants)), *turned, "held_at")
    await update(tx, _BRANCHES, rows_of(book.changed(branches)), *turned)


async def _save_staff(tx: Write, book: Book) -> None:
    new, changed = book.new(book.staff.values()), book.changed(book.staff.values())
    await insert(tx, "memberships", [_membership(staff) for staff in new])
    await insert(tx, "staff_profiles", [_profile(staff) for staff in new])
    rows = rows_of(changed)
    period = ("display_name", "profile_status", "active_since", "revoked_at")
    await update(tx, _PROFILES, rows, "tenant_id", "account_id", *period)
    await update(tx, _MEMBERSHIPS, rows, "id", "version", "membership_kind", "role_key", "status", "updated_at")
    over = [
        {"tenant_id": staff.tenant_id, "account_id": staff.account_id, "active_since": since, "revoked_at": until}
        for staff in (*new, *changed)
        for since, until in staff.periods_over
    ]
    await insert(tx, "staff_profile_periods", over)
    await _save_assignments(tx, book, [*new, *changed])


async def _save_assignments(tx: Write, book: Book, staff: Sequence[Staff]) -> None:
    """What went is written before what came, so that a branch may go and come in one batch."""
    known = [a for member in staff for a in member.assignments if a.id in book.stored and a.removed_at]
    await update(tx, _REMOVED, rows_of(known), "id", "status", "removed_at")
    granted = [
        {"tenant_id": member.tenant_id, "account_id": member.account_id, **row_of(assignment)}
        for member in staff
        for assignment in member.assignments
        if assignment.id not in book.stored
    ]
    await insert(tx, "branch_assignments", granted)


def _membership(staff: Staff) -> dict[str, Any]:
    kept = ("id", "version", "tenant_id", "account_id", "role_key", "status", "created_at", "updated_at")
    return {"kind": staff.membership_kind, **{name: getattr(staff, name) for name in kept}}


def _profile(staff: Staff) -> dict[str, Any]:
    kept = ("tenant_id", "account_id", "display_name", "active_since", "revoked_at")
    return {"status": staff.profile_status, **{name: getattr(staff, name) for name in kept}}


async def update(tx: Write, statement: str, rows: Sequence[Mapping[str, Any]], *columns: str) -> None:
    """One array a column, in the order of the statement's parameters."""
    if rows:
        await tx.exec_driver_sql(statement, tuple([row[name] for row in rows] for name in columns))


def row_of(thing: Any, *left_out: str) -> dict[str, Any]:
    return {field.name: getattr(thing, field.name) for field in fields(thing) if field.name not in left_out}


def rows_of(things: Iterable[Any]) -> list[dict[str, Any]]:
    return [row_of(thing) for thing in things]
