"""The routes of the API, one file for each owner."""

from services.gateway.routes import (
    access,
    accounts,
    audit,
    credentials,
    exports,
    invoices,
    partners,
    staff,
    tenants,
    vouchers,
)
from services.gateway.routing import Routes

ALL: tuple[Routes, ...] = (
    partners.routes,
    invoices.routes,
    vouchers.routes,
    tenants.routes,
    staff.routes,
    credentials.routes,
    accounts.routes,
    access.routes,
    audit.routes,
    exports.routes,
)
