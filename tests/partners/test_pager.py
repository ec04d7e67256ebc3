"""A page reaches everybody of its level or is known not to; no secret of a target is ever told."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio

from deploy.local.pager import PagerSettings, build
from services.partners.review.pager import Pager, levels_of
from tests.support.outside import TOKEN, PagerOperator
from tests.support.serving import refused_url, serving
from tests.support.waiting import eventually

TITLE, BODY = "Dossier to review", "Partner 7, dossier version 2."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One fake pager for all tests of this file; each page has an id of its own."""
    directory: Path = tmp_path_factory.mktemp("pager")
    settings = PagerSettings(http_port=1, pager_token=TOKEN, pager_database=directory / "pages.sqlite")
    with serving(build(settings)) as address:
        yield address


@pytest_asyncio.fixture
async def fake(url: str) -> AsyncIterator[PagerOperator]:
    operator = PagerOperator(url)
    await operator.behave("ok")
    yield operator
    await operator.close()


@pytest.fixture
def pager(fake: PagerOperator) -> Iterator[Pager]:
    ready = Pager([[fake.target("ann")], [fake.target("bob"), fake.target("cleo")]], deadline_seconds=1)
    yield ready
    ready.close()


async def taken_by(fake: PagerOperator, page_id: object) -> list[str]:
    return sorted(page["target"] for page in await fake.pages(page_id=str(page_id)))


async def test_a_page_reaches_everybody_of_its_level_and_nobody_else(fake: PagerOperator, pager: Pager) -> None:
    first, second = uuid4(), uuid4()

    assert await pager.send(1, TITLE, BODY, first) is None
    assert await pager.send(2, TITLE, BODY, second) is None

    assert await taken_by(fake, first) == ["ann"]
    assert await taken_by(fake, second) == ["bob", "cleo"]
    (page,) = await fake.pages(page_id=str(first))
    assert (page["title"], page["message"], page["type"]) == (TITLE, f"{BODY}\n\nPage {first}", "warning")


async def test_text_of_strangers_arrives_as_text(fake: PagerOperator, pager: Pager) -> None:
    page_id, odd = uuid4(), "<b>50 %</b> of \\n :smile: {{x}} & Zoë\nsecond line"

    assert await pager.send(1, odd, odd, page_id) is None

    (page,) = await fake.pages(page_id=str(page_id))
    assert page["message"] == f"{odd}\n\nPage {page_id}"


async def test_a_target_that_shows_html_gets_text_of_strangers_escaped(fake: PagerOperator) -> None:
    pager = Pager([[f"{fake.target('browser')}&format=html"]])

    assert await pager.send(1, TITLE, "<script>alert(1)</script>", uuid4()) is None

    (page,) = await fake.pages(target="browser")
    assert "<script>" not in page["message"]
    assert "&lt;script&gt;" in page["message"]
    pager.close()


async def test_a_page_that_was_not_taken_is_told_and_the_next_try_takes_it(fake: PagerOperator, pager: Pager) -> None:
    page_id = uuid4()
    await fake.behave("error", times=1)

    assert await pager.send(1, TITLE, BODY, page_id) == "target 1 of 1: not taken"
    assert await taken_by(fake, page_id) == []
    assert await pager.send(1, TITLE, BODY, page_id) is None


async def test_a_page_that_half_of_a_level_took_is_not_sent(fake: PagerOperator) -> None:
    page_id = uuid4()
    pager = Pager([[fake.target("ann"), fake.target("bob", token="wrong")]])

    assert await pager.send(1, TITLE, BODY, page_id) == "target 2 of 2: not taken"
    assert await taken_by(fake, page_id) == ["ann"]
    pager.close()


async def test_a_pager_that_lies_gets_the_page_again_and_can_tell_that_it_is_the_same(
    fake: PagerOperator, pager: Pager
) -> None:
    page_id = uuid4()
    await fake.behave("lying", times=1)

    assert await pager.send(1, TITLE, BODY, page_id) == "target 1 of 1: not taken"
    assert await pager.send(1, TITLE, BODY, page_id) is None

    assert [page["deliveries"] for page in await fake.pages(page_id=str(page_id))] == [2]


