"""Roles, access checks and one's own memberships over HTTP."""

from contracts.access import (
    AccessView,
    CheckAccess,
    ChooseContext,
    ContextView,
    ListMyMemberships,
    ListRoles,
    MyMemberships,
    RolePage,
)
from services.gateway.asking import query, question
from services.gateway.routes.tenants import TENANT
from services.gateway.routing import Routes
from services.gateway.secrets import opened_context

ME = "/api/v1/me"

routes = Routes()
query(routes, f"{TENANT}/roles", ListRoles, RolePage)
query(routes, f"{ME}/memberships", ListMyMemberships, MyMemberships)
question(routes, f"{ME}/context", ChooseContext, ContextView, opened_context)
question(routes, "/api/v1/access/check", CheckAccess, AccessView)
