"""Lists of staff by branch; somebody's memberships and branches of every time."""

from alembic import op

revision = "staffing_0006"
down_revision = "staffing_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(INDEXES)


INDEXES = """
    CREATE INDEX memberships_by_account ON memberships (account_id);
    CREATE INDEX branch_assignments_by_staff ON branch_assignments (tenant_id, account_id);
    CREATE INDEX branch_assignments_by_branch ON branch_assignments (tenant_id, branch_id, account_id)
        WHERE status = 'ACTIVE';
"""
