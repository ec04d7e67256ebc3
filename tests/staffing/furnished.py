"""Two tenants with rows in every table that holds tenants' facts, found from the catalogue."""

from typing import LiteralString, NamedTuple
from uuid import UUID

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
    return Pair(ours, theirs, UUID(visitor.subject))


async def _rehire(office: Office, shop: Shop) -> None:
    """Somebody whose first period is over."""
    phone = new_phone()
    person = (await office.hired(shop, phone=phone)).subject
    with office.tables.connection() as admin:
        admin.execute("UPDATE memberships SET status = 'REVOKED' WHERE account_id = %s", (person,))
        admin.execute(
            "UPDATE staff_profiles SET status = 'REVOKED', revoked_at = clock_timestamp() WHERE account_id = %s",
            (person,),
        )
        admin.execute(
            "UPDATE branch_assignments SET status = 'REMOVED', removed_at = now() WHERE account_id = %s", (person,)
        )
    assert (await office.hire(shop, phone=phone)).status == 200
