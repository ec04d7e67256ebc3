"""A3, A4: whoever calls, wherever, and however wrongly: a call that was refused or changed something is in the log."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.roles import Role
from deploy.local.environment import root_admins
from deploy.local.stack import Stack
from tests.support import ServiceProcess, Tables, eventually, together, token
from tests.support.web import NO_TLS
from tests.system.walk import ROUTES, Step, steps

AT_ONCE = 8
WAYS = ("without a token", "with a bad token", "a stranger", "an insider", "malformed")


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Iterator[str]:
    generous = {"GATEHOUSE_FAILED_TOKENS_PER_SECOND": "0", "GATEHOUSE_REFUSALS_PER_SECOND": "1000"}
    owners = (ServiceProcess(stack, name) for name in ("partners", "staffing", "audit"))
    with together(ServiceProcess(stack, "gateway", env=generous), *owners) as (gateway, *_):
        yield gateway.url


@pytest_asyncio.fixture
async def http(gateway: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway, trust_env=False, verify=NO_TLS, timeout=30) as client:
        yield client


async def taken(http: httpx.AsyncClient, walk: list[Step]) -> list[httpx.Response]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def take(step: Step) -> httpx.Response:
        async with gate:
            return await http.request(
                step.route.method, step.url, headers=step.headers, params=step.query, content=step.content
            )

    return await asyncio.gather(*map(take, walk))


def logged(stack: Stack, walk: list[Step]) -> set[str]:
    """The request ids of these calls that stand in the audit log."""
    found = "SELECT DISTINCT request_id FROM events WHERE request_id = ANY(%s)"
    return {row["request_id"] for row in Tables(stack, "audit").rows(found, [step.request_id for step in walk])}


async def test_every_call_on_every_route_that_is_refused_or_changes_something_is_in_the_log(
    stack: Stack, http: httpx.AsyncClient
) -> None:
    insider = token(stack, root_admins(stack.home)[0], list(Role))
    walk = list(steps(uuid4().hex[:8], {"a stranger": token(stack, f"eve-{uuid4().hex}"), "an insider": insider}))

    answers = await taken(http, walk)
    telling = [step for step, answer in zip(walk, answers, strict=True) if step.must_tell(answer.status_code)]

    def missing() -> list[str]:
        there = logged(stack, telling)
        return [f"{step.route.method} {step.url} {step.way}" for step in telling if step.request_id not in there]

    async def are_logged() -> bool:
        assert missing() == []
        return True

    await eventually(are_logged, "everything is in the log", seconds=30)
    refused = {(step.way, step.route.path) for step, a in zip(walk, answers, strict=True) if a.is_client_error}
    open_to_anybody = {route.path for route in ROUTES if route.anonymous}
    assert len(walk) == len(ROUTES) * len(WAYS)
    for way in ("without a token", "with a bad token", "malformed"):
        assert {path for told, path in refused if told == way} >= {r.path for r in ROUTES} - open_to_anybody
