"""The staffing schema of the test stack, as the service's own role sees it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.stack import Stack
from services.chassis.database import connect
from tests.staffing.asking import Desk
from tests.staffing.office import Office, Shop
from tests.support.wire import producer


@pytest_asyncio.fixture
async def engine(stack: Stack) -> AsyncIterator[AsyncEngine]:
    engine = connect(stack.state.dsn("staffing", driver="postgresql+asyncpg"), pool_size=30)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def office(stack: Stack, engine: AsyncEngine) -> AsyncIterator[Office]:
    async with producer(stack, "staffing") as sender:
        office = Office(stack, engine, sender)
        yield office
        office.close()


@pytest_asyncio.fixture
async def shop(office: Office) -> Shop:
    return await office.open_shop()


@pytest_asyncio.fixture
async def desk(office: Office) -> Desk:
    return Desk(office)
