"""Which action of the catalogue each command of a tenant's own people is. What is not here is refused to everybody."""

from contracts.access import Action, DefineRole, RemoveRole
from contracts.provisioning import BulkProvision, ProvisionStaff
from contracts.staff_changes import AddBranches, ChangeKind, ChangeRole, RemoveBranch, ReplaceBranches, RevokeStaff
from contracts.staffing import (
    ActivateBranch,
    ActivateTenant,
    CreateBranch,
    FreezeBranch,
    FreezeTenant,
    TenantCommand,
)

ACTIONS: dict[type[TenantCommand], Action] = {
    FreezeTenant: Action.TENANT_FREEZE,
    ActivateTenant: Action.TENANT_ACTIVATE,
    CreateBranch: Action.BRANCH_CREATE,
    FreezeBranch: Action.BRANCH_FREEZE,
    ActivateBranch: Action.BRANCH_ACTIVATE,
    DefineRole: Action.ROLE_DEFINE,
    RemoveRole: Action.ROLE_REMOVE,
    ProvisionStaff: Action.STAFF_PROVISION,
    BulkProvision: Action.STAFF_PROVISION,
    ChangeRole: Action.STAFF_CHANGE_ROLE,
    ChangeKind: Action.STAFF_CHANGE_KIND,
    AddBranches: Action.BRANCH_ACCESS_CHANGE,
    ReplaceBranches: Action.BRANCH_ACCESS_CHANGE,
    RemoveBranch: Action.BRANCH_ACCESS_CHANGE,
    RevokeStaff: Action.STAFF_REVOKE,
}
