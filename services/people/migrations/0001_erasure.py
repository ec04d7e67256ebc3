"""Stored answers say whom they are about, so that an erasure finds them; dead letters can lose what they hold."""

from alembic import context, op

revision = "people_0001"
down_revision = None
branch_labels = ("people",)
depends_on = "chassis_0003"


def upgrade() -> None:
    op.execute(ABOUT)
    op.execute(f"GRANT UPDATE (body) ON replies TO {context.config.attributes['service']}")
    op.execute(f"GRANT UPDATE (key, value, headers) ON dead_letters TO {context.config.attributes['service']}")


# Read as json and not as jsonb: a body may hold the one character that jsonb refuses.
ABOUT = """
    ALTER TABLE replies ADD about uuid;
    COMMENT ON COLUMN replies.about IS 'the person or partner whose personal data the body holds';
    UPDATE replies SET about = (COALESCE(
        convert_from(body, 'UTF8')::json ->> 'account_id',
        convert_from(body, 'UTF8')::json -> 'existing' ->> 'account_id',
        CASE WHEN convert_from(body, 'UTF8')::json -> 'contacts' IS NOT NULL
             THEN convert_from(body, 'UTF8')::json ->> 'id' END
    ))::uuid WHERE substring(body FOR 1) = '{';
    CREATE INDEX replies_about ON replies (about) WHERE about IS NOT NULL;
"""
