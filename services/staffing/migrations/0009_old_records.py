"""Messages that were settled long ago, and keys of bulk rows, are forgotten.

That is work for all tenants, and declares itself: it may see and delete such rows, and change nothing.
"""

from alembic import op

revision = "staffing_0009"
down_revision = "staffing_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE INDEX notifications_settled ON notifications (settled_at) WHERE settled_at IS NOT NULL;
        CREATE INDEX staff_bulk_rows_by_age ON staff_bulk_rows (done_at);

        GRANT DELETE ON notifications, staff_bulk_rows TO staffing;
        CREATE POLICY messages_swept ON notifications FOR DELETE TO staffing
            USING ((SELECT current_setting('gatehouse.work', true)) = 'messages');
        CREATE POLICY keys_seen ON staff_bulk_rows FOR SELECT TO staffing
            USING ((SELECT current_setting('gatehouse.work', true)) = 'bulk_keys');
        CREATE POLICY keys_swept ON staff_bulk_rows FOR DELETE TO staffing
            USING ((SELECT current_setting('gatehouse.work', true)) = 'bulk_keys');
    """)
