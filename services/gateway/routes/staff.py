"""The people of a tenant over HTTP."""

from contracts.provisioning import ProvisionStaff
from contracts.staffing import GetStaff, ListStaff, StaffPage, StaffView
from services.gateway.asking import query
from services.gateway.routes.tenants import TENANT
from services.gateway.routing import Routes

STAFF = f"{TENANT}/staff"
PERSON = f"{STAFF}/{{account_id}}"

routes = Routes()
routes.command("POST", STAFF, ProvisionStaff, StaffView, 201)
query(routes, STAFF, ListStaff, StaffPage)
query(routes, PERSON, GetStaff, StaffView)
