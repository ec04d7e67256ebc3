"""Role registries: what a batch defined, changed or removed."""

from services.chassis import Write
from services.staffing.book import Book

# One text a row, since unnest would flatten an array of arrays; names hold no blanks.
_DEFINE = """
    INSERT INTO tenant_roles AS r (tenant_id, role_key, level, permissions)
    SELECT n.tenant_id, n.role_key, n.level, string_to_array(n.permissions, ' ')
    FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[]) AS n(tenant_id, role_key, level, permissions)
    ON CONFLICT (tenant_id, role_key) DO UPDATE SET level = excluded.level, permissions = excluded.permissions
"""
_REMOVE = """
    DELETE FROM tenant_roles r USING unnest($1::uuid[], $2::text[]) AS gone(tenant_id, role_key)
    WHERE r.tenant_id = gone.tenant_id AND r.role_key = gone.role_key
"""


async def save_roles(tx: Write, book: Book) -> None:
    now = {(tenant.id, key): role for tenant in book.tenants.values() for key, role in tenant.roles.items()}
    defined = [(place, role) for place, role in now.items() if book.stored_roles.get(place) != role]
    if defined:
        tenants, keys = zip(*(place for place, _ in defined), strict=True)
        levels = [role.level for _, role in defined]
        permissions = [" ".join(sorted(role.permissions)) for _, role in defined]
        await tx.exec_driver_sql(_DEFINE, (list(tenants), list(keys), levels, permissions))
    removed = book.stored_roles.keys() - now.keys()
    if removed:
        tenants, keys = zip(*removed, strict=True)
        await tx.exec_driver_sql(_REMOVE, (list(tenants), list(keys)))
