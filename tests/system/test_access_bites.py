"""What is taken away is gone with the next request, although clients hammer and consumers lag (P3).

A decision reads rows, not a copy of an event. So the bound from the change's answer to the first denial is no message's
way, and it is printed. Whoever asks after the answer is denied, all of them.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from deploy.local.stack import Stack
from tests.http.conftest import Api
from tests.http.test_staff_journey import Shop, logged_in, mobile
from tests.support import ServiceProcess, eventually
from tests.support.web import NO_TLS

CLIENTS = 8
PATIENT = {"GATEHOUSE_REPLY_SECONDS": "60"}
"""Every call hears its own answer, however long the consumers lag."""


class Heard(NamedTuple):
    """One call: when asked, when answered, with what."""

    asked: float
    answered: float
    status: int
    reason: str


class Ask(NamedTuple):
    method: str
    path: str
    body: dict[str, Any] | None = None


class Loss(NamedTuple):
    """How something is taken away, and what tells before and after; `{…}` is filled in for each person."""

    change: Ask
    probe: Ask
    allowed: tuple[int, str]
    denied: tuple[int, str]


WORK = Ask("POST", "/api/v1/access/check", {"tenant_id": "{tenant}", "action": "branch.work", "branch_id": "{branch}"})
LOOK = Ask("GET", "{path}/staff?limit=1")
LOSSES = {
    "a branch is frozen": Loss(
        Ask("POST", "{path}/branches/{branch}/freeze", {}), WORK, (200, "GRANTED"), (200, "BRANCH_FROZEN")
    ),
    "a branch is taken away": Loss(
        Ask("DELETE", "{path}/staff/{account}/branches/{branch}"),
        WORK,
        (200, "GRANTED"),
        (200, "BRANCH_ACCESS_REVOKED"),
    ),
    "a role is lowered": Loss(
        Ask("PUT", "{path}/staff/{account}/role", {"role_key": "CASHIER"}), LOOK, (200, ""), (403, "PERMISSION_DENIED")
    ),
    "a membership is revoked": Loss(
        Ask("POST", "{path}/staff/{account}/revoke", {}), LOOK, (200, ""), (401, "TOKEN_INVALID")
    ),
}


@pytest.fixture(scope="module")
def staffing(stack: Stack) -> Iterator[ServiceProcess]:
    with ServiceProcess(stack, "staffing") as process:
        yield process


@pytest.fixture(scope="module")
def shop(stack: Stack, staffing: ServiceProcess) -> Iterator[Shop]:
    with ServiceProcess(stack, "gateway", env=PATIENT) as gateway:
        yield Shop(Api(stack, gateway, {"staffing": staffing}))


class Seat(NamedTuple):
    """An admin with both branches, logged in."""

    shop: Shop
    account: str
    etag: str
    bearer: str

    @classmethod
    def taken(cls, shop: Shop) -> "Seat":
        phone = mobile()
        added = shop.add(phone=phone, role_key="ADMIN")
        return cls(shop, added.json()["account_id"], added.headers["etag"], logged_in(shop.api, phone))

    async def call(self, http: httpx.AsyncClient, ask: Ask, bearer: str, **headers: str) -> httpx.Response:
        names = {
            "path": self.shop.path,
            "tenant": self.shop.path.rpartition("/")[2],
            "branch": self.shop.branches[0],
            "account": self.account,
        }
        body = {name: value.format(**names) for name, value in ask.body.items()} if ask.body else ask.body
        sent = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": uuid4().hex, **headers}
        return await http.request(ask.method, ask.path.format(**names), json=body, headers=sent)


def opened(shop: Shop) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=shop.api.http.base_url, timeout=90, trust_env=False, verify=NO_TLS)


@asynccontextmanager
async def hammering(seat: Seat, probe: Ask) -> AsyncIterator[list[Heard]]:
    """Eight clients that ask one after the other until the block ends."""
    heard: list[Heard] = []
    going = True

    async def hammer(http: httpx.AsyncClient) -> None:
        while going:
            asked = time.monotonic()
            answer = await seat.call(http, probe, seat.bearer)
            told = answer.json().get("code") or answer.json().get("reason", "")
            heard.append(Heard(asked, time.monotonic(), answer.status_code, told))

    async with opened(seat.shop) as http:
        clients = [asyncio.create_task(hammer(http)) for _ in range(CLIENTS)]
        try:
            yield heard
        finally:
            going = False
            await asyncio.gather(*clients)


def after(heard: list[Heard], moment: float) -> list[Heard]:
    """What was asked for later than that."""
    return [each for each in heard if each.asked > moment]


@pytest.mark.parametrize("lag", [1.0, pytest.param(30.0, marks=pytest.mark.faults)])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
async def test_nobody_is_let_through_after_the_changes_answer(
    loss: Loss, lag: float, shop: Shop, staffing: ServiceProcess
) -> None:
    seat = Seat.taken(shop)

    async with hammering(seat, loss.probe) as heard, opened(shop) as desk:
        await eventually(lambda: len(heard) >= CLIENTS * 3, "everybody is let through")
        staffing.signal(signal.SIGSTOP)
        behind = time.monotonic()
        change = asyncio.create_task(seat.call(desk, loss.change, shop.owner, **{"If-Match": seat.etag}))
        await eventually(lambda: time.monotonic() - behind >= lag, "the consumers lag", lag + 10)
        staffing.signal(signal.SIGCONT)
        answer = await change
        changed_at = time.monotonic()
        await eventually(lambda: len(after(heard, changed_at)) >= CLIENTS * 5, "everybody asks again")

    shop.api.call("POST", f"{shop.path}/branches/{shop.branches[0]}/activate", shop.owner)
    assert answer.status_code == 200, answer.text
    assert {(h.status, h.reason) for h in heard if h.answered < behind} == {loss.allowed}
    assert {(h.status, h.reason) for h in after(heard, changed_at)} == {loss.denied}
    bound = min(h.answered for h in after(heard, changed_at)) - changed_at
    print(f"\nfrom the change's answer to the first denial: {bound * 1000:.1f} ms, with {lag:.0f} s of lag")  # noqa: T201
