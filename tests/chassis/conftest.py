"""A partners service of our own for each module, and the bus to speak to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.local.stack import Stack
from tests.support import Bus, ServiceProcess, Tables


@pytest.fixture(scope="module")
def partners(stack: Stack) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "partners", supervised=True) as process:
        yield process


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with Bus.of(stack) as found:
        yield found


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "partners")
