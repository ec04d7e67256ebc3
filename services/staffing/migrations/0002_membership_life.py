"""Permissions of roles; changes of kind, role and branches."""

from alembic import op

revision = "staffing_0002"
down_revision = "staffing_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(ROLES)
    op.execute(MEMBERSHIPS)


ROLES = """
    ALTER TABLE tenant_roles ADD COLUMN permissions text[] NOT NULL DEFAULT '{branch.work}';
    UPDATE tenant_roles SET permissions = '{tenant.read,branch.read,branch.create,branch.freeze,branch.activate,
        branch.work,staff.read,staff.provision,staff.change_role,staff.revoke,branch_access.change}'
    WHERE role_key = 'ADMIN';
    ALTER TABLE tenant_roles ALTER COLUMN permissions DROP DEFAULT;
    GRANT UPDATE (level, permissions), DELETE ON tenant_roles TO staffing;
"""

MEMBERSHIPS = """
    GRANT UPDATE (kind) ON memberships TO staffing;
    CREATE INDEX memberships_owners ON memberships (tenant_id) WHERE kind = 'OWNER' AND status = 'ACTIVE';
"""
