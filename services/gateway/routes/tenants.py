"""Tenants and branches over HTTP."""

from contracts.legal_holds import HoldTenant, HoldView, ReleaseTenant
from contracts.staffing import (
    ActivateBranch,
    ActivateTenant,
    BranchPage,
    BranchView,
    CreateBranch,
    CreateTenant,
    FreezeBranch,
    FreezeTenant,
    GetQuotas,
    GetTenant,
    ListBranches,
    QuotasView,
    SetQuotas,
    TenantView,
)
from services.gateway.asking import query
from services.gateway.routing import Routes

TENANTS = "/api/v1/tenants"
TENANT = f"{TENANTS}/{{tenant_id}}"
BRANCH = f"{TENANT}/branches/{{branch_id}}"

routes = Routes()
routes.command("POST", TENANTS, CreateTenant, TenantView, 201)
routes.command("POST", f"{TENANT}/freeze", FreezeTenant, TenantView)
routes.command("POST", f"{TENANT}/activate", ActivateTenant, TenantView)
routes.command("POST", f"{TENANT}/branches", CreateBranch, BranchView, 201)
routes.command("POST", f"{BRANCH}/freeze", FreezeBranch, BranchView)
routes.command("POST", f"{BRANCH}/activate", ActivateBranch, BranchView)
routes.command("POST", f"{TENANT}/legal-hold", HoldTenant, HoldView)
routes.command("POST", f"{TENANT}/legal-hold/release", ReleaseTenant, HoldView)
routes.command("PUT", f"{TENANT}/quotas", SetQuotas, QuotasView)
query(routes, TENANT, GetTenant, TenantView)
query(routes, f"{TENANT}/quotas", GetQuotas, QuotasView)
query(routes, f"{TENANT}/branches", ListBranches, BranchPage)