async def test_a_slow_pager_holds_nobody_up_longer_than_the_deadline(fake: PagerOperator, pager: Pager) -> None:
    page_id = uuid4()
    await fake.behave("slow", delay_seconds=2, times=1)

    began = time.monotonic()
    assert await pager.send(1, TITLE, BODY, page_id) == "target 1 of 1: no answer within 1 s"
    assert time.monotonic() - began < 1.8

    assert await pager.send(1, TITLE, BODY, uuid4()) is None
    await eventually(lambda: taken_by(fake, page_id), "what was late arrives after all", 10)


async def test_the_event_loop_goes_on_while_pages_are_sent(fake: PagerOperator, pager: Pager) -> None:
    await fake.behave("slow", delay_seconds=0.5, times=1)
    sending = asyncio.create_task(pager.send(1, TITLE, BODY, uuid4()))
    turns = 0
    while not sending.done():
        await asyncio.sleep(0.01)
        turns += 1

    assert await sending is None
    assert turns > 10


async def test_a_pager_that_is_away_is_told(fake: PagerOperator) -> None:
    netloc = urlsplit(refused_url()).netloc
    pager = Pager([[f"json://{netloc}/v1/pages/ann"]])

    assert await pager.send(1, TITLE, BODY, uuid4()) == "target 1 of 1: not taken"
    pager.close()


@pytest.mark.parametrize("level", [0, -1, 3])
async def test_a_level_without_anybody_is_told(pager: Pager, level: int) -> None:
    assert await pager.send(level, TITLE, BODY, uuid4()) == f"there is nobody to page at level {level}"


async def test_many_pages_at_once_are_all_sent(fake: PagerOperator, url: str) -> None:
    pager = Pager([[fake.target("ann"), fake.target("bob")]], deadline_seconds=20)
    page_ids = [uuid4() for _ in range(30)]

    told = await asyncio.gather(*(pager.send(1, TITLE, BODY, page_id) for page_id in page_ids))

    assert told == [None] * 30
    assert [await taken_by(fake, page_id) for page_id in page_ids] == [["ann", "bob"]] * 30
    pager.close()


SECRET = "t0psecret"
UNREADABLE = (
    SECRET,
    f"nonsense://host/{SECRET}?+Authorization=Bearer%20{SECRET}",
    f"json://?+Authorization=Bearer%20{SECRET}",
    f"slack://{SECRET}",
    f"mailto://user:{SECRET}@",
)


@pytest.mark.parametrize("target", UNREADABLE)
def test_a_target_that_cannot_be_read_stops_the_start_and_keeps_its_secrets(
    target: str, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("apprise").setLevel(logging.NOTSET)

    with pytest.raises(ValueError, match="target 2 of level 1 is no apprise URL") as raised:
        Pager([["json://127.0.0.1:9/v1/pages/ann", target]])

    assert SECRET not in str(raised.value) + caplog.text


async def test_a_failure_keeps_the_secrets_of_its_target(fake: PagerOperator, caplog: pytest.LogCaptureFixture) -> None:
    pager = Pager([[fake.target("ann", token=SECRET)], [f"json://user:{SECRET}@{urlsplit(refused_url()).netloc}/"]])

    told = [await pager.send(level, TITLE, BODY, uuid4()) for level in (1, 2)]

    assert told == ["target 1 of 1: not taken"] * 2
    assert SECRET not in caplog.text
    pager.close()


LEVELS: dict[tuple[str, ...], Sequence[Sequence[str]]] = {
    (): [],
    ("",): [],
    ("json://a/x?+B=C%20D", ""): [["json://a/x?+B=C%20D"]],
    ("json://a, jsons://b/1,2", "tgram://123:abc/9"): [["json://a", "jsons://b/1,2"], ["tgram://123:abc/9"]],
}


@pytest.mark.parametrize("settings", LEVELS)
def test_settings_name_the_targets_of_each_level(settings: tuple[str, ...]) -> None:
    assert levels_of(*settings) == LEVELS[settings]
