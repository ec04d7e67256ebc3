"""The fake identity provider speaks SCIM 2.0 as scim2-tester checks it, and fails the way providers fail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from scim2_tester import CheckResult, Status, check_server

from deploy.local.scim import ScimSettings, build
from tests.support.outside import TOKEN, ScimOperator
from tests.support.scim_tester import HttpScimClient
from tests.support.serving import serving

USERS = "/scim/v2/Users"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def settings(tmp_path: Path) -> ScimSettings:
    return ScimSettings(http_port=1, scim_token=TOKEN, scim_database=tmp_path / "scim.sqlite")


@pytest_asyncio.fixture
async def provider(settings: ScimSettings) -> AsyncIterator[ScimOperator]:
    with serving(build(settings)) as url:
        operator = ScimOperator(url)
        yield operator
        await operator.close()


async def found(provider: ScimOperator, wanted: str) -> list[str]:
    answer = await provider.client.get(USERS, params={"filter": wanted})
    return [person["userName"] for person in answer.raise_for_status().json().get("Resources", [])]


async def switch_off(provider: ScimOperator, person_id: str) -> httpx.Response:
    operation = {"op": "replace", "path": "active", "value": False}
    return await provider.client.patch(f"{USERS}/{person_id}", json={"schemas": [PATCH], "Operations": [operation]})


async def test_it_passes_every_check_of_the_rfcs(provider: ScimOperator) -> None:
    results = await asyncio.to_thread(checked, provider.url, TOKEN)

    assert [result for result in results if result.status is not Status.SUCCESS] == []
    titles = {result.title for result in results}
    assert {"object_creation", "object_query", "object_replacement", "object_deletion"} <= titles
    assert {"check_replace_attribute", "check_add_attribute", "check_remove_attribute"} <= titles


async def test_the_checks_find_a_provider_that_lies(provider: ScimOperator) -> None:
    """The control of the test above."""
    await provider.behave("lying")

    results = await asyncio.to_thread(checked, provider.url, TOKEN)

    assert any(result.status is Status.ERROR for result in results)


def checked(url: str, token: str) -> list[CheckResult]:
    client = HttpScimClient(f"{url}/scim/v2", token)
    try:
        return check_server(client)
    finally:
        client.http.close()


async def test_a_person_is_found_by_external_id_byte_for_byte_and_by_user_name_in_any_case(
    provider: ScimOperator,
) -> None:
    await provider.add("Maria", "auth0|Maria")
    await provider.add("other", "auth0|maria")

    assert await found(provider, 'externalId eq "auth0|Maria"') == ["Maria"]
    assert await found(provider, 'userName eq "MARIA"') == ["Maria"]
    assert await found(provider, 'externalId eq "nobody"') == []


async def test_quotes_and_backslashes_in_a_filter_are_part_of_the_name(provider: ScimOperator) -> None:
    await provider.add('a"b\\c')

    assert await found(provider, 'userName eq "a\\"b\\\\c"') == ['a"b\\c']


async def test_a_user_name_is_taken_once_whatever_its_case(provider: ScimOperator) -> None:
    await provider.add("maria")

    clash = await provider.client.post(
        USERS, json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "Maria"}
    )

    assert (clash.status_code, clash.json()["scimType"]) == (409, "uniqueness")


async def test_a_deactivated_person_stays_so_over_a_restart_and_the_log_tells(settings: ScimSettings) -> None:
    with serving(build(settings)) as url:
        provider = ScimOperator(url)
        person = await provider.add("maria", "auth0|maria")
        answer = await switch_off(provider, person)
        assert (answer.status_code, answer.json()["active"]) == (200, False)
        await provider.close()

    with serving(build(settings)) as url:
        provider = ScimOperator(url)
        assert not await provider.is_active(person)
        log = await provider.log("auth0|maria")
        assert [(row["did"], row["id"], row["active"]) for row in log] == [
            ("created", person, 1),
            ("patched", person, 0),
        ]
        await provider.close()


async def test_a_password_is_taken_and_kept_nowhere(provider: ScimOperator, settings: ScimSettings) -> None:
    person = await provider.add("maria", password="correct horse")
    await provider.client.patch(
        f"{USERS}/{person}",
        json={"schemas": [PATCH], "Operations": [{"op": "add", "path": "password", "value": "correct horse"}]},
    )

    assert b"correct horse" not in settings.scim_database.read_bytes()


async def test_in_error_mode_nothing_is_read_or_done(provider: ScimOperator) -> None:
    person = await provider.add("maria")
    await provider.behave("error", times=2)

    for answer in (await switch_off(provider, person), await provider.client.get(USERS)):
        assert (answer.status_code, answer.headers["retry-after"], answer.json()["status"]) == (503, "1", "503")
    assert await provider.is_active(person)


async def test_in_lying_mode_it_says_failed_but_has_done_it(provider: ScimOperator) -> None:
    person = await provider.add("maria")
    await provider.behave("lying", times=1)

    assert (await provider.client.get(f"{USERS}/{person}")).status_code == 200  # a look is no lie that counts
    assert (await switch_off(provider, person)).status_code == 500
    assert not await provider.is_active(person)


async def test_in_slow_mode_it_answers_late(provider: ScimOperator) -> None:
    await provider.behave("slow", delay_seconds=0.05, times=1)

    assert (await provider.client.get(USERS)).elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", USERS),
        ("POST", USERS),
        ("POST", f"{USERS}/.search"),
        ("GET", f"{USERS}/ID"),
        ("PUT", f"{USERS}/ID"),
        ("PATCH", f"{USERS}/ID"),
        ("DELETE", f"{USERS}/ID"),
        ("GET", "/scim/v2/Schemas"),
        ("GET", "/v1/log"),
        ("PUT", "/v1/behaviour"),
    ],
)
@pytest.mark.parametrize("authorization", ["", "Bearer wrong"])
async def test_without_the_token_nothing_is_read_or_written(
    provider: ScimOperator, method: str, path: str, authorization: str
) -> None:
    person = await provider.add("maria")
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    headers = {"Authorization": authorization}

    answer = await provider.client.request(method, path.replace("ID", person), json=body, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "maria" not in answer.text
    assert await provider.is_active(person)


@pytest.mark.parametrize(
    ("path", "value", "scim_type"),
    [("active", "perhaps", "invalidValue"), ("id", "mine", "mutability"), ("userName", None, "mutability")],
)
async def test_a_patch_that_cannot_be_is_refused_and_changes_nothing(
    provider: ScimOperator, path: str, value: Any, scim_type: str
) -> None:
    person = await provider.add("maria")
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": path, "value": value}]}

    answer = await provider.client.patch(f"{USERS}/{person}", json=body)

    assert (answer.status_code, answer.json().get("scimType")) == (400, scim_type)
    assert await provider.is_active(person)
    assert [row["did"] for row in await provider.log()] == ["created"]
