"""The master key may be changed: wrapped keys of people are wrapped anew."""

from alembic import op

revision = "staffing_0010"
down_revision = "staffing_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT UPDATE (wrapped) ON person_keys TO staffing")
