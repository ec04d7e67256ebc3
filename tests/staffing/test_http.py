"""The staff journey over HTTP, through the real gateway, topics, service and SMS provider."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import jwt
import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from contracts.roles import Role
from contracts.topics import events_of
from deploy.local.environment import root_admins
from deploy.local.stack import Stack
from tests.staffing.office import Office, new_phone
from tests.support import ServiceProcess, eventually, together, token
from tests.support.web import NO_TLS
from tests.support.wire import reader

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class House:
    """A gateway and a staffing service, running."""

    gateway: ServiceProcess
    staffing: ServiceProcess


@pytest.fixture(scope="module")
def house(stack: Stack) -> Iterator[House]:
    with together(ServiceProcess(stack, "gateway"), ServiceProcess(stack, "staffing")) as services:
        yield House(*services)


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.gateway.url, trust_env=False, verify=NO_TLS, timeout=30) as client:
        yield client


class Person:
    """Somebody with a token, or nobody in particular."""

    def __init__(self, http: httpx.AsyncClient, bearer: str = "") -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}

    async def post(self, path: str, body: dict[str, Any] | None = None, key: str = "") -> httpx.Response:
        headers = {**self._headers, "Idempotency-Key": key or str(uuid4())}
        return await self._http.post(f"/api/v1{path}", json=body or {}, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        return await self._http.get(f"/api/v1{path}", headers=self._headers)


async def code_for(office: Office, phone: str) -> str:
    """The code of the newest text message to this phone."""
    bearer = office.settings.sms_token.get_secret_value()
    headers = {"Authorization": f"Bearer {bearer}"}
    async with httpx.AsyncClient(
        base_url=office.settings.sms_url, headers=headers, trust_env=False, verify=NO_TLS
    ) as provider:

        async def newest() -> str:
            messages = (await provider.get("/v1/messages", params={"to": phone})).json()["data"]
            found = re.search(r"\b\d{6}\b", messages[0]["body"]) if messages else None
            return found[0] if found else ""

        return await eventually(newest, f"a code for {phone[-4:]}")


async def activated(http: httpx.AsyncClient, office: Office, phone: str) -> Person:
    """The holder of this phone, logged in."""
    anybody = Person(http)
    code = await code_for(office, phone)
    verified = await anybody.post("/activation/verify", {"phone": phone, "code": code, "password": PASSWORD})
    assert verified.status_code == 204, verified.text
    opened = await anybody.post("/sessions", {"phone": phone, "password": PASSWORD})
    assert opened.status_code == 201, opened.text
    return Person(http, opened.json()["access_token"])


def root(http: httpx.AsyncClient, stack: Stack) -> Person:
    return Person(http, token(stack, root_admins(stack.home)[0], [Role.ROOT_ADMIN]))


async def opened_tenant(http: httpx.AsyncClient, stack: Stack, office: Office) -> tuple[str, Person, list[str]]:
    """A tenant with two branches, and its owner, logged in."""
    phone = new_phone()
    body = {"name": "Café Central", "region": "KH", "owner": {"phone": phone, "display_name": "Sokha"}}
    opened = await root(http, stack).post("/tenants", body)
    assert opened.status_code == 201, opened.text
    assert (await Person(http).post("/activation", {"phone": phone})).status_code == 202
    owner = await activated(http, office, phone)
    tenant = opened.json()["id"]
    branches = [await owner.post(f"/tenants/{tenant}/branches", {"name": name}) for name in ("Riverside", "Market")]
    return tenant, owner, [branch.json()["id"] for branch in branches]


async def test_a_whole_staff_journey(http: httpx.AsyncClient, stack: Stack, office: Office) -> None:  # S2.1-6, S2.44
    tenant, owner, branches = await opened_tenant(http, stack, office)
    phone = new_phone()
    asked = {"phone": phone, "display_name": "Dara", "role_key": "MANAGER", "branch_ids": branches, "notify": "sms"}

    async with reader(stack, "downstream", *events_of("staffing"), from_end=True) as subscriber:
        hired = await owner.post(f"/tenants/{tenant}/staff", asked)
        told = await _story_of(subscriber, hired.json()["account_id"], 6)

    assert (hired.status_code, hired.headers["etag"]) == (201, '"4"')
    assert hired.json()["notification"] == {"status": "queued"}
    assert {event["type"] for event in told} == {
        "identity.provisioned",
        "identity.activation_requested",
        "membership.granted",
        "staff.provisioned",
        "branch_access.granted",
    }
    assert len({event["context"]["command_id"] for event in told}) == 1

    manager = await activated(http, office, phone)
    refused = await manager.post(f"/tenants/{tenant}/staff", asked)
    found = await owner.get(hired.headers["location"].removeprefix("/api/v1"))
    listed = await owner.get(f"/tenants/{tenant}/staff?limit=1")

    assert (refused.status_code, refused.json()["code"]) == (403, "PERMISSION_DENIED")
    assert found.json()["notification"] == {"status": "sent"}
    assert (listed.status_code, len(listed.json()["data"]), listed.json()["has_more"]) == (200, 1, True)


async def _story_of(subscriber: AIOKafkaConsumer, account: str, length: int) -> list[dict[str, Any]]:
    """The first events about one person, as a downstream subscriber reads them."""
    story: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(story) < length:
            event = orjson.loads((await subscriber.getone()).value)
            if event["data"].get("account_id") == account:
                story.append(event)
    return story


async def test_refusals_reach_the_caller_as_problems(http: httpx.AsyncClient, stack: Stack, office: Office) -> None:
    tenant, owner, branches = await opened_tenant(http, stack, office)
    good = {"phone": new_phone(), "display_name": "Dara", "role_key": "CASHIER", "branch_ids": branches}
    unknown = str(uuid4())
    path = f"/tenants/{tenant}/staff"

    cases = [
        await owner.post(path, {**good, "branch_ids": [unknown]}),
        await owner.post(path, {**good, "extra": 1}),
        await owner.post(path, {**good, "tenant_id": unknown}),
        await owner.post("/tenants/not-an-id/staff", good),
        await owner.post(f"/tenants/{unknown}/staff", good),
        await Person(http).post(path, good),
        await owner.post(f"/tenants/{tenant}/branches/{unknown}/freeze"),
        await owner.get(f"{path}?starting_after={unknown}"),
        await owner.get(f"{path}?starting_after=x"),
    ]

    assert [(case.status_code, case.json()["code"]) for case in cases] == [
        (422, "BRANCH_NOT_FOUND"),
        (422, "VALIDATION_FAILED"),
        (422, "VALIDATION_FAILED"),
        (404, "NOT_FOUND"),
        (404, "NOT_FOUND"),
        (401, "AUTH_REQUIRED"),
        (404, "BRANCH_NOT_FOUND"),
        (400, "CURSOR_INVALID"),
        (400, "CURSOR_INVALID"),
    ]
    assert {case.headers["content-type"] for case in cases} == {"application/problem+json"}


async def test_a_repeated_key_gives_the_same_session(http: httpx.AsyncClient, stack: Stack, office: Office) -> None:
    """The password is sealed the same way again, so the repeat is known for what it is."""
    phone, key = new_phone(), str(uuid4())
    body = {"name": "X", "region": "KH", "owner": {"phone": phone, "display_name": "Sokha"}}
    await root(http, stack).post("/tenants", body)
    await Person(http).post("/activation", {"phone": phone})
    await activated(http, office, phone)
    login = {"phone": phone, "password": PASSWORD}

    first, again = [await Person(http).post("/sessions", login, key) for _ in range(2)]
    other = await Person(http).post("/sessions", {**login, "password": "another password"}, key)

    assert first.status_code == 201
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    claims = jwt.decode(first.json()["access_token"], options={"verify_signature": False})
    assert claims["iss"] == office.settings.staff_issuer


async def test_no_secret_and_no_phone_is_logged(
    http: httpx.AsyncClient, house: House, stack: Stack, office: Office
) -> None:
    phone = new_phone()
    body = {"name": "X", "region": "KH", "owner": {"phone": phone, "display_name": "Unmistakable Name"}}
    await root(http, stack).post("/tenants", body)
    await Person(http).post("/activation", {"phone": phone})
    code = await code_for(office, phone)
    verification = {"phone": phone, "code": code, "password": "canary-password-XYZZY"}
    await Person(http).post("/activation/verify", {**verification, "code": f"{code}0"})
    await Person(http).post("/activation/verify", verification)
    opened = await Person(http).post("/sessions", {"phone": phone, "password": "canary-password-XYZZY"})
    assert opened.status_code == 201

    logged = house.staffing.log.read_text() + house.gateway.log.read_text()

    canaries = ["canary-password", phone, "Unmistakable", f" {code}", opened.json()["refresh_token"]]
    assert "session.open" in logged
    assert not [canary for canary in canaries if canary in logged]
