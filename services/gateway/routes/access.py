"""Roles, access checks and one's own memberships over HTTP."""

from contracts.access import (
    AccessView,
    CheckAccess,
    ChooseContext,
    ContextView,
    DefineRole,
    ListMyMemberships,
    ListRoles,
    MyMemberships,
    RemoveRole,
    RolePage,
)
from contracts.staff_changes import LeaveTenant
from contracts.staffing import RoleView
from services.gateway.asking import query, question
from services.gateway.routes.tenants import TENANT
from services.gateway.routing import Routes
from services.gateway.secrets import opened_context

ME = "/api/v1/me"

routes = Routes()
routes.command("POST", f"{TENANT}/roles", DefineRole, RoleView, 201)
routes.command("DELETE", f"{TENANT}/roles/{{role_key}}", RemoveRole, None, 204)
routes.command("POST", f"{ME}/memberships/{{tenant_id}}/leave", LeaveTenant, None, 204)
query(routes, f"{TENANT}/roles", ListRoles, RolePage)
query(routes, f"{ME}/memberships", ListMyMemberships, MyMemberships)
question(routes, f"{ME}/context", ChooseContext, ContextView, opened_context)
question(routes, "/api/v1/access/check", CheckAccess, AccessView)
