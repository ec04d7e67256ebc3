"""Which tenants, or whose own facts, a transaction is about: declared first, since nothing is seen before.

The second wall of isolation. The first are the WHERE clauses of this service; where one forgets its tenant, row-level
security (migration 0005) still shows and takes only rows of the tenants declared here. Each declaration is local to
its transaction (`SET LOCAL`), so the next user of a pooled connection starts with nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from contracts.access import ListMyMemberships
from contracts.message import Query
from services.chassis import Call, Outcome, Read, Write
from services.chassis.queries import QueryHandler
from services.staffing.access.admission import account_of

_DECLARE = "SELECT set_config($1, $2, true)"
TENANTS, ACCOUNT, WORK = "gatehouse.tenants", "gatehouse.account", "gatehouse.work"
MESSAGES, BULK_KEYS = "messages", "bulk_keys"


async def declare_tenants(connection: Read | Write, tenants: Iterable[UUID]) -> None:
    """From here on the transaction sees and writes rows of these tenants, and of no others."""
    ids = ",".join(sorted(map(str, tenants)))
    if ids:
        await connection.exec_driver_sql(_DECLARE, (TENANTS, f"{{{ids}}}"))


async def declare_account(connection: Read | Write, account_id: UUID) -> None:
    """A person reads what is theirs in whichever tenant: memberships, profiles, assignments, and where those are."""
    await connection.exec_driver_sql(_DECLARE, (ACCOUNT, str(account_id)))


async def declare_nobody(tx: Write) -> None:
    """No person is declared any more; tenants stay declared."""
    await tx.exec_driver_sql(_DECLARE, (ACCOUNT, ""))


async def declare_messages(tx: Write) -> None:
    """Background work on text messages is for all tenants, and sees nothing else of them."""
    await declare_work(tx, MESSAGES)


async def declare_work(tx: Write, work: str) -> None:
    await tx.exec_driver_sql(_DECLARE, (WORK, work))


def scoped(handlers: Mapping[type[Query], QueryHandler], staff_issuer: str) -> dict[type[Query], QueryHandler]:
    """The handlers, each in a transaction that has declared the tenant its question names, or who asks of oneself."""
    return {query: _declaring(handler, staff_issuer) for query, handler in handlers.items()}


def _declaring(handler: QueryHandler, staff_issuer: str) -> QueryHandler:
    async def declared(query: Any, call: Call, read: Read) -> Outcome:
        # Questions come on connections without transactions, where a local declaration would be over at once.
        await read.execution_options(isolation_level="READ COMMITTED")
        if isinstance(query, ListMyMemberships):
            account_id = account_of(call.actor, staff_issuer)
            if account_id:
                await declare_account(read, account_id)
        else:
            await declare_tenants(read, [query.tenant_id])
        return await handler(query, call, read)

    return declared
