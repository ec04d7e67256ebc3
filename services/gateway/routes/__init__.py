"""The routes of the API, one file for each owner."""

from services.gateway.routes import operations, partners
from services.gateway.routing import Routes

ALL: tuple[Routes, ...] = (partners.routes,)
ROUTERS = (*(routes.router for routes in ALL), operations.router)
