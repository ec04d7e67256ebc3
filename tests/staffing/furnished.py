"""Two tenants with rows in every table that holds tenants' facts, found from the catalogue."""

from typing import LiteralString, NamedTuple
from uuid import UUID

from contracts.provisioning import BulkMode, BulkProvision, BulkRow
from contracts.staff_changes import RevokeStaff
from contracts.staffing import SetQuotas
from tests.staffing.office import Office, Shop, new_phone

_TABLES: LiteralString = """
    SELECT c.relname AS name, CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END AS column,
           c.relrowsecurity AS isolated,
           (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
    FROM pg_class c WHERE c.relnamespace = 'staffing'::regnamespace AND c.relkind IN ('r', 'p')
        AND (c.relname = 'tenants' OR EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        ))
    ORDER BY c.relname
"""


class TenantTable(NamedTuple):
    """`column` says whose a row is."""

    name: str
    column: str
    isolated: bool
    policies: int


class Pair(NamedTuple):
    """Two tenants; `visitor` works in both."""

    ours: Shop
    theirs: Shop
    visitor: UUID


def tenant_tables(office: Office) -> list[TenantTable]:
    """Every table with a `tenant_id`, and `tenants` itself."""
    return [TenantTable(**row) for row in office.tables.rows(_TABLES)]


async def furnished_pair(office: Office) -> Pair:
    """Both have rows in all of `tenant_tables`; a table that is still empty needs a line here."""
    ours, theirs = await office.open_shop(), await office.open_shop()
    phone = new_phone()
    for shop in (ours, theirs):
        visitor = await office.hired(shop, phone=phone, notify="sms")
        await _rehire(office, shop)
        await _add_many(office, shop)
    return Pair(ours, theirs, UUID(visitor.subject))


async def _rehire(office: Office, shop: Shop) -> None:
    """Somebody whose first period is over."""
    phone = new_phone()
    hired = await office.hire(shop, phone=phone)
    account, version = hired.body["account_id"], hired.body["version"]
    out = RevokeStaff(tenant_id=shop.tenant_id, account_id=UUID(account), expected_version=version)
    assert (await office.tell(out, shop.owner)).status == 200
    assert (await office.hire(shop, phone=phone)).status == 200


async def _add_many(office: Office, shop: Shop) -> None:
    """A quota of the tenant's own, and a row with a key."""
    quotas = SetQuotas(tenant_id=shop.tenant_id, staff=100, branches=10, role_keys=10)
    row = BulkRow(
        key="first", phone=new_phone(), display_name="Bopha", role_key="CASHIER", branch_ids=shop.branches[:1]
    )
    many = BulkProvision(tenant_id=shop.tenant_id, mode=BulkMode.PER_ROW, rows=(row,))
    assert (await office.tell(quotas, office.root)).status == 200
    assert (await office.tell(many, shop.owner)).body["created"] == 1
