"""A partners service of our own for each module, and the bus to speak to it.

Modules here run their tests on one event loop (`pytestmark = ONE_LOOP`), since connecting costs more than asking.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from contracts.partners import COMMANDS, QUERIES
from deploy.local.stack import Stack
from tests.support import Bus, ServiceProcess, Tables
from tests.support.groups import skip_backlog
from tests.support.review_cases import NO_TIMERS

ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def quiet(stack: Stack) -> None:
    """Nothing is left on the topics of the partners service that an earlier module sent."""
    for topic in (COMMANDS, QUERIES):
        skip_backlog(stack, topic, topic)


@pytest.fixture(scope="module")
def partners(stack: Stack, quiet: None) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "partners", supervised=True, env=NO_TIMERS) as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with Bus.of(stack) as found:
        yield found


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "partners")
