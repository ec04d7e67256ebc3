"""Roles, access checks and one's own memberships over HTTP."""

from services.gateway.routing import Routes

routes = Routes()
