"""A log with events of every class, old and young, and the two logins that purge it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.local.stack import Stack
from services.chassis.database import connect
from tests.audit.conftest import ledger, producer, settings, template
from tests.audit.ledger import Ledger
from tests.audit.retention.purging import Purging

__all__ = ["ledger", "producer", "settings", "template"]


@pytest_asyncio.fixture
async def purging(stack: Stack, ledger: Ledger) -> AsyncIterator[Purging]:
    name = ledger.admin_dsn.rpartition("/")[2]
    ledger.rows(f"GRANT CONNECT ON DATABASE {name} TO audit_retention".encode())  # type: ignore[arg-type]
    remover = connect(stack.state.dsn("audit_retention", driver="postgresql+asyncpg", database=name))
    yield Purging(ledger, remover)
    await remover.dispose()
