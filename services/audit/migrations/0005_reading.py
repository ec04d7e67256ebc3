"""Reading by time and by outcome. Events that succeeded, nearly all, cost no index more."""

from alembic import op

revision = "audit_0005"
down_revision = "audit_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE INDEX checkpoints_by_time ON checkpoints (created_at, size);
        COMMENT ON INDEX checkpoints_by_time IS 'recorded_at never goes back, so a time is a place in the log';
        CREATE INDEX events_without_success ON events (outcome, position) WHERE outcome <> 'SUCCEEDED';
    """)
