"""The partners schema of the test stack, as the service's own role sees it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.stack import Stack
from services.chassis.database import connect
from tests.support.tables import Tables


@pytest_asyncio.fixture
async def engine(stack: Stack) -> AsyncIterator[AsyncEngine]:
    engine = connect(stack.state.dsn("partners", driver="postgresql+asyncpg"))
    yield engine
    await engine.dispose()
    retire(Tables(stack, "partners"))


def retire(tables: Tables) -> None:
    """What a test wrote past the service has no history: no timer of another test's service shall find it due."""
    with tables.connection() as connection:
        connection.execute(
            "UPDATE reviews SET closed_at = now(), running_since = NULL, warn_at = NULL, due_at = NULL"
            " WHERE closed_at IS NULL"
        )
        connection.execute("UPDATE pages SET escalate_at = NULL WHERE escalate_at IS NOT NULL")
        connection.execute("UPDATE page_deliveries SET status = 'cancelled' WHERE status IN ('queued', 'failed')")
