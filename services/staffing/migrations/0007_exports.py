"""Exports: who asked for which file, and what it is made of until it is whole."""

from services.exports.tables import create, show

revision = "staffing_0007"
down_revision = "staffing_0006"
branch_labels = None
depends_on = None

# what is exported of the tables under row-level security
TABLES = ("tenants", "tenant_roles", "branches", "memberships", "staff_profiles", "branch_assignments")


def upgrade() -> None:
    create("staffing")
    show("staffing", TABLES)
