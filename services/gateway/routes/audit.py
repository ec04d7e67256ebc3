"""Reading the audit log over HTTP."""

from contracts import audit as contract
from services.gateway.routing import Routes

routes = Routes()
routes.query("/api/v1/audit/events", contract.ListEvents, contract.EventPage)
routes.query("/api/v1/audit/checkpoints/newest", contract.GetCheckpoint, contract.CheckpointView)
