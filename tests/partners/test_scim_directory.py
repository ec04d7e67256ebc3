"""Who left a roster is deactivated at the identity provider, nobody else is, and done is said only when it is so."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.scim import ScimSettings, build
from services.partners.identity.scim import Deactivated, Failed, NotThere, Outcome, ScimDirectory
from tests.support.outside import TOKEN, ScimOperator
from tests.support.serving import refused_url, serving

ISSUER = "https://idp.example"
SECONDS = 1.0


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One fake provider for all tests of this file; each has persons of its own."""
    directory: Path = tmp_path_factory.mktemp("scim")
    with serving(
        build(ScimSettings(http_port=1, scim_token=TOKEN, scim_database=directory / "scim.sqlite"))
    ) as address:
        yield address


@pytest_asyncio.fixture
async def provider(url: str) -> AsyncIterator[ScimOperator]:
    operator = ScimOperator(url)
    await operator.behave("ok")
    yield operator
    await operator.close()


@pytest_asyncio.fixture
async def directory(url: str) -> AsyncIterator[ScimDirectory]:
    directory = ScimDirectory(f"{url}/scim/v2", TOKEN, timeout_seconds=SECONDS)
    yield directory
    await directory.close()


def new_subject() -> str:
    return f"auth0|Maria-{uuid4().hex[:8]}"


async def test_a_person_known_by_external_id_is_deactivated_once(
    provider: ScimOperator, directory: ScimDirectory
) -> None:  # S1.42
    subject = new_subject()
    person = await provider.add(f"{subject}@example.org", subject)

    outcomes = [await directory.deactivate(ISSUER, subject) for _ in range(2)]

    assert outcomes == [Deactivated(person)] * 2
    assert not await provider.is_active(person)
    assert [row["did"] for row in await provider.log(subject)] == ["created", "patched"]


async def test_a_person_known_by_user_name_only_is_deactivated(
    provider: ScimOperator, directory: ScimDirectory
) -> None:
    subject = new_subject()
    person = await provider.add(subject)

    assert await directory.deactivate(ISSUER, subject) == Deactivated(person)
    assert not await provider.is_active(person)


async def test_the_external_id_counts_before_the_user_name(provider: ScimOperator, directory: ScimDirectory) -> None:
    subject = new_subject()
    namesake = await provider.add(subject, "somebody else")
    person = await provider.add(f"{subject}@example.org", subject)

    assert await directory.deactivate(ISSUER, subject) == Deactivated(person)
    assert await provider.is_active(namesake)


async def test_a_person_whose_name_differs_in_case_only_is_somebody_else(
    provider: ScimOperator, directory: ScimDirectory
) -> None:  # S1.9
    subject = new_subject()
    namesake = await provider.add(subject.upper())

    assert await directory.deactivate(ISSUER, subject) == NotThere()
    assert await provider.is_active(namesake)


@pytest.mark.parametrize("name", ['a"b', "a\\b", 'x" or userName pr or userName eq "x', "Zoë 李", "a b&c=d+e%2F", "'"])
async def test_any_subject_is_looked_for_as_it_is(provider: ScimOperator, directory: ScimDirectory, name: str) -> None:
    subject = f"{name}{new_subject()}"
    bystander = await provider.add(new_subject())
    person = await provider.add(f"{new_subject()}@example.org", subject)

    assert await directory.deactivate(ISSUER, subject) == Deactivated(person)
    assert await provider.is_active(bystander)


async def test_nobody_to_deactivate_is_done(provider: ScimOperator, directory: ScimDirectory) -> None:
    assert await directory.deactivate(ISSUER, new_subject()) == NotThere()


async def test_where_two_persons_match_nobody_is_touched(provider: ScimOperator, directory: ScimDirectory) -> None:
    subject = new_subject()
    people = [await provider.add(f"{n}-{subject}", subject) for n in range(2)]

    assert await directory.deactivate(ISSUER, subject) == Failed("2 persons have this externalId")
    assert [await provider.is_active(person) for person in people] == [True, True]


async def test_a_person_of_another_issuer_is_not_looked_for(provider: ScimOperator, url: str) -> None:
    subject = new_subject()
    person = await provider.add(subject)
    directory = ScimDirectory(f"{url}/scim/v2", TOKEN, issuer=ISSUER)

    assert isinstance(await directory.deactivate("https://elsewhere.example", subject), Failed)
    assert await provider.is_active(person)
    assert await directory.deactivate(ISSUER, subject) == Deactivated(person)
    await directory.close()


async def test_a_provider_that_is_unavailable_says_when_to_come_again(
    provider: ScimOperator, directory: ScimDirectory
) -> None:
    subject = new_subject()
    person = await provider.add(subject)
    await provider.behave("error", times=1)

    assert await directory.deactivate(ISSUER, subject) == Failed("HTTP 503", timedelta(seconds=1))
    assert await directory.deactivate(ISSUER, subject) == Deactivated(person)


