"""A partners service of our own for each module, and the bus to speak to it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from contracts.partners import COMMANDS, QUERIES
from deploy.local.stack import Stack
from tests.support import Bus, ServiceProcess, Tables
from tests.support.groups import skip_backlog


@pytest.fixture(scope="module")
def quiet(stack: Stack) -> None:
    """Nothing is left on the topics of the partners service that an earlier module sent."""
    for topic in (COMMANDS, QUERIES):
        skip_backlog(stack, topic, topic)


@pytest.fixture(scope="module")
def partners(stack: Stack, quiet: None) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "partners", supervised=True) as process:
        yield process


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with Bus.of(stack) as found:
        yield found


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "partners")
