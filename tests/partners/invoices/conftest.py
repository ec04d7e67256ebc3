"""A connection pool that lets twenty transactions run at once."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.stack import Stack
from services.chassis.database import connect


@pytest_asyncio.fixture
async def engine(stack: Stack) -> AsyncIterator[AsyncEngine]:
    engine = connect(stack.state.dsn("partners", driver="postgresql+asyncpg"), pool_size=24)
    yield engine
    await engine.dispose()
