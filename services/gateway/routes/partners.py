"""Partner onboarding over HTTP."""

from contracts import gate
from contracts import partners as contract
from services.gateway.asking import query
from services.gateway.routing import Routes

PARTNERS = "/api/v1/partners"
PARTNER = f"{PARTNERS}/{{partner_id}}"

routes = Routes()
routes.command("POST", "/api/v1/uploads", contract.ReserveUpload, contract.Upload, 201)
routes.command("POST", PARTNERS, contract.SubmitPartner, contract.PartnerView, 201)
routes.command("POST", f"{PARTNER}/approve", contract.ApprovePartner, contract.PartnerView, if_match=True)
routes.command("POST", f"{PARTNER}/reject", contract.RejectPartner, contract.PartnerView, if_match=True)
query(routes, PARTNERS, contract.ListPartners, contract.PartnerPage)
query(routes, PARTNER, contract.GetPartner, contract.PartnerView)
query(routes, f"{PARTNER}/requirements", gate.GetRequirements, gate.RequirementsView)
query(routes, f"{PARTNER}/explain", gate.ExplainPartner, gate.ExplainView)
query(routes, f"{PARTNER}/approvals", contract.ListApprovals, contract.ApprovalPage)
