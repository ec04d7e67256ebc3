"""How far the versions of aggregates have been looked at, so that a start need not read the log from its beginning."""

from alembic import context, op

revision = "audit_0008"
down_revision = "audit_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    service = context.config.attributes["service"]
    op.execute(f"""
        CREATE TABLE gap_watch (
            one boolean PRIMARY KEY DEFAULT true CONSTRAINT gap_watch_is_one_row CHECK (one),
            seen bigint NOT NULL,
            open bigint[] NOT NULL
        );
        COMMENT ON TABLE gap_watch IS 'derived: a note of the watch for missing events; audit verify looks at them all';
        COMMENT ON COLUMN gap_watch.seen IS 'every event before this position was looked at';
        COMMENT ON COLUMN gap_watch.open IS 'positions of events whose predecessor was missing then';
        GRANT SELECT, INSERT, UPDATE ON gap_watch TO {service};
    """)
