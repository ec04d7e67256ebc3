"""Which tenants, or whose own facts, a transaction is about: declared first, since nothing is seen before.

The second wall of isolation. The first are the WHERE clauses of this service; where one forgets its tenant, row-level
security (migration 0005) still shows and takes only rows of the tenants declared here. Each declaration is local to
its transaction (`SET LOCAL`), so the next user of a pooled connection starts with nothing.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from contracts.access import ListMyMemberships
from services.chassis import Call, Outcome, Read, Write
from services.chassis.queries import QueryHandler
from services.staffing.access import account_of

_DECLARE = "SELECT set_config($1, $2, true)"
TENANTS, ACCOUNT, WORKER = "gatehouse.tenants", "gatehouse.account", "gatehouse.worker"
SMS_SENDER = "sms_sender"


async def declare_tenants(connection: Read | Write, tenants: Iterable[UUID]) -> None:
    """From here on the transaction sees and writes rows of these tenants, and of no others."""
    ids = ",".join(sorted(map(str, tenants)))
    if ids:
        await connection.exec_driver_sql(_DECLARE, (TENANTS, f"{{{ids}}}"))


async def declare_account(connection: Read, account_id: UUID) -> None:
    """A person reads what is theirs in whichever tenant: memberships, profiles, assignments, and where those are."""
    await connection.exec_driver_sql(_DECLARE, (ACCOUNT, str(account_id)))


async def declare_sms_sender(tx: Write) -> None:
    """The sender takes due messages of all tenants, and sees nothing else of them."""
    await tx.exec_driver_sql(_DECLARE, (WORKER, SMS_SENDER))


def declaring(handler: QueryHandler, staff_issuer: str) -> QueryHandler:
    """The handler, in a transaction that has declared the tenant which the question names, or who asks about oneself.

    Questions are asked on connections without transactions, where a local declaration would be over at once.
    """

    async def declared(query: Any, call: Call, read: Read) -> Outcome:
        await read.execution_options(isolation_level="READ COMMITTED")
        if isinstance(query, ListMyMemberships):
            account_id = account_of(call.actor, staff_issuer)
            if account_id:
                await declare_account(read, account_id)
        else:
            await declare_tenants(read, [query.tenant_id])
        return await handler(query, call, read)

    return declared
