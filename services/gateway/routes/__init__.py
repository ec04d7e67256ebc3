"""The routes of the API, one file for each owner."""

from services.gateway.routes import audit, invoices, partners, staffing
from services.gateway.routing import Routes

ALL: tuple[Routes, ...] = (partners.routes, invoices.routes, staffing.routes, audit.routes)