async def test_a_provider_that_lies_is_found_out_at_the_next_try(
    provider: ScimOperator, directory: ScimDirectory
) -> None:
    subject = new_subject()
    person = await provider.add("lied-about-" + subject, subject)
    await provider.behave("lying", times=1)

    assert await directory.deactivate(ISSUER, subject) == Failed("HTTP 500")
    assert await directory.deactivate(ISSUER, subject) == Deactivated(person)
    assert [row["did"] for row in await provider.log(subject)] == ["created", "patched"]


async def test_a_provider_that_is_slow_has_failed(provider: ScimOperator, directory: ScimDirectory) -> None:
    await provider.behave("slow", delay_seconds=SECONDS * 2, times=1)

    async with asyncio.timeout(SECONDS * 2):
        outcome = await directory.deactivate(ISSUER, new_subject())

    assert outcome in (Failed("TimeoutError"), Failed("ReadTimeout"))


async def test_a_provider_that_is_away_has_failed() -> None:
    directory = ScimDirectory(refused_url(), TOKEN)

    assert await directory.deactivate(ISSUER, new_subject()) == Failed("ConnectError")
    await directory.close()


async def test_a_wrong_token_or_address_never_counts_as_done(provider: ScimOperator, url: str) -> None:
    for address, token, status in ((f"{url}/scim/v2", "wrong", 401), (f"{url}/scim/v3", TOKEN, 404)):
        directory = ScimDirectory(address, token)
        assert await directory.deactivate(ISSUER, new_subject()) == Failed(f"HTTP {status}")
        await directory.close()


def listed(*people: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    return {"totalResults": len(people) if total is None else total, "Resources": list(people)}


MARIA = {"id": "7", "externalId": "maria", "active": True}
STRANGE: dict[str, tuple[Any, Any, Outcome]] = {
    "a web page": ("<html>", None, Failed("the answer is no SCIM")),
    "an empty object": ({}, None, Failed("the answer is no SCIM")),
    "a person without an id": (listed({"externalId": "maria"}), None, Failed("the answer is no SCIM")),
    "a filter that is ignored": (listed({**MARIA, "externalId": "otto"}), None, NotThere()),
    "more than one page": (listed(MARIA, total=500), None, Failed("500 persons match by externalId")),
    "no resources and a total of none": ({"totalResults": 0}, None, NotThere()),
    "attributes we never heard of": (
        listed({**MARIA, "emails": "none", "x": [1]}),
        {**MARIA, "active": False},
        Deactivated("7"),
    ),
    "nothing said about active": (listed({"id": "7", "externalId": "maria"}), "", Deactivated("7")),
    "still active afterwards": (listed(MARIA), MARIA, Failed("the provider left the person active")),
    "a page after the patch": (listed(MARIA), "<html>", Failed("the answer is no SCIM")),
}


@pytest.mark.parametrize("case", STRANGE)
async def test_a_strange_answer_is_taken_for_what_it_says(case: str) -> None:
    search, patched, outcome = STRANGE[case]
    with answering(search, patched) as url:
        directory = ScimDirectory(url, TOKEN)

        assert await directory.deactivate(ISSUER, "maria") == outcome
        await directory.close()


RETRY_AFTER: dict[str, timedelta | None] = {
    "30": timedelta(seconds=30),
    "Wed, 21 Oct 2015 07:28:00 GMT": timedelta(),
    "999999999999": timedelta(days=1),
    "soon": None,
    "-5": None,
    "": None,
}


@pytest.mark.parametrize("header", RETRY_AFTER)
async def test_when_to_come_again_is_read_as_it_is_meant(header: str) -> None:
    assert await _asked_to_wait(header) == RETRY_AFTER[header]


async def test_when_to_come_again_may_be_a_date() -> None:
    wait = await _asked_to_wait(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True))

    assert wait is not None
    assert timedelta(minutes=58) < wait <= timedelta(hours=1)


async def _asked_to_wait(header: str) -> timedelta | None:
    with answering("", None, status=429, retry_after=header) as url:
        directory = ScimDirectory(url, TOKEN)
        outcome = await directory.deactivate(ISSUER, "maria")
        await directory.close()
    assert isinstance(outcome, Failed)
    return outcome.retry_after


@contextmanager
def answering(search: Any, patched: Any, *, status: int = 200, retry_after: str = "") -> Iterator[str]:
    """A provider that answers every search and every patch with this."""

    async def endpoint(request: Request) -> Response:
        answer = search if request.method == "GET" else patched
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(text, status, {"Retry-After": retry_after})

    routes = [Route("/Users", endpoint), Route("/Users/7", endpoint, methods=["PATCH"])]
    with serving(Starlette(routes=routes)) as url:
        yield url
