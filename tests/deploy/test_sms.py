"""The fake SMS provider keeps a real provider's promises, and breaks them on request."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local.sms import SmsSettings, build

PHONE = "+15550100001"


def client(directory: Path) -> httpx.AsyncClient:
    settings = SmsSettings(http_port=1, sms_token="t0ken", sms_database=directory / "sms.sqlite")
    transport = httpx.ASGITransport(build(settings))
    headers = {"Authorization": "Bearer t0ken"}
    return httpx.AsyncClient(transport=transport, base_url="http://sms", headers=headers)


@pytest_asyncio.fixture
async def provider(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client(tmp_path) as ready:
        yield ready


async def send(
    provider: httpx.AsyncClient, key: str, body: str = "Your code is 123456", to: str = PHONE
) -> httpx.Response:
    return await provider.post("/v1/messages", json={"to": to, "body": body}, headers={"Idempotency-Key": key})


async def kept(provider: httpx.AsyncClient) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await provider.get("/v1/messages", params={"to": PHONE})).json()["data"]
    return messages


async def behave(provider: httpx.AsyncClient, mode: str, delay: float = 0) -> None:
    await provider.put("/v1/behaviour", json={"mode": mode, "delay_seconds": delay})


async def test_the_same_key_gives_the_same_id_and_no_second_message(provider: httpx.AsyncClient) -> None:
    first, again = await send(provider, "a"), await send(provider, "a")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(await kept(provider)) == 1


async def test_the_same_key_for_another_message_is_refused(provider: httpx.AsyncClient) -> None:
    await send(provider, "a")

    assert (await send(provider, "a", body="something else")).status_code == 409
    assert len(await kept(provider)) == 1


async def test_messages_come_newest_first_and_survive_a_restart(provider: httpx.AsyncClient, tmp_path: Path) -> None:
    await send(provider, "a", body="old")
    await send(provider, "b", body="new")
    async with client(tmp_path) as restarted:
        assert [message["body"] for message in await kept(restarted)] == ["new", "old"]


async def test_in_error_mode_nothing_is_taken_and_the_same_key_works_afterwards(provider: httpx.AsyncClient) -> None:
    await behave(provider, "error")
    refused = await send(provider, "a")
    await behave(provider, "ok")

    assert refused.status_code == 503
    assert (await send(provider, "a")).status_code == 201


async def test_in_lying_mode_it_says_failed_but_has_taken_the_message(provider: httpx.AsyncClient) -> None:
    await behave(provider, "lying")
    lie = await send(provider, "a")
    await behave(provider, "ok")

    assert lie.status_code == 500
    assert (await send(provider, "a")).status_code == 200
    assert len(await kept(provider)) == 1


async def test_in_slow_mode_it_answers_late(provider: httpx.AsyncClient) -> None:
    await behave(provider, "slow", 0.05)

    answer = await send(provider, "a")

    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/messages"), ("GET", f"/v1/messages?to={PHONE}"), ("PUT", "/v1/behaviour")]
)
@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer wrong", "Basic t0ken"])
async def test_without_the_token_nothing_is_read_or_written(
    provider: httpx.AsyncClient, method: str, path: str, authorization: str
) -> None:
    answer = await provider.request(method, path, json={"mode": "error"}, headers={"Authorization": authorization})

    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})
    assert (await send(provider, "still ok")).status_code == 201


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"to": "0123", "body": "x"}', b'{"to": "+15550100001"}', b'{"to": "+15550100001", "body": ""}'],
)
async def test_a_malformed_message_is_refused_without_echoing_it(provider: httpx.AsyncClient, body: bytes) -> None:
    answer = await provider.post("/v1/messages", content=body, headers={"Idempotency-Key": "a"})

    assert answer.status_code == 422
    assert "input" not in answer.text
