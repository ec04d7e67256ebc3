"""Partner onboarding over HTTP."""

from contracts import decisions, erasure, gate, legal_holds, reviews
from contracts import partners as contract
from services.gateway.asking import query
from services.gateway.routing import Routes

PARTNERS = "/api/v1/partners"
PARTNER = f"{PARTNERS}/{{partner_id}}"

routes = Routes()
routes.command("POST", "/api/v1/uploads", contract.ReserveUpload, contract.Upload, 201)
routes.command("POST", PARTNERS, contract.SubmitPartner, contract.PartnerView, 201)
routes.command("POST", f"{PARTNER}/dossier", contract.FileDossier, contract.PartnerView)
routes.command("PUT", f"{PARTNER}/contacts", contract.ReplaceContacts, contract.PartnerView, if_match=True)
routes.command("POST", f"{PARTNER}/contacts/erase", erasure.EraseContact, contract.PartnerView, if_match=True)
routes.command("POST", f"{PARTNER}/approve", decisions.ApprovePartner, contract.PartnerView, if_match=True)
routes.command("POST", f"{PARTNER}/reject", decisions.RejectPartner, contract.PartnerView, if_match=True)
routes.command("POST", f"{PARTNER}/request-info", decisions.RequestInfo, contract.PartnerView, if_match=True)
routes.command("POST", f"{PARTNER}/reinstate", decisions.ReinstatePartner, contract.PartnerView, if_match=True)
routes.command("POST", f"{PARTNER}/legal-hold", legal_holds.HoldPartner, legal_holds.HoldView)
routes.command("POST", f"{PARTNER}/legal-hold/release", legal_holds.ReleasePartner, legal_holds.HoldView)
routes.command("POST", "/api/v1/pages/{page_id}/acknowledge", reviews.AcknowledgePage, reviews.PageView)
query(routes, "/api/v1/pages", reviews.ListPages, reviews.PagePage)
query(routes, PARTNERS, contract.ListPartners, contract.PartnerPage)
query(routes, PARTNER, contract.GetPartner, contract.PartnerView)
query(routes, f"{PARTNER}/requirements", gate.GetRequirements, gate.RequirementsView)
query(routes, f"{PARTNER}/explain", gate.ExplainPartner, gate.ExplainView)
query(routes, f"{PARTNER}/approvals", decisions.ListApprovals, decisions.ApprovalPage)
query(routes, f"{PARTNER}/dossiers", contract.ListDossiers, contract.DossierPage)
query(routes, f"{PARTNER}/dossiers/{{dossier_version}}", contract.GetDossier, contract.FiledDossierView)
query(routes, f"{PARTNER}/timeline", contract.GetTimeline, contract.TimelinePage)
