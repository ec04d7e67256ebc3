"""A log with events of every class, old and young, and the two logins that purge it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.local.stack import Stack
from services.chassis.database import connect
from tests.audit.ledger import Ledger
from tests.audit.retention.purging import Purging


@pytest_asyncio.fixture
async def purging(stack: Stack, ledger: Ledger) -> AsyncIterator[Purging]:
    name = ledger.admin_dsn.rpartition("/")[2]
    remover = connect(stack.state.dsn("audit_retention", driver="postgresql+asyncpg", database=name))
    yield Purging(ledger, remover)
    await remover.dispose()
