"""Quotas of tenants with what is used of them, and the keys of rows that bulk calls have done."""

from alembic import op

revision = "staffing_0004"
down_revision = "staffing_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(QUOTAS)
    op.execute(BULK)
    op.execute(GRANTS)


QUOTAS = """
    CREATE TABLE quota_defaults (
        -- one row: what a tenant may have for which nobody set anything else
        only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT quota_defaults_one CHECK (only_row),
        staff integer NOT NULL CONSTRAINT quota_defaults_staff CHECK (staff >= 0),
        branches integer NOT NULL CONSTRAINT quota_defaults_branches CHECK (branches >= 0),
        role_keys integer NOT NULL CONSTRAINT quota_defaults_role_keys CHECK (role_keys >= 0)
    );
    INSERT INTO quota_defaults (staff, branches, role_keys) VALUES (10000, 500, 50);

    CREATE TABLE tenant_quotas (
        tenant_id uuid PRIMARY KEY REFERENCES tenants,
        staff integer NOT NULL CONSTRAINT tenant_quotas_staff CHECK (staff >= 0),
        branches integer NOT NULL CONSTRAINT tenant_quotas_branches CHECK (branches >= 0),
        role_keys integer NOT NULL CONSTRAINT tenant_quotas_role_keys CHECK (role_keys >= 0)
    );

    CREATE TABLE tenant_usage (
        tenant_id uuid PRIMARY KEY REFERENCES tenants,
        staff integer NOT NULL CONSTRAINT tenant_usage_staff CHECK (staff >= 0),
        branches integer NOT NULL CONSTRAINT tenant_usage_branches CHECK (branches >= 0)
    );
    COMMENT ON TABLE tenant_usage IS
        'changed under the lock of the tenant with the facts it counts; a tenant without a row is counted once';
    INSERT INTO tenant_usage (tenant_id, staff, branches)
    SELECT t.id, (SELECT count(*) FROM memberships m WHERE m.tenant_id = t.id AND m.status = 'ACTIVE'),
           (SELECT count(*) FROM branches b WHERE b.tenant_id = t.id)
    FROM tenants t;
"""

BULK = """
    CREATE TABLE staff_bulk_rows (
        tenant_id uuid NOT NULL,
        key text NOT NULL CONSTRAINT staff_bulk_rows_key CHECK (key ~ '^[!-~]{1,100}$'),
        content_sha256 bytea NOT NULL CONSTRAINT staff_bulk_rows_sha256 CHECK (octet_length(content_sha256) = 32),
        status smallint NOT NULL CONSTRAINT staff_bulk_rows_done CHECK (status IN (200, 201)),
        outcome text NOT NULL CONSTRAINT staff_bulk_rows_outcome
            CHECK (outcome IN ('created', 'unchanged', 'updated', 'reactivated')),
        account_id uuid NOT NULL,
        done_at timestamptz NOT NULL,
        -- P7: a row is done once in its tenant, whatever call it comes with
        PRIMARY KEY (tenant_id, key),
        FOREIGN KEY (tenant_id, account_id) REFERENCES memberships (tenant_id, account_id)
    );
"""

GRANTS = """
    GRANT SELECT ON quota_defaults TO staffing;
    GRANT SELECT, INSERT ON tenant_quotas, tenant_usage, staff_bulk_rows TO staffing;
    GRANT UPDATE (staff, branches, role_keys) ON tenant_quotas TO staffing;
    GRANT UPDATE (staff, branches) ON tenant_usage TO staffing;
"""
