"""The one statement that ends every session of a person: by recovery, by a root admin, whoever has the reason."""

from collections.abc import Collection
from uuid import UUID

from services.chassis import Write

_END_ALL = "UPDATE sessions SET revoked_at = now() WHERE account_id = ANY($1::uuid[]) AND revoked_at IS NULL"


async def end_sessions(tx: Write, accounts: Collection[UUID]) -> None:
    """Call with the accounts locked: a login that came first is ended, one that comes later sees why."""
    if accounts:
        await tx.exec_driver_sql(_END_ALL, (list(accounts),))
