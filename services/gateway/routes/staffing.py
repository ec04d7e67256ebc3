"""Tenants, branches, staff and their credentials over HTTP.

Passwords and codes are sealed before they leave this process, and the tokens of a session are opened only here
(`services/gateway/secrets.py`).
"""

from contracts import staffing as contract
from contracts.message import Actor, ActorType
from services.gateway.asking import query
from services.gateway.routing import Routes
from services.gateway.secrets import Sealed

TENANTS = "/api/v1/tenants"
TENANT = f"{TENANTS}/{{tenant_id}}"
BRANCH = f"{TENANT}/branches/{{branch_id}}"
ACTIVATION = "/api/v1/activation"
ANYBODY = Actor(type=ActorType.USER, subject="anonymous")
VERIFICATION = Sealed(contract.Verification, {"code": contract.Purpose.CODE, "password": contract.Purpose.PASSWORD})
LOGIN = Sealed(contract.Login, {"password": contract.Purpose.PASSWORD}, reply=contract.Purpose.SESSION)

routes = Routes()
routes.command("POST", TENANTS, contract.CreateTenant, contract.TenantView, 201)
routes.command("POST", f"{TENANT}/freeze", contract.FreezeTenant, contract.TenantView)
routes.command("POST", f"{TENANT}/activate", contract.ActivateTenant, contract.TenantView)
routes.command("POST", f"{TENANT}/branches", contract.CreateBranch, contract.BranchView, 201)
routes.command("POST", f"{BRANCH}/freeze", contract.FreezeBranch, contract.BranchView)
routes.command("POST", f"{BRANCH}/activate", contract.ActivateBranch, contract.BranchView)
routes.command("POST", f"{TENANT}/staff", contract.ProvisionStaff, contract.StaffView, 201)
query(routes, TENANT, contract.GetTenant, contract.TenantView)
query(routes, f"{TENANT}/branches", contract.ListBranches, contract.BranchPage)
query(routes, f"{TENANT}/staff", contract.ListStaff, contract.StaffPage)
query(routes, f"{TENANT}/staff/{{account_id}}", contract.GetStaff, contract.StaffView)
routes.command("POST", ACTIVATION, contract.RequestActivation, None, 202, anonymous=ANYBODY)
routes.command(
    "POST", f"{ACTIVATION}/verify", contract.VerifyActivation, None, 204, anonymous=ANYBODY, sealed=VERIFICATION
)
routes.command("POST", "/api/v1/sessions", contract.OpenSession, contract.Session, 201, anonymous=ANYBODY, sealed=LOGIN)
