"""RATE_LIMITED: guessing is slow, one caller's haste is nobody else's, and a limiter never grows without bound."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.roles import Role
from deploy.local.stack import Stack
from services.gateway.allowances import Allowances
from services.gateway.limits import neighbourhood
from services.gateway.settings import GatewaySettings
from tests.support import ServiceProcess, token
from tests.support.web import NO_TLS

LIST = "/api/v1/partners?limit=0"
"""Refused by the gateway itself, so no owner need run."""
FORWARDED = "X-Forwarded-For"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_allowance_is_spent_at_once_and_comes_back_evenly() -> None:
    clock = Clock()
    allowances = Allowances(2.0, 3, clock=clock)

    assert [allowances.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert allowances.wait("a") == 0.5
    assert allowances.take("b") == 0
    clock.now += 0.5
    assert [allowances.take("a"), allowances.take("a")] == [0, 0.5]
    clock.now += 3600
    assert [allowances.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_waiting_to_be_let_in_costs_nothing() -> None:
    allowances = Allowances(1.0, 1, clock=Clock())

    assert [allowances.wait("a") for _ in range(9)] == [0] * 9
    assert allowances.take("a") == 0


def test_a_million_names_take_no_more_room_than_those_remembered() -> None:
    allowances = Allowances(1.0, 1, remembered=100, clock=Clock())

    for n in range(1_000):
        allowances.take(n)

    assert len(allowances) == 100
    assert allowances.take(999) > 0
    assert allowances.take(0) == 0


def test_a_rate_of_nothing_is_no_limit_and_remembers_nobody() -> None:
    allowances = Allowances(0.0, 1)

    assert {allowances.take("a") for _ in range(1_000)} == {0}
    assert len(allowances) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        (None, "203.0.113.7", False),
    ],
)
def test_whoever_has_one_ipv6_address_has_its_whole_network(one: str | None, other: str, same: bool) -> None:  # noqa: FBT001 - a column
    assert (neighbourhood(one) == neighbourhood(other)) is same


def test_what_is_not_set_protects() -> None:
    fields = GatewaySettings.model_fields

    for kind in ("calls", "anonymous_calls", "failed_tokens"):
        assert fields[f"{kind}_per_second"].default > 0
        assert fields[f"{kind}_burst"].default >= 100


@asynccontextmanager
async def gateway(stack: Stack, **limits: str) -> AsyncIterator[httpx.AsyncClient]:
    env = {f"GATEHOUSE_{name.upper()}": value for name, value in limits.items()}
    with ServiceProcess(stack, "gateway", env=env) as process:
        async with httpx.AsyncClient(base_url=process.url, trust_env=False, verify=NO_TLS, timeout=30) as client:
            yield client


async def ask(http: httpx.AsyncClient, bearer: str, ip: str = "203.0.113.7") -> httpx.Response:
    return await http.get(LIST, headers={"Authorization": f"Bearer {bearer}", FORWARDED: ip})


def codes(answers: list[httpx.Response]) -> Counter[Any]:
    return Counter(answer.json()["code"] for answer in answers)


async def test_an_address_that_guesses_tokens_is_slowed_and_its_neighbours_go_on(stack: Stack) -> None:
    ada, eve = token(stack, "ada", [Role.PARTNER_ADMIN]), token(stack, "eve", [Role.PARTNER_ADMIN])

    async with gateway(stack, failed_tokens_per_second="0.05", failed_tokens_burst="5") as http:
        before = await ask(http, ada)
        guesses = [await ask(http, f"guess-{n}") for n in range(12)]
        known, unknown = await ask(http, ada), await ask(http, eve)
        elsewhere = [await ask(http, eve, "203.0.113.8"), await ask(http, "guess", "203.0.113.8")]

    assert before.json()["code"] == known.json()["code"] == "VALIDATION_FAILED", "was good before, is not held up"
    assert codes(guesses) == {"TOKEN_INVALID": 5, "RATE_LIMITED": 7}
    assert (unknown.status_code, unknown.json()["code"]) == (429, "RATE_LIMITED"), "not even looked at"
    assert [answer.json()["code"] for answer in elsewhere] == ["VALIDATION_FAILED", "TOKEN_INVALID"]
    assert 1 <= int(guesses[-1].headers["retry-after"]) <= 20
    assert guesses[-1].json()["retry_after"] == int(guesses[-1].headers["retry-after"])
    assert guesses[-1].json()["retryable"] is True


async def test_a_hasty_caller_is_told_when_to_come_again_from_wherever(stack: Stack) -> None:
    ada, eve = token(stack, "ada", [Role.PARTNER_ADMIN]), token(stack, "eve", [Role.PARTNER_ADMIN])

    async with gateway(stack, calls_per_second="1", calls_burst="5") as http:
        hasty = [await ask(http, ada, f"203.0.113.{n}") for n in range(9)]
        other = await ask(http, eve)
        await asyncio.sleep(int(hasty[-1].headers["retry-after"]))  # what the answer asked for is what is tested
        later = await ask(http, ada)

    assert codes(hasty) == {"VALIDATION_FAILED": 5, "RATE_LIMITED": 4}
    assert {other.json()["code"], later.json()["code"]} == {"VALIDATION_FAILED"}


async def test_calls_that_need_no_token_are_limited_by_address(stack: Stack) -> None:
    async with gateway(stack, anonymous_calls_per_second="0.05", anonymous_calls_burst="3") as http:

        async def log_in(ip: str) -> httpx.Response:
            headers = {"Idempotency-Key": uuid4().hex, FORWARDED: ip}
            return await http.post("/api/v1/sessions", json={}, headers=headers)

        visits = [await log_in("203.0.113.7") for _ in range(5)]
        other = await log_in("203.0.113.8")

    assert codes(visits) == {"VALIDATION_FAILED": 3, "RATE_LIMITED": 2}
    assert other.json()["code"] == "VALIDATION_FAILED"
