"""Inbox, stored replies, outbox and dead letters."""

from pathlib import Path

from alembic import context, op

revision = "chassis_0001"
down_revision = None
branch_labels = ("chassis",)
depends_on = None


def upgrade() -> None:
    statements = Path(__file__).with_suffix(".sql").read_text()
    op.execute(statements.replace(":role", context.config.attributes["service"]))
