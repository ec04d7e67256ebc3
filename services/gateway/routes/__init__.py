"""The routes of the API, one file for each owner."""

from services.gateway.routes import audit, invoices, partners, staffing, vouchers
from services.gateway.routing import Routes

ALL: tuple[Routes, ...] = (partners.routes, invoices.routes, vouchers.routes, staffing.routes, audit.routes)
