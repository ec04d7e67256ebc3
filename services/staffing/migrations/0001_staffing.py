"""Tenants with their roles and branches, accounts, staff, one-time codes, sessions, text messages."""

from alembic import op

revision = "staffing_0001"
down_revision = None
branch_labels = ("staffing",)
depends_on = None


def upgrade() -> None:
    op.execute(TENANTS)
    op.execute(STAFF)
    op.execute(CREDENTIALS)
    op.execute(GRANTS)


TENANTS = """
    CREATE TABLE tenants (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        region text NOT NULL CONSTRAINT tenants_region CHECK (region ~ '^[A-Z]{2}$'),
        status text NOT NULL CONSTRAINT tenants_status CHECK (status IN ('ACTIVE', 'FROZEN')),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version integer NOT NULL CONSTRAINT tenants_version CHECK (version > 0)
    );

    CREATE TABLE tenant_roles (
        tenant_id uuid NOT NULL REFERENCES tenants,
        role_key text NOT NULL CONSTRAINT tenant_roles_key CHECK (role_key ~ '^[A-Z][A-Z0-9_]{0,63}$'),
        -- 100 is the owner's level and no role's: nobody is made an owner by a role
        level smallint NOT NULL CONSTRAINT tenant_roles_below_owner CHECK (level BETWEEN 1 AND 99),
        PRIMARY KEY (tenant_id, role_key)
    );

    CREATE TABLE branches (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL REFERENCES tenants,
        name text NOT NULL,
        status text NOT NULL CONSTRAINT branches_status CHECK (status IN ('ACTIVE', 'FROZEN')),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version integer NOT NULL CONSTRAINT branches_version CHECK (version > 0),
        -- what an assignment refers to, so that it cannot leave its tenant
        CONSTRAINT branches_of_tenant UNIQUE (tenant_id, id)
    );
"""

STAFF = """
    CREATE TABLE accounts (
        id uuid PRIMARY KEY,
        -- S2.26: one number, one person, in all tenants
        phone text NOT NULL CONSTRAINT accounts_phone_once UNIQUE
            CONSTRAINT accounts_e164 CHECK (phone ~ '^[+][1-9][0-9]{6,14}$'),
        status text NOT NULL CONSTRAINT accounts_status CHECK (status IN ('UNVERIFIED', 'ACTIVE')),
        password_hash text CONSTRAINT accounts_argon2id CHECK (password_hash LIKE '$argon2id$%'),
        created_at timestamptz NOT NULL,
        activated_at timestamptz,
        version integer NOT NULL CONSTRAINT accounts_version CHECK (version > 0),
        -- S2.28: only who proved to hold the phone has a password
        CONSTRAINT accounts_password_when_active CHECK (
            (status = 'ACTIVE') = (password_hash IS NOT NULL) AND (status = 'ACTIVE') = (activated_at IS NOT NULL)
        )
    );

    CREATE TABLE memberships (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL REFERENCES accounts,
        kind text NOT NULL CONSTRAINT memberships_kind CHECK (kind IN ('OWNER', 'MEMBER')),
        role_key text NOT NULL,
        status text NOT NULL CONSTRAINT memberships_status CHECK (status IN ('ACTIVE', 'REVOKED')),
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        version integer NOT NULL CONSTRAINT memberships_version CHECK (version > 0),
        -- S2.36: added again, a person keeps their membership
        CONSTRAINT memberships_once UNIQUE (tenant_id, account_id),
        -- a role in use stands in the tenant's own registry
        CONSTRAINT memberships_role FOREIGN KEY (tenant_id, role_key) REFERENCES tenant_roles
    );
    CREATE INDEX memberships_by_tenant ON memberships (tenant_id, id);

    CREATE TABLE staff_profiles (
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL,
        display_name text NOT NULL
            CONSTRAINT staff_profiles_name CHECK (char_length(display_name) BETWEEN 1 AND 80),
        status text NOT NULL CONSTRAINT staff_profiles_status CHECK (status IN ('ACTIVE', 'REVOKED')),
        active_since timestamptz NOT NULL,
        revoked_at timestamptz,
        PRIMARY KEY (tenant_id, account_id),
        FOREIGN KEY (tenant_id, account_id) REFERENCES memberships (tenant_id, account_id),
        -- the current period is open exactly while the profile is active
        CONSTRAINT staff_profiles_period CHECK ((status = 'REVOKED') = (revoked_at IS NOT NULL))
    );
    COMMENT ON COLUMN staff_profiles.active_since IS 'of the current period; earlier ones are staff_profile_periods';

    CREATE TABLE staff_profile_periods (
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL,
        active_since timestamptz NOT NULL,
        -- S2.35: a period that is over has an end, after its beginning
        revoked_at timestamptz NOT NULL CONSTRAINT staff_profile_periods_order CHECK (revoked_at > active_since),
        PRIMARY KEY (tenant_id, account_id, active_since),
        FOREIGN KEY (tenant_id, account_id) REFERENCES staff_profiles
    );

    CREATE TABLE branch_assignments (
        id uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        account_id uuid NOT NULL,
        branch_id uuid NOT NULL,
        status text NOT NULL CONSTRAINT branch_assignments_status CHECK (status IN ('ACTIVE', 'REMOVED')),
        assigned_by text NOT NULL,
        assigned_at timestamptz NOT NULL,
        reason text NOT NULL,
        removed_at timestamptz,
        -- both sides of an assignment are of one tenant
        CONSTRAINT branch_assignments_branch FOREIGN KEY (tenant_id, branch_id) REFERENCES branches (tenant_id, id),
        CONSTRAINT branch_assignments_staff FOREIGN KEY (tenant_id, account_id) REFERENCES staff_profiles,
        -- an assignment that ended says when
        CONSTRAINT branch_assignments_removed CHECK ((status = 'REMOVED') = (removed_at IS NOT NULL))
    );
    -- S2.38: one standing assignment for each person and branch
    CREATE UNIQUE INDEX branch_assignments_once ON branch_assignments (tenant_id, account_id, branch_id)
        WHERE status = 'ACTIVE';
"""

