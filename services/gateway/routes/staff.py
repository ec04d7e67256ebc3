"""The people of a tenant over HTTP."""

from contracts.provisioning import ProvisionStaff
from contracts.staff_changes import (
    AddBranches,
    BranchesView,
    ChangeKind,
    ChangeRole,
    RemoveBranch,
    ReplaceBranches,
    RevokeStaff,
)
from contracts.staffing import GetStaff, ListStaff, StaffPage, StaffView
from services.gateway.asking import query
from services.gateway.routes.tenants import TENANT
from services.gateway.routing import Routes

STAFF = f"{TENANT}/staff"
PERSON = f"{STAFF}/{{account_id}}"

routes = Routes()
routes.command("POST", STAFF, ProvisionStaff, StaffView, 201)
routes.command("PUT", f"{PERSON}/role", ChangeRole, StaffView, if_match=True)
routes.command("PUT", f"{PERSON}/kind", ChangeKind, StaffView, if_match=True)
routes.command("POST", f"{PERSON}/branches", AddBranches, BranchesView, if_match=True)
routes.command("PUT", f"{PERSON}/branches", ReplaceBranches, BranchesView, if_match=True)
routes.command("DELETE", f"{PERSON}/branches/{{branch_id}}", RemoveBranch, BranchesView, if_match=True)
routes.command("POST", f"{PERSON}/revoke", RevokeStaff, StaffView, if_match=True)
query(routes, STAFF, ListStaff, StaffPage)
query(routes, PERSON, GetStaff, StaffView)
