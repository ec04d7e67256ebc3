"""Claims and answers are found by their age. Rows come in the order of time, so these indexes cost next to nothing."""

from alembic import op

revision = "upkeep_0001"
down_revision = None
branch_labels = ("upkeep",)
depends_on = "chassis_0001"


def upgrade() -> None:
    op.execute("CREATE INDEX inbox_by_time ON inbox USING brin (received_at)")
    op.execute("CREATE INDEX replies_by_time ON replies USING brin (created_at)")
