"""The partners schema of the test stack, as the service's own role sees it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.stack import Stack
from services.chassis.database import connect


@pytest_asyncio.fixture
async def engine(stack: Stack) -> AsyncIterator[AsyncEngine]:
    engine = connect(stack.state.dsn("partners", driver="postgresql+asyncpg"))
    yield engine
    await engine.dispose()
