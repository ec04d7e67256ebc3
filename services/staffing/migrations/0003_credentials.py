"""Rotating refresh tokens, counters of one-time codes, accounts that are shut out, and what may be swept away."""

from alembic import op

revision = "staffing_0003"
down_revision = "staffing_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(REFRESH_TOKENS)
    op.execute(OTP_COUNTERS)
    op.execute(ACCOUNTS)
    op.execute(SWEEPING)


REFRESH_TOKENS = """
    CREATE TABLE refresh_tokens (
        -- the token itself is kept nowhere
        sha256 bytea PRIMARY KEY CONSTRAINT refresh_tokens_sha256 CHECK (octet_length(sha256) = 32),
        session_id uuid NOT NULL REFERENCES sessions,
        created_at timestamptz NOT NULL,
        used_at timestamptz CONSTRAINT refresh_tokens_order CHECK (used_at >= created_at)
    );
    -- at any moment one token of a session is good
    CREATE UNIQUE INDEX refresh_tokens_one_good ON refresh_tokens (session_id) WHERE used_at IS NULL;
    CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);
    INSERT INTO refresh_tokens SELECT refresh_sha256, id, created_at, NULL FROM sessions;
    ALTER TABLE sessions DROP COLUMN refresh_sha256;
    GRANT SELECT, INSERT, DELETE, UPDATE (used_at) ON refresh_tokens TO staffing;
"""

OTP_COUNTERS = """
    CREATE TABLE otp_counters (
        key bytea PRIMARY KEY CONSTRAINT otp_counters_hmac CHECK (octet_length(key) = 32),
        counted integer NOT NULL CONSTRAINT otp_counters_counted CHECK (counted >= 0),
        since timestamptz NOT NULL,
        asked_at timestamptz
    );
    CREATE INDEX otp_counters_by_age ON otp_counters (since);
    COMMENT ON COLUMN otp_counters.key IS 'HMAC of phone, address, tenant or country: none of them is kept';
    GRANT SELECT, INSERT, DELETE, UPDATE (counted, since, asked_at) ON otp_counters TO staffing;
"""

ACCOUNTS = """
    ALTER TABLE accounts ADD COLUMN disabled_at timestamptz;
    GRANT UPDATE (disabled_at) ON accounts TO staffing;
"""

SWEEPING = """
    -- a code that was sent is history, its challenge need not be; one still to be sent keeps it (sweep.py)
    ALTER TABLE notifications DROP CONSTRAINT notifications_challenge_id_fkey,
        ADD CONSTRAINT notifications_challenge FOREIGN KEY (challenge_id) REFERENCES otp_challenges ON DELETE SET NULL;
    CREATE INDEX notifications_of_challenge ON notifications (challenge_id) WHERE challenge_id IS NOT NULL;
    CREATE INDEX otp_challenges_by_expiry ON otp_challenges (expires_at);
    CREATE INDEX sessions_by_expiry ON sessions (expires_at);
    CREATE INDEX sessions_by_end ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
    GRANT DELETE ON otp_challenges, sessions TO staffing;
"""
