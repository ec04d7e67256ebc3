"""The people of a tenant over HTTP."""

from contracts.provisioning import BulkProvision, BulkView, Plan, PlanStaff, ProvisionStaff
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
from services.gateway.asking import query, rehearsable
from services.gateway.routes.tenants import TENANT
from services.gateway.routing import Route, Routes

STAFF = f"{TENANT}/staff"
PERSON = f"{STAFF}/{{account_id}}"

MAX_BULK_BYTES = 1024 * 1024
"""A thousand people with a dozen branches each; what Kafka takes is six times as much."""

routes = Routes()
rehearsal = Route("POST", STAFF, PlanStaff, Plan, 200, query=("if_exists",))
rehearsable(routes, Route("POST", STAFF, ProvisionStaff, StaffView, 201, query=("if_exists",), rehearsal=rehearsal))
routes.command("POST", f"{STAFF}/bulk", BulkProvision, BulkView, max_body_bytes=MAX_BULK_BYTES)
routes.command("PUT", f"{PERSON}/role", ChangeRole, StaffView, if_match=True)
routes.command("PUT", f"{PERSON}/kind", ChangeKind, StaffView, if_match=True)
routes.command("POST", f"{PERSON}/branches", AddBranches, BranchesView, if_match=True)
routes.command("PUT", f"{PERSON}/branches", ReplaceBranches, BranchesView, if_match=True)
routes.command("DELETE", f"{PERSON}/branches/{{branch_id}}", RemoveBranch, BranchesView, if_match=True)
routes.command("POST", f"{PERSON}/revoke", RevokeStaff, StaffView, if_match=True)
query(routes, STAFF, ListStaff, StaffPage)
query(routes, PERSON, GetStaff, StaffView)
