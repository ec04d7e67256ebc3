"""A tenant's rows are seen and written by transactions that have declared it, and by no other: row-level security.

The service's role owns no table, so the policies bind it. They are not forced on the owner, as whom only migrations
run: a later one that changes data would find no row, and say nothing. A new table of tenants is one more of TABLES.
"""

from alembic import op

revision = "staffing_0005"
down_revision = "staffing_0004"
branch_labels = None
depends_on = None

TABLES = (
    "tenant_roles",
    "branches",
    "memberships",
    "staff_profiles",
    "staff_profile_periods",
    "branch_assignments",
    "notifications",
    "tenant_quotas",
    "tenant_usage",
    "staff_bulk_rows",
)


def upgrade() -> None:
    op.execute(DECLARED)
    for table, column in (("tenants", "id"), *((table, "tenant_id") for table in TABLES)):
        op.execute(ISOLATION.format(table=table, column=column))
    op.execute(OWN)
    op.execute(NOTIFICATIONS)


# A setting that was local to a transaction which is over is not NULL but empty.
DECLARED = """
    CREATE FUNCTION declared_tenants() RETURNS uuid[] STABLE PARALLEL SAFE
        RETURN NULLIF(current_setting('gatehouse.tenants', true), '')::uuid[];
    CREATE FUNCTION declared_account() RETURNS uuid STABLE PARALLEL SAFE
        RETURN NULLIF(current_setting('gatehouse.account', true), '')::uuid;
"""

# Nothing declared is NULL, in which no tenant has a place. The sub-select is worked out once a statement. No index can
# serve array_position, and that is meant: with "= ANY" the planner led with a whole tenant where a WHERE names one row.
# Of two policies that permit, the one whose name sorts last is asked first.
ISOLATION = """
    ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tenant_declared ON {table} TO staffing
        USING (array_position((SELECT declared_tenants()), {column}) IS NOT NULL);
"""

# P11: a person reads their own memberships in every tenant, and where they are or were a member.
OWN = """
    CREATE POLICY account_declared ON memberships FOR SELECT TO staffing
        USING (account_id = (SELECT declared_account()));
    CREATE POLICY account_declared ON staff_profiles FOR SELECT TO staffing
        USING (account_id = (SELECT declared_account()));
    CREATE POLICY account_declared ON branch_assignments FOR SELECT TO staffing
        USING (account_id = (SELECT declared_account()));
    CREATE POLICY account_declared ON tenants FOR SELECT TO staffing USING (
        id IN (SELECT m.tenant_id FROM memberships m WHERE m.account_id = (SELECT declared_account()))
    );
    CREATE POLICY account_declared ON branches FOR SELECT TO staffing USING (
        id IN (
            SELECT a.branch_id FROM memberships m JOIN branch_assignments a USING (tenant_id, account_id)
            WHERE m.account_id = (SELECT declared_account())
        )
    );
"""

# A code that a person asked for themselves belongs to no tenant. Sender and sweep work for all, on this table alone.
NOTIFICATIONS = """
    CREATE POLICY no_tenant ON notifications FOR INSERT TO staffing WITH CHECK (tenant_id IS NULL);
    CREATE POLICY messages_read ON notifications FOR SELECT TO staffing
        USING ((SELECT current_setting('gatehouse.work', true)) = 'messages');
    CREATE POLICY messages_settled ON notifications FOR UPDATE TO staffing
        USING ((SELECT current_setting('gatehouse.work', true)) = 'messages');
"""
