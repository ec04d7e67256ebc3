"""Legal holds, keys of people, accounts that are erased."""

from alembic import op

revision = "staffing_0008"
down_revision = "staffing_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(HOLDS)
    op.execute(KEYS)
    op.execute(ACCOUNTS)


HOLDS = """
    ALTER TABLE tenants ADD held_at timestamptz;
    ALTER TABLE accounts ADD held_at timestamptz;
    GRANT UPDATE (held_at) ON tenants, accounts TO staffing;
"""

KEYS = """
    CREATE TABLE person_keys (
        person_id uuid PRIMARY KEY REFERENCES accounts,
        wrapped bytea NOT NULL CONSTRAINT person_keys_wrapped CHECK (octet_length(wrapped) = 60),
        created_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE person_keys IS 'what events seal of a person opens with this row alone: deleted, it is gone';
    GRANT SELECT, INSERT, DELETE ON person_keys TO staffing;
"""

ACCOUNTS = """
    ALTER TABLE accounts
        ADD erased_at timestamptz,
        ALTER phone DROP NOT NULL,
        -- S2.26 until the person is erased; whoever is given the number later is somebody else
        ADD CONSTRAINT accounts_phone_until_erased CHECK ((phone IS NULL) = (erased_at IS NOT NULL)),
        ADD CONSTRAINT accounts_erased_without_password CHECK (erased_at IS NULL OR password_hash IS NULL);
    GRANT UPDATE (phone, erased_at) ON accounts TO staffing;
    -- a hash of phone and name can be searched for, so it goes too
    GRANT UPDATE (content_sha256) ON staff_bulk_rows TO staffing;
"""
