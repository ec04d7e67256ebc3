"""Promise 3 over HTTP: one Idempotency-Key is one command, whichever gateway is asked and however often at once."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from contracts.failures import Code
from contracts.roles import Role
from tests.support import ServiceProcess, Tables, token
from tests.support.applicants import reservation
from tests.support.web import NO_TLS
from tests.system.conftest import Site
from tests.system.traffic import UPLOADS


@pytest.fixture
async def gateways(site: Site) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients of two gateways, for the same person."""
    bearer = {"Authorization": f"Bearer {token(site.stack, f'ada-{uuid4().hex}', [Role.PARTNER_ADMIN])}"}
    with ServiceProcess(site.stack, "gateway", instance=4) as second:
        clients = [
            httpx.AsyncClient(base_url=url, headers=bearer, trust_env=False, verify=NO_TLS, timeout=30)
            for url in (site.gateway.url, second.url)
        ]
        yield clients
        for client in clients:
            await client.aclose()


def body(subject: str, kind: str = "kyb") -> dict[str, object]:
    return reservation(kind, subject).model_dump(mode="json", exclude_none=True)


async def test_a_key_used_at_once_on_two_gateways_takes_effect_once(
    site: Site, gateways: list[httpx.AsyncClient]
) -> None:
    key, wanted = uuid4().hex, body(uuid4().hex)

    answers = await asyncio.gather(
        *(gateways[n % 2].post(UPLOADS, json=wanted, headers={"Idempotency-Key": key}) for n in range(20))
    )
    last = await gateways[0].post(UPLOADS, json=wanted, headers={"Idempotency-Key": key})

    taken_in = [answer for answer in answers if answer.status_code == 201]
    told_to_wait = [answer for answer in answers if answer.status_code == 409]
    assert len(taken_in) + len(told_to_wait) == 20
    assert {answer.json()["code"] for answer in told_to_wait} <= {Code.IDEMPOTENCY_IN_PROGRESS}
    assert {answer.content for answer in (*taken_in, last)} == {last.content}
    counted = "SELECT count(*) FROM uploads WHERE sha256 = %s"
    assert Tables(site.stack, "partners").value(counted, wanted["sha256"]) == 1


async def test_a_key_answered_by_one_gateway_is_answered_the_same_by_the_other(
    gateways: list[httpx.AsyncClient],
) -> None:
    key, wanted = uuid4().hex, body(uuid4().hex)

    first, second = [await client.post(UPLOADS, json=wanted, headers={"Idempotency-Key": key}) for client in gateways]

    assert (first.status_code, first.content) == (201, second.content)


async def test_a_key_with_another_body_is_refused_by_either(gateways: list[httpx.AsyncClient]) -> None:
    key, subject = uuid4().hex, uuid4().hex
    await gateways[0].post(UPLOADS, json=body(subject), headers={"Idempotency-Key": key})

    refused = [
        await client.post(UPLOADS, json=body(subject, "licensing"), headers={"Idempotency-Key": key})
        for client in gateways
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (422, Code.IDEMPOTENCY_KEY_REUSED)
    ] * 2


async def test_the_same_key_of_another_person_is_another_command(site: Site, gateways: list[httpx.AsyncClient]) -> None:
    key, wanted = uuid4().hex, body(uuid4().hex)
    theirs = {"Authorization": f"Bearer {token(site.stack, f'eve-{uuid4().hex}', [Role.PARTNER_ADMIN])}"}

    mine = await gateways[0].post(UPLOADS, json=wanted, headers={"Idempotency-Key": key})
    other = await gateways[0].post(UPLOADS, json=wanted, headers={"Idempotency-Key": key, **theirs})

    assert mine.status_code == other.status_code == 201
    assert mine.json()["object_key"] != other.json()["object_key"]
