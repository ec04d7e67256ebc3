"""The master key may be changed: wrapped keys of people are wrapped anew."""

from alembic import op

revision = "partners_0008"
down_revision = "partners_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT UPDATE (wrapped) ON person_keys TO partners")