CREDENTIALS = """
    CREATE TABLE otp_challenges (
        id uuid PRIMARY KEY,
        phone_key text NOT NULL,
        account_id uuid REFERENCES accounts,
        -- P8: five tries, whoever counts
        attempts smallint NOT NULL CONSTRAINT otp_challenges_tries CHECK (attempts BETWEEN 0 AND 5),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL CONSTRAINT otp_challenges_expiry CHECK (expires_at > created_at),
        consumed_at timestamptz,
        -- a challenge of a phone that nobody has is never right
        CONSTRAINT otp_challenges_of_somebody CHECK (consumed_at IS NULL OR account_id IS NOT NULL)
    );
    CREATE INDEX otp_challenges_newest ON otp_challenges (phone_key, created_at DESC, id DESC);
    COMMENT ON COLUMN otp_challenges.phone_key IS 'HMAC of the number: strangers'' numbers are not kept';

    CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES accounts,
        -- the token itself is kept nowhere
        refresh_sha256 bytea NOT NULL CONSTRAINT sessions_refresh_once UNIQUE
            CONSTRAINT sessions_sha256 CHECK (octet_length(refresh_sha256) = 32),
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL CONSTRAINT sessions_expiry CHECK (expires_at > created_at),
        revoked_at timestamptz
    );
    CREATE INDEX sessions_by_account ON sessions (account_id) WHERE revoked_at IS NULL;

    CREATE TABLE notifications (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES accounts,
        tenant_id uuid REFERENCES tenants,
        challenge_id uuid REFERENCES otp_challenges,
        status text NOT NULL CONSTRAINT notifications_status CHECK (status IN ('queued', 'sent', 'failed')),
        tries smallint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL,
        next_try_at timestamptz NOT NULL,
        settled_at timestamptz,
        failure text,
        -- queued is the only state in which something is still to happen
        CONSTRAINT notifications_settled CHECK ((status = 'queued') = (settled_at IS NULL)),
        -- who failed says why, for the operator
        CONSTRAINT notifications_failure CHECK ((status = 'failed') <= (failure IS NOT NULL))
    );
    CREATE INDEX notifications_due ON notifications (next_try_at) WHERE status = 'queued';
    CREATE INDEX notifications_of_staff ON notifications (tenant_id, account_id, created_at DESC);
"""

GRANTS = """
    GRANT SELECT, INSERT ON tenants, tenant_roles, branches, accounts, memberships, staff_profiles,
        staff_profile_periods, branch_assignments, otp_challenges, sessions, notifications TO staffing;
    GRANT UPDATE (status, updated_at, version) ON tenants, branches TO staffing;
    GRANT UPDATE (status, password_hash, activated_at, version) ON accounts TO staffing;
    -- S2.32: the kind of a membership is not among them
    GRANT UPDATE (role_key, status, updated_at, version) ON memberships TO staffing;
    GRANT UPDATE (display_name, status, active_since, revoked_at) ON staff_profiles TO staffing;
    GRANT UPDATE (status, removed_at) ON branch_assignments TO staffing;
    GRANT UPDATE (attempts, consumed_at) ON otp_challenges TO staffing;
    GRANT UPDATE (revoked_at) ON sessions TO staffing;
    GRANT UPDATE (status, tries, next_try_at, settled_at, failure) ON notifications TO staffing;
"""
