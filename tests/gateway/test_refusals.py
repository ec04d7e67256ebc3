"""A3: what the gateway refuses itself is an event too, in time or in sum, and nobody waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from contracts.roles import Role
from deploy.local.stack import Stack
from services.gateway.refusals import RUN
from tests.gateway.refusing import APPROVE, DROPPED, REFUSED, TOPICS, Door
from tests.support import ServiceProcess, Tape, eventually, token
from tests.support.web import NO_TLS
from tests.system.engines import stopped

FLOOD, ALLOWED = 150, 20
PARTNER = "01a201a1-9d4b-7755-91c5-f8b4a665c4d1"
PATH = APPROVE.format(partner_id=PARTNER)
QUICK = 5.0  # for fifty calls, on a busy machine


@pytest_asyncio.fixture
async def door(stack: Stack) -> AsyncIterator[Door]:
    """Each test has a gateway of its own: a run begins with it."""
    async with Tape.of(stack, TOPICS) as tape:
        with ServiceProcess(stack, "gateway", env={"GATEHOUSE_REPLY_SECONDS": "1"}) as gateway:
            async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, verify=NO_TLS, timeout=30) as http:
                yield Door(gateway, http, tape)


@pytest.fixture
def ada(stack: Stack) -> str:
    return token(stack, "ada", [Role.PARTNER_ADMIN])


class Way(NamedTuple):
    """One way of being refused, by somebody with a token unless it says otherwise."""

    code: str
    method: str = "POST"
    path: str = PATH
    known: bool = True
    sent: dict[str, Any] = {}  # noqa: RUF012 - never changed
    targets: int = 1


WAYS = [
    Way("AUTH_REQUIRED", known=False),
    Way("TOKEN_INVALID", known=False, sent={"headers": {"Authorization": "Bearer not.a.token"}}),
    Way("MALFORMED_JSON", sent={"content": b"{", "headers": {"If-Match": '"1"'}}),
    Way("VALIDATION_FAILED", sent={"json": {"notes": 7}, "headers": {"If-Match": '"1"'}}),
    Way("PAYLOAD_TOO_LARGE", sent={"content": b" " * 300_000, "headers": {"If-Match": '"1"'}}),
    Way("PRECONDITION_REQUIRED", sent={"json": {}}),
    Way("PRECONDITION_FAILED", sent={"json": {}, "headers": {"If-Match": "*"}}),
    Way("IDEMPOTENCY_KEY_REQUIRED", sent={"headers": {"Idempotency-Key": None}}),
    Way("IDEMPOTENCY_KEY_INVALID", sent={"headers": {"Idempotency-Key": "two words"}}),
    Way("ROUTE_NOT_REGISTERED", method="DELETE", known=False),
    Way("NOT_FOUND", method="GET", path="/api/v1/partners/not-a-uuid", targets=0),
    Way("CURSOR_INVALID", method="GET", path="/api/v1/partners?starting_after=yesterday", targets=0),
    Way("DEPENDENCY_UNAVAILABLE", method="GET", path=f"/api/v1/partners/{PARTNER}"),  # no owner is running
]


async def test_every_way_of_being_refused_leaves_one_event(stack: Stack, door: Door, ada: str) -> None:
    for way in WAYS:
        answer = await door.call(way.method, way.path, ada if way.known else "", **way.sent)
        event = await door.event_of(answer)

        assert answer.json()["code"] == event["reason_code"] == way.code
        assert event["outcome"] == ("FAILED" if answer.status_code >= 500 else "REJECTED")
        assert event["actor"] == {
            "type": "user",
            "issuer": stack.state.url("oidc") if way.known else None,
            "subject": "ada" if way.known else "anonymous",
        }
        assert event["data"]["method"] == way.method
        assert event["data"]["status"] == answer.status_code
        assert event["data"]["route"].startswith("/api/v1/partners")
        assert event["context"]["ip"] == "127.0.0.1"
        about = [target for target in event["targets"] if target["type"] != RUN]
        assert about == [{"type": "partner", "id": PARTNER}] * way.targets
    assert len(door.told(REFUSED)) == len(WAYS)


async def test_the_events_of_a_run_are_numbered_so_that_a_missing_one_shows(door: Door, ada: str) -> None:  # A17
    answers = [await door.call("POST", PATH, ada) for _ in range(5)]
    await door.call("GET", "/api/v1/nothing")
    for answer in answers:
        await door.event_of(answer)
    await eventually(lambda: door.told(DROPPED), "the summary")

    runs = {(told["aggregate_type"], told["aggregate_id"]) for told in door.told()}
    assert len(runs) == 1
    assert sorted(told["aggregate_version"] for told in door.told()) == [1, 2, 3, 4, 5, 6]


async def test_paths_that_do_not_exist_are_only_counted(door: Door) -> None:
    for path in ("/x", "/api/v1/nothing", "/problems/NO_SUCH_CODE"):
        assert (await door.call("GET", path)).status_code == 404

    await eventually(lambda: door.counted() == 3, "all of them in summaries")
    summary = door.told(DROPPED)[0]
    assert door.told(REFUSED) == []
    assert summary["type"] == "gateway.refusals_dropped"
    assert summary["actor"] == {"type": "system", "issuer": None, "subject": "gateway"}
    assert summary["data"]["codes"].keys() == {"NOT_FOUND"}
    assert summary["data"]["since"] <= summary["data"]["until"]


@pytest.mark.parametrize("known", [False, True], ids=["of strangers", "of one caller"])
async def test_a_flood_is_summed_up_and_hides_nobody_else(stack: Stack, ada: str, *, known: bool) -> None:
    eve = token(stack, "eve", [Role.PARTNER_ADMIN]) if known else ""
    few = {"GATEHOUSE_REFUSALS_PER_SECOND": str(ALLOWED / 10), "GATEHOUSE_FAILED_TOKENS_PER_SECOND": "0"}
    async with Tape.of(stack, TOPICS) as tape:
        with ServiceProcess(stack, "gateway", env=few) as gateway:
            async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, verify=NO_TLS, timeout=30) as http:
                door = Door(gateway, http, tape)
                flooded, *_ = await asyncio.gather(*[door.call("POST", PATH, eve) for _ in range(FLOOD)])

                other = await door.event_of(await door.call("POST", PATH, ada))
                await eventually(
                    lambda: len(door.told(REFUSED)) + door.counted() == FLOOD + 1, "each of the flood, told or counted"
                )

        singly = FLOOD - door.counted()
        assert other["actor"]["subject"] == "ada"
        assert ALLOWED <= singly < FLOOD / 2
        assert {code for told in door.told(DROPPED) for code in told["data"]["codes"]} == {flooded.json()["code"]}


@pytest.mark.faults
async def test_without_kafka_nobody_waits_and_afterwards_everything_is_told(stack: Stack, ada: str) -> None:
    small = {"GATEHOUSE_REFUSALS_BUFFERED": "20"}
    async with Tape.of(stack, TOPICS) as tape:
        with ServiceProcess(stack, "gateway", env=small) as gateway:
            async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, verify=NO_TLS, timeout=30) as http:
                door = Door(gateway, http, tape)
                async with stopped(stack, "kafka"):
                    began = time.monotonic()
                    for _ in range(50):
                        assert (await door.call("POST", PATH, ada, headers={"X-Request-Id": uuid4().hex})).is_error
                    took = time.monotonic() - began
                    ready = (await door.http.get("/readyz")).json()
                    metrics = (await door.http.get("/metrics")).text

                await eventually(lambda: len(door.told(REFUSED)) + door.counted() == 50, "all told", seconds=60)

        assert took < QUICK
        assert ready["refusals_waiting"] == 50
        assert "gatehouse_gateway_refusals_waiting 50.0" in metrics
        assert (len(door.told(REFUSED)), door.counted()) == (20, 30)
        versions = sorted({told["aggregate_version"] for told in door.told()})
        assert versions == list(range(1, len(versions) + 1))


async def test_what_waits_is_told_before_a_terminated_gateway_ends(door: Door, ada: str) -> None:
    answers = await asyncio.gather(*[door.call("POST", PATH, ada) for _ in range(30)])
    await door.call("GET", "/nothing")
    ended = await asyncio.to_thread(door.gateway.stop)

    for answer in answers:
        await door.event_of(answer)
    await eventually(lambda: door.counted() == 1, "the summary too")
    assert ended == 0
