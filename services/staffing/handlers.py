"""What each command about a tenant does: may they, what stands, let the aggregate turn, answer."""

from contracts.access import DefineRole, RemoveRole
from contracts.failures import Code
from contracts.message import Command
from contracts.provisioning import BulkProvision, ProvisionStaff
from contracts.staff_changes import (
    AddBranches,
    ChangeKind,
    ChangeRole,
    LeaveTenant,
    RemoveBranch,
    ReplaceBranches,
    RevokeStaff,
)
from contracts.staffing import (
    ActivateBranch,
    ActivateTenant,
    BranchCommand,
    CreateBranch,
    CreateTenant,
    FreezeBranch,
    FreezeTenant,
    MembershipKind,
    SetQuotas,
    Status,
    TenantCommand,
)
from services.chassis import Call, Outcome, Refusal, Reply
from services.chassis.commands import Handler
from services.staffing import accounts, exports
from services.staffing.access.admission import controller, is_root_admin, permitted
from services.staffing.book import Book
from services.staffing.branch_access import add_branches, remove_branch, replace_branches
from services.staffing.erasure import erase, holds
from services.staffing.membership import change_kind, change_role, leave_tenant, revoke_staff
from services.staffing.phone import known_region
from services.staffing.provisioning.bulk import bulk_provision
from services.staffing.provisioning.checks import check_person, refuse
from services.staffing.provisioning.provision import provision_staff
from services.staffing.provisioning.quotas import Resource, quota_refusal, set_quotas
from services.staffing.provisioning.usage import Count
from services.staffing.roles import define_role, remove_role
from services.staffing.staff import Staff, Wanted
from services.staffing.tenant import ADMIN, Branch, Tenant


def create_tenant(command: CreateTenant, call: Call, book: Book) -> Outcome:
    if not is_root_admin(book, call.actor):
        return Refusal(Code.ROOT_ADMIN_REQUIRED)
    if not known_region(command.region):
        return refuse(Code.VALIDATION_FAILED, "/region", "not a region of ISO 3166-1")
    person = check_person(command.owner.phone, command.owner.display_name, command.region, book, at="/owner")
    if isinstance(person, Refusal):
        return person
    phone, name = person
    account, identified = book.identity(phone, call)
    tenant, created = Tenant.create(command, call, account.id)
    book.tenants[tenant.id], book.counts[tenant.id] = tenant, Count()
    wanted, key = Wanted(name, ADMIN, ()), book.keys.of(account.id)
    owner, granted = Staff.provision((tenant.id, account.id), MembershipKind.OWNER, wanted, call, key)
    book.staff[owner.seat] = owner
    facts = [created, *identified, *granted]
    return Reply(201, tenant.view(), facts, tenant.etag, f"/api/v1/tenants/{tenant.id}")


def freeze_tenant(command: FreezeTenant, call: Call, book: Book) -> Outcome:
    return _turn_tenant(command, call, book, Status.FROZEN)


def activate_tenant(command: ActivateTenant, call: Call, book: Book) -> Outcome:
    return _turn_tenant(command, call, book, Status.ACTIVE)


def create_branch(command: CreateBranch, call: Call, book: Book) -> Outcome:
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    full = quota_refusal(book, admitted[0], Resource.BRANCHES)
    if full:
        return full
    branch, created = Branch.create(command, call)
    book.branches[branch.id] = branch
    return Reply(201, branch.view(), [created], branch.etag)


def freeze_branch(command: FreezeBranch, call: Call, book: Book) -> Outcome:
    return _turn_branch(command, call, book, Status.FROZEN)


def activate_branch(command: ActivateBranch, call: Call, book: Book) -> Outcome:
    return _turn_branch(command, call, book, Status.ACTIVE)


def _turn_tenant(command: TenantCommand, call: Call, book: Book, status: Status) -> Outcome:
    tenant = controller(command, call.actor, book)
    if isinstance(tenant, Refusal):
        return tenant
    facts = tenant.turn(status, call)
    return Reply(200, tenant.view(), facts, tenant.etag)


def _turn_branch(command: BranchCommand, call: Call, book: Book, status: Status) -> Outcome:
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    branch = book.branches.get(command.branch_id)
    if branch is None or branch.tenant_id != command.tenant_id:
        return Refusal(Code.BRANCH_NOT_FOUND, extra={"status": 404})
    facts = branch.turn(status, call)
    return Reply(200, branch.view(), facts, branch.etag)


HANDLERS: dict[type[Command], Handler] = {
    CreateTenant: create_tenant,
    FreezeTenant: freeze_tenant,
    ActivateTenant: activate_tenant,
    CreateBranch: create_branch,
    FreezeBranch: freeze_branch,
    ActivateBranch: activate_branch,
    ProvisionStaff: provision_staff,
    BulkProvision: bulk_provision,
    SetQuotas: set_quotas,
    ChangeRole: change_role,
    ChangeKind: change_kind,
    RevokeStaff: revoke_staff,
    LeaveTenant: leave_tenant,
    AddBranches: add_branches,
    ReplaceBranches: replace_branches,
    RemoveBranch: remove_branch,
    DefineRole: define_role,
    RemoveRole: remove_role,
    **accounts.HANDLERS,
    **exports.HANDLERS,
    **holds.HANDLERS,
    **erase.HANDLERS,
}
