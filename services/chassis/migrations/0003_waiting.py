"""Who waits for an answer that comes later."""

from pathlib import Path

from alembic import context, op

revision = "chassis_0003"
down_revision = "chassis_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text()
    op.execute(statements.replace(":role", context.config.attributes["service"]))
