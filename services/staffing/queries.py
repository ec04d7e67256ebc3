"""Questions about a tenant, for its owners and admins. A stranger's tenant is not there (S2.21).

The number of statements is the same for ten and for a thousand staff (P11).
"""

from collections.abc import Sequence
from uuid import UUID

from contracts.access import Action
from contracts.failures import Code
from contracts.message import Actor, Query
from contracts.roles import Role
from contracts.staffing import (
    BranchPage,
    GetQuotas,
    GetStaff,
    GetTenant,
    ListBranches,
    ListStaff,
    NotificationStatus,
    StaffPage,
    StaffView,
)
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.staffing.access import gate
from services.staffing.access.admission import ROOT_ADMINS
from services.staffing.provisioning.quotas import quotas_of
from services.staffing.provisioning.usage import load_counts
from services.staffing.scope import scoped
from services.staffing.staff import Staff
from services.staffing.staff_list import CursorInvalidError, load_seats
from services.staffing.store import branch_of, load_staff, load_tenants

_BRANCHES = """
    SELECT id, version, status, created_at, updated_at, tenant_id, name FROM branches
    WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3
"""
_NOTIFICATIONS = """
    SELECT DISTINCT ON (account_id) account_id, status FROM notifications
    WHERE tenant_id = $1 AND account_id = ANY($2::uuid[]) ORDER BY account_id, created_at DESC
"""


class Questions:
    """Knows the issuer of staff tokens; everything else is read at the moment of asking."""

    def __init__(self, staff_issuer: str) -> None:
        self._staff_issuer = staff_issuer

    def handlers(self) -> dict[type[Query], QueryHandler]:
        handlers: dict[type[Query], QueryHandler] = {
            GetTenant: self.get_tenant,
            GetQuotas: self.get_quotas,
            ListBranches: self.list_branches,
            ListStaff: self.list_staff,
            GetStaff: self.get_staff,
        }
        return scoped(handlers, self._staff_issuer)

    async def get_tenant(self, query: GetTenant, call: Call, read: Read) -> Outcome:
        refused = await self._refused_reader(Action.TENANT_READ, query.tenant_id, call.actor, read)
        tenant = None if refused else (await load_tenants(read, [query.tenant_id], lock=False)).get(query.tenant_id)
        if tenant is None:
            return refused or Refusal(Code.NOT_FOUND)
        return Reply(200, tenant.view(), etag=tenant.etag)

    async def get_quotas(self, query: GetQuotas, call: Call, read: Read) -> Outcome:
        refused = await self._refused_reader(Action.TENANT_READ, query.tenant_id, call.actor, read, ROOT_ADMINS)
        tenant = None if refused else (await load_tenants(read, [query.tenant_id], lock=False)).get(query.tenant_id)
        if tenant is None:
            return refused or Refusal(Code.NOT_FOUND)
        count = (await load_counts(read, [tenant.id]))[tenant.id]
        return Reply(200, quotas_of(count, tenant))

    async def list_branches(self, query: ListBranches, call: Call, read: Read) -> Outcome:
        refused = await self._refused_reader(Action.BRANCH_READ, query.tenant_id, call.actor, read)
        if refused:
            return refused
        args = (query.tenant_id, query.starting_after, query.limit + 1)
        branches = [branch_of(row) for row in (await read.exec_driver_sql(_BRANCHES, args)).mappings()]
        views = tuple(branch.view() for branch in branches[: query.limit])
        return Reply(200, BranchPage(data=views, has_more=len(branches) > query.limit))

    async def list_staff(self, query: ListStaff, call: Call, read: Read) -> Outcome:
        refused = await gate.refused(Action.STAFF_READ, query.tenant_id, call.actor, self._staff_issuer, read)
        if refused:
            return refused
        try:
            seats = await load_seats(read, query)
        except CursorInvalidError:
            return Refusal(Code.CURSOR_INVALID)
        staff = await load_staff(read, seats[: query.limit])
        views = await _views(list(staff.values()), query.tenant_id, read)
        return Reply(200, StaffPage(data=views, has_more=len(seats) > query.limit))

    async def get_staff(self, query: GetStaff, call: Call, read: Read) -> Outcome:
        refused = await gate.refused(Action.STAFF_READ, query.tenant_id, call.actor, self._staff_issuer, read)
        if refused:
            return refused
        staff = list((await load_staff(read, [(query.tenant_id, query.account_id)])).values())
        if not staff:
            return Refusal(Code.NOT_FOUND)
        (view,) = await _views(staff, query.tenant_id, read)
        return Reply(200, view, etag=staff[0].etag)

    async def _refused_reader(
        self, action: Action, tenant_id: UUID, actor: Actor, read: Read, readers: frozenset[Role] = gate.READERS
    ) -> Refusal | None:
        if actor.holds_any(readers):
            return None
        return await gate.refused(action, tenant_id, actor, self._staff_issuer, read)


async def _views(staff: Sequence[Staff], tenant_id: UUID, read: Read) -> tuple[StaffView, ...]:
    accounts = [member.account_id for member in staff]
    rows = (await read.exec_driver_sql(_NOTIFICATIONS, (tenant_id, accounts))).all()
    sent = {row.account_id: row.status for row in rows}
    statuses = [NotificationStatus(sent.get(account, NotificationStatus.NONE)) for account in accounts]
    return tuple(member.view(notification=status) for member, status in zip(staff, statuses, strict=True))
