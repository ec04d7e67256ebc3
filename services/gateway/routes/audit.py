"""Reading the audit log over HTTP."""

from contracts import audit as contract
from contracts import audit_as_of as past
from contracts import audit_consistency as growth
from services.gateway.asking import query
from services.gateway.routing import Routes
from services.gateway.unsealing import unsealed

routes = Routes()
query(routes, "/api/v1/audit/events", contract.ListEvents, contract.EventPage, unsealed)
query(routes, "/api/v1/audit/events/{event_id}", contract.GetEvent, contract.EventView, unsealed)
query(routes, "/api/v1/audit/events/{event_id}/proof", contract.ProveEvent, contract.EventProof)
query(routes, "/api/v1/audit/checkpoints/newest", contract.GetCheckpoint, contract.CheckpointView)
query(routes, "/api/v1/audit/checkpoints", growth.ListCheckpoints, growth.CheckpointPage)
query(routes, "/api/v1/audit/consistency", growth.ProveConsistency, growth.ConsistencyProof)
query(routes, "/api/v1/audit/partners/{partner_id}", past.GetPartnerAsOf, past.PartnerAsOf)
query(routes, "/api/v1/audit/partners/{partner_id}/roster", past.GetRosterAsOf, past.RosterAsOf)
query(routes, "/api/v1/audit/memberships/{membership_id}", past.GetMembershipAsOf, past.MembershipAsOf)
query(routes, "/api/v1/audit/branches/{branch_id}/access", past.GetBranchAccessAsOf, past.BranchAccessAsOf)
