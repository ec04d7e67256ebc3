"""One page of a tenant's staff, found by the filters that were asked for, in the order they came (P13).

Only the filters in use become conditions, so that each combination is planned by what it is. The order is that of the
memberships' ids, which never change: a page does not move when people come or go.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from contracts.staffing import ListStaff
from services.chassis import Read
from services.chassis.database import fetch
from services.staffing.book import Seat

_AFTER = "SELECT id FROM memberships WHERE tenant_id = $1 AND account_id = $2"
_SEATS = """
    SELECT m.tenant_id, m.account_id
    FROM memberships m JOIN staff_profiles p ON p.tenant_id = m.tenant_id AND p.account_id = m.account_id
    WHERE m.tenant_id = $1{conditions} ORDER BY m.id LIMIT $2
"""
_NAMED = "strpos(upper(p.display_name), upper({}::text)) > 0"
_AT_BRANCH = """EXISTS (SELECT FROM branch_assignments a WHERE a.tenant_id = m.tenant_id
    AND a.account_id = m.account_id AND a.branch_id = {}::uuid AND a.status = 'ACTIVE')"""


class CursorInvalidError(Exception):
    """The cursor is nobody of this tenant."""


async def load_seats(read: Read, query: ListStaff) -> list[Seat]:
    """One more than the page holds, when there are more. Raises CursorInvalidError."""
    after = None
    if query.starting_after:
        rows = await fetch(read, _AFTER, query.tenant_id, query.starting_after)
        if not rows:
            raise CursorInvalidError
        after = rows[0].id
    conditions, args = "", [query.tenant_id, query.limit + 1]
    for condition, value in _conditions(query, after):
        args.append(value)
        conditions += f" AND {condition.format(f'${len(args)}')}"
    return [(row.tenant_id, row.account_id) for row in await fetch(read, _SEATS.format(conditions=conditions), *args)]


def _conditions(query: ListStaff, after: UUID | None) -> Iterator[tuple[str, Any]]:
    if after:
        yield "m.id > {}::uuid", after
    if query.q:
        yield _NAMED, query.q
    if query.role_key:
        yield "m.role_key = {}", query.role_key
    if query.branch_id:
        yield _AT_BRANCH, query.branch_id
    if query.status:
        yield "m.status = {}", query.status.value
