"""What of the staffing service can be exported, column by column. No credential is."""

from contracts.exports import DatasetName
from services.exports.dataset import Column, Dataset, Kind

_ID = Column("id", Kind.UUID)
_TENANT = Column("tenant_id", Kind.UUID)
_ACCOUNT = Column("account_id", Kind.UUID)
_STATUS = Column("status", Kind.TEXT)
_LIFE = (Column("created_at", Kind.TIMESTAMP), Column("updated_at", Kind.TIMESTAMP), Column("version", Kind.INTEGER))

TENANTS = Dataset(
    name=DatasetName.TENANTS,
    source="tenants",
    order=("id",),
    time_column="created_at",
    columns=(
        _ID,
        Column("name", Kind.TEXT),
        Column("region", Kind.TEXT),
        _STATUS,
        Column("held_at", Kind.TIMESTAMP),
        *_LIFE,
    ),
)
ROLES = Dataset(
    name=DatasetName.ROLES,
    source="tenant_roles",
    order=("tenant_id", "role_key"),
    columns=(
        _TENANT,
        Column("role_key", Kind.TEXT),
        Column("level", Kind.INTEGER),
        Column("permissions", Kind.TEXTS),
    ),
)
BRANCHES = Dataset(
    name=DatasetName.BRANCHES,
    source="branches",
    order=("id",),
    time_column="created_at",
    columns=(_ID, _TENANT, Column("name", Kind.TEXT), _STATUS, *_LIFE),
)
ACCOUNTS = Dataset(
    name=DatasetName.ACCOUNTS,
    source="accounts",
    order=("id",),
    time_column="created_at",
    columns=(
        _ID,
        Column("phone", Kind.TEXT, personal=True),
        _STATUS,
        Column("created_at", Kind.TIMESTAMP),
        Column("activated_at", Kind.TIMESTAMP),
        Column("disabled_at", Kind.TIMESTAMP),
        Column("held_at", Kind.TIMESTAMP),
        Column("erased_at", Kind.TIMESTAMP),
        Column("version", Kind.INTEGER),
    ),
)
MEMBERSHIPS = Dataset(
    name=DatasetName.MEMBERSHIPS,
    source="memberships",
    order=("id",),
    time_column="created_at",
    columns=(_ID, _TENANT, _ACCOUNT, Column("kind", Kind.TEXT), Column("role_key", Kind.TEXT), _STATUS, *_LIFE),
)
PROFILES = Dataset(
    name=DatasetName.PROFILES,
    source="staff_profiles",
    order=("tenant_id", "account_id"),
    time_column="active_since",
    columns=(
        _TENANT,
        _ACCOUNT,
        Column("display_name", Kind.TEXT, personal=True),
        _STATUS,
        Column("active_since", Kind.TIMESTAMP),
        Column("revoked_at", Kind.TIMESTAMP),
    ),
)
BRANCH_ASSIGNMENTS = Dataset(
    name=DatasetName.BRANCH_ASSIGNMENTS,
    source="branch_assignments",
    order=("id",),
    time_column="assigned_at",
    columns=(
        _ID,
        _TENANT,
        _ACCOUNT,
        Column("branch_id", Kind.UUID),
        _STATUS,
        Column("assigned_by", Kind.TEXT),
        Column("assigned_at", Kind.TIMESTAMP),
        Column("reason", Kind.TEXT),
        Column("removed_at", Kind.TIMESTAMP),
    ),
)
DATASETS = (TENANTS, ROLES, BRANCHES, ACCOUNTS, MEMBERSHIPS, PROFILES, BRANCH_ASSIGNMENTS)
