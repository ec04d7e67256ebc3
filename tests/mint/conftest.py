"""Partners, mint worker and swap node as processes of their own, and one client of the desk after the other."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from contracts.partners import COMMANDS, QUERIES
from deploy.local.stack import Stack
from tests.support import Bus, ServiceProcess, Tables
from tests.support.groups import skip_backlog
from tests.support.minting import set_old_vouchers_aside, swap_operator
from tests.support.outside import SwapOperator

SHORT_LEASE = {"GATEHOUSE_VOUCHER_LEASE_SECONDS": "6"}
"""A worker that was killed is waited for as short as its deadlines allow."""
ONE_LOOP = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def partners(stack: Stack) -> Iterator[ServiceProcess]:
    for topic in (COMMANDS, QUERIES):
        skip_backlog(stack, topic, topic)
    set_old_vouchers_aside(stack)
    with ServiceProcess(stack, "partners", supervised=True) as process:
        yield process


@pytest.fixture(scope="module")
def mint(stack: Stack, partners: ServiceProcess) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "mint", supervised=True, env=SHORT_LEASE) as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with Bus.of(stack) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def node(stack: Stack) -> AsyncIterator[SwapOperator]:
    async with swap_operator(stack) as operator:
        yield operator


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "partners")
