"""The fake pager takes what apprise itself sends, and fails the way pagers fail."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from apprise import Apprise, NotifyType

from deploy.local.pager import PagerSettings, build
from tests.support.outside import TOKEN, PagerOperator
from tests.support.serving import serving

PAGE: dict[str, Any] = {"version": "1.0", "title": "t", "message": "m", "type": "info", "attachments": []}


@pytest.fixture
def settings(tmp_path: Path) -> PagerSettings:
    return PagerSettings(http_port=1, pager_token=TOKEN, pager_database=tmp_path / "pages.sqlite")


@pytest_asyncio.fixture
async def pager(settings: PagerSettings) -> AsyncIterator[PagerOperator]:
    with serving(build(settings)) as url:
        operator = PagerOperator(url)
        yield operator
        await operator.close()


async def notify(url: str, message: str = "wake up", kind: NotifyType = NotifyType.WARNING) -> bool:
    """As a program that knows apprise and nothing of us."""
    target = Apprise()
    assert target.add(url)
    return bool(await asyncio.to_thread(target.notify, message, "Alarm", kind))


@pytest.mark.parametrize("kind", list(NotifyType))
async def test_what_apprise_sends_is_taken_as_it_was_meant(pager: PagerOperator, kind: NotifyType) -> None:
    assert await notify(pager.target("duty"), "wake up, Zoë & <all>", kind)

    (page,) = await pager.pages()
    facts = {name: page[name] for name in ("target", "title", "message", "type", "page_id", "deliveries")}
    assert facts == {
        "target": "duty",
        "title": "Alarm",
        "message": "wake up, Zoë & <all>",
        "type": kind.value,
        "page_id": None,
        "deliveries": 1,
    }


async def test_a_page_that_names_its_id_is_kept_once_a_target_and_its_repeats_are_counted(
    pager: PagerOperator,
) -> None:
    page_id = str(uuid4())
    for target in ("duty", "duty", "lead"):
        assert await notify(pager.target(target), f"A dossier waits.\n\nPage {page_id}")
    await notify(pager.target("duty"), "another page")

    pages = await pager.pages(page_id=page_id)

    assert [(page["target"], page["deliveries"]) for page in pages] == [("duty", 2), ("lead", 1)]
    assert len(await pager.pages(target="duty")) == 2


async def test_pages_survive_a_restart(settings: PagerSettings) -> None:
    with serving(build(settings)) as url:
        pager = PagerOperator(url)
        await notify(pager.target("duty"))
        await pager.close()

    with serving(build(settings)) as url:
        pager = PagerOperator(url)
        assert [page["message"] for page in await pager.pages()] == ["wake up"]
        await pager.close()


async def test_in_error_mode_nothing_is_taken(pager: PagerOperator) -> None:
    await pager.behave("error", times=1)

    assert not await notify(pager.target("duty"))
    assert await pager.pages() == []
    assert await notify(pager.target("duty"))


async def test_in_lying_mode_it_says_failed_but_has_taken_the_page(pager: PagerOperator) -> None:
    await pager.behave("lying", times=1)

    assert not await notify(pager.target("duty"))
    assert len(await pager.pages()) == 1


async def test_in_slow_mode_it_answers_late(pager: PagerOperator) -> None:
    await pager.behave("slow", delay_seconds=0.05, times=1)

    answer = await pager.client.post("/v1/pages/duty", json=PAGE)

    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_without_the_token_nothing_is_taken(pager: PagerOperator, token: str) -> None:
    assert not await notify(pager.target("duty", token))
    assert await pager.pages() == []


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/pages/duty"), ("GET", "/v1/pages"), ("PUT", "/v1/behaviour")]
)
async def test_without_the_token_nothing_is_read_or_written(pager: PagerOperator, method: str, path: str) -> None:
    answer = await pager.client.request(method, path, json=PAGE, headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})
    assert await pager.pages() == []


@pytest.mark.parametrize("changed", [{"version": "2.0"}, {"type": "panic"}, {"title": None}, {"priority": 1}])
async def test_what_apprise_would_not_send_is_refused(pager: PagerOperator, changed: dict[str, Any]) -> None:
    assert (await pager.client.post("/v1/pages/duty", json=PAGE | changed)).status_code == 422
    assert await pager.pages() == []
