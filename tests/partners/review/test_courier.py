"""Pages reach people: none is lost while the pager is down, and none is sent to anybody twice (S1.37)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.roles import Role
from services.chassis import Write
from services.partners.desk import save_book
from services.partners.review.courier import Courier, backoff
from services.partners.review.page import Page
from services.partners.review.pager import Pager
from services.partners.review.store import save_pages
from tests.partners.desk import person
from tests.partners.review.paging import took
from tests.partners.review.reviewers import ReviewOffice
from tests.support.outside import PagerOperator
from tests.support.tables import Tables
from tests.support.waiting import eventually

LONGEST_PAUSE = timedelta(minutes=1)


@pytest.fixture
def pager(fake: PagerOperator) -> Iterator[Pager]:
    ready = Pager([[fake.target("duty")], [fake.target("head")], [fake.target("board")]], deadline_seconds=3)
    yield ready
    ready.close()


@pytest_asyncio.fixture
async def courier(engine: AsyncEngine, pager: Pager, tables: Tables) -> AsyncIterator[Courier]:
    """Not running: a test sends what is due by hand. Pages of other tests are out of the way."""
    with tables.connection() as connection:
        connection.execute("UPDATE page_deliveries SET next_try_at = 'infinity' WHERE status <> 'sent'")
    courier = Courier(engine, pager, LONGEST_PAUSE)
    yield courier
    await courier.close()


async def raised(engine: AsyncEngine, versions: int = 1) -> tuple[ReviewOffice, list[Page]]:
    """A partner whose dossier came in so many versions, and their pages."""
    desk, actor = ReviewOffice(), person(f"s-{uuid4()}", Role.PARTNER_ADMIN)
    partner_id = desk.submitted(actor)
    for _ in range(versions - 1):
        desk.refile(partner_id, actor)
    async with engine.begin() as tx:
        await save_book(Write(tx), desk.book)
    return desk, desk.book.new_pages


async def changed(engine: AsyncEngine, page: Page) -> None:
    async with engine.begin() as tx:
        await save_pages(Write(tx), [], {page.id: page})


async def send_due(courier: Courier) -> None:
    while await courier.start_due():
        await courier.drain()


def make_due(tables: Tables, *pages: Page) -> None:
    with tables.connection() as connection:
        ids = [page.id for page in pages]
        connection.execute("UPDATE page_deliveries SET next_try_at = now() WHERE page_id = ANY(%s)", (ids,))


def delivery(tables: Tables, page: Page, level: int = 1) -> dict[str, Any]:
    statement = "SELECT * FROM page_deliveries WHERE page_id = %s AND level = %s"
    [row] = tables.rows(statement, page.id, level)
    return row


async def test_a_page_reaches_the_first_level_and_names_no_more_than_ids(
    engine: AsyncEngine, courier: Courier, fake: PagerOperator, tables: Tables
) -> None:
    desk, [page] = await raised(engine)

    await send_due(courier)

    [row] = await fake.pages(page_id=str(page.id))
    assert (row["target"], row["title"]) == ("duty", "Dossier to review")
    assert f"Partner {page.partner_id}, dossier version 1" in row["message"]
    assert desk.book.partners[page.partner_id].legal_name not in row["title"] + row["message"]
    assert delivery(tables, page)["status"] == "sent"


async def test_a_page_that_was_sent_is_told_once(
    engine: AsyncEngine, courier: Courier, fake: PagerOperator, tables: Tables
) -> None:  # A4
    _, [page] = await raised(engine)
    await fake.behave("error")
    await send_due(courier)
    await fake.behave("ok")

    for _ in range(2):
        make_due(tables, page)
        await send_due(courier)

    rows = tables.rows("SELECT value FROM outbox WHERE topic = 'page.sent' ORDER BY id")
    events = [orjson.loads(row["value"]) for row in rows]
    (told,) = [event for event in events if event["data"]["page_id"] == str(page.id)]
    assert told["actor"] == {"type": "system", "issuer": None, "subject": "partners"}
    assert told["data"] == {"page_id": str(page.id), "level": 1, "tries": 2}
    assert {"type": "partner", "id": str(page.partner_id)} in told["targets"]


async def test_a_pager_that_is_down_loses_no_page(
    engine: AsyncEngine, courier: Courier, fake: PagerOperator, tables: Tables
) -> None:
    _, pages = await raised(engine, versions=12)
    await fake.behave("error")

    for _ in range(9):
        await send_due(courier)
        make_due(tables, *pages)

    assert {delivery(tables, page)["status"] for page in pages} == {"failed"}
    assert min(delivery(tables, page)["tries"] for page in pages) >= 9
    assert [await took(fake, page.id) for page in pages] == [[]] * 12

    await fake.behave("ok")
    await send_due(courier)

    assert [await took(fake, page.id) for page in pages] == [[("duty", 1)]] * 12
    assert {delivery(tables, page)["status"] for page in pages} == {"sent"}


async def test_what_failed_is_tried_again_by_itself(
    engine: AsyncEngine, courier: Courier, fake: PagerOperator, tables: Tables
) -> None:
    await fake.behave("error")
    running = asyncio.create_task(courier.run())
    _, [page] = await raised(engine)
    await eventually(lambda: delivery(tables, page)["status"] == "failed", "the pager was asked")

    await fake.behave("ok")
    await eventually(lambda: delivery(tables, page)["status"] == "sent", "it is asked again")

    assert await took(fake, page.id) == [("duty", 1)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_two_couriers_send_each_page_once(
    engine: AsyncEngine, courier: Courier, pager: Pager, fake: PagerOperator, tables: Tables
) -> None:
    _, pages = await raised(engine, versions=30)
    other = Courier(engine, pager, LONGEST_PAUSE)

    await asyncio.gather(send_due(courier), send_due(other))

    assert [await took(fake, page.id) for page in pages] == [[("duty", 1)]] * 30
    assert {delivery(tables, page)["tries"] for page in pages} == {1}
    await other.close()


async def test_a_page_that_a_crash_left_in_hand_is_sent_later_and_recognised(
    engine: AsyncEngine, courier: Courier, fake: PagerOperator, tables: Tables
) -> None:
    """The pager took it and answered late: the repeat carries the same id."""
    _, [page] = await raised(engine)
    await fake.behave("slow", delay_seconds=1)
    await courier.start_due()
    for task in list(courier._in_hand):  # noqa: SLF001
        task.cancel()
    await courier.drain()
    await fake.behave("ok")
    assert delivery(tables, page)["status"] == "queued"

    await send_due(courier)
    assert delivery(tables, page)["tries"] == 1, "its claim has not run out"
    make_due(tables, page)
    await send_due(courier)

    assert delivery(tables, page)["status"] == "sent"
    assert [target for target, _ in await took(fake, page.id)] == ["duty"]


async def test_the_next_level_is_told_too_and_the_first_is_not_forgotten(
    engine: AsyncEngine, courier: Courier, fake: PagerOperator, tables: Tables
) -> None:
    """The pager was down all the while: whoever was to be told is told, each once."""
    desk, [page] = await raised(engine)
    await fake.behave("error")
    await send_due(courier)
    desk.later(900)
    desk.escalate(page, 2)
    await changed(engine, page)
    await fake.behave("ok")
    make_due(tables, page)

    await send_due(courier)

    assert sorted(await took(fake, page.id)) == [("duty", 1), ("head", 1)]
    titles = {row["target"]: row["title"] for row in await fake.pages(page_id=str(page.id))}
    assert titles["head"] == "Dossier to review, not acknowledged (level 2)"


@pytest.mark.parametrize("how", ["acknowledged", "decided"])
async def test_nobody_is_told_of_what_somebody_looks_after_already(
    engine: AsyncEngine, courier: Courier, fake: PagerOperator, tables: Tables, how: str
) -> None:
    desk, [page] = await raised(engine)
    _ = desk.acknowledge(page.id) if how == "acknowledged" else desk.judge(page.partner_id)
    await changed(engine, page)
    make_due(tables, page)

    await send_due(courier)

    assert await took(fake, page.id) == []
    assert delivery(tables, page)["status"] == "cancelled"


async def test_a_page_in_another_couriers_hands_is_passed_over(
    engine: AsyncEngine, courier: Courier, tables: Tables
) -> None:
    _, [taken, free] = await raised(engine, versions=2)

    async with engine.begin() as other:
        await other.exec_driver_sql("SELECT 1 FROM page_deliveries WHERE page_id = $1 FOR UPDATE", (taken.id,))
        async with asyncio.timeout(5):
            await send_due(courier)

    assert (delivery(tables, taken)["tries"], delivery(tables, free)["tries"]) == (0, 1)


async def test_a_level_without_anybody_is_tried_and_says_so(engine: AsyncEngine, tables: Tables) -> None:
    _, [page] = await raised(engine)
    nobody = Courier(engine, Pager([]), LONGEST_PAUSE)

    await send_due(nobody)

    assert delivery(tables, page)["failure"] == "there is nobody to page at level 1"
    await nobody.close()


@pytest.mark.parametrize("tries", [1, 2, 7, 8, 100, 10**6])
def test_tries_become_rarer_up_to_one_a_minute(tries: int) -> None:
    seconds = backoff(tries, LONGEST_PAUSE).total_seconds()

    longest = min(60, 2 ** (min(tries, 30) - 1))
    assert longest / 2 <= seconds <= longest


async def test_control_a_courier_without_claims_sends_twice(
    engine: AsyncEngine, courier: Courier, pager: Pager, fake: PagerOperator
) -> None:
    """What two couriers do that read what is due and then send it."""
    _, [page] = await raised(engine)
    both_have_read = asyncio.Barrier(2)

    async def careless() -> None:
        async with engine.connect() as read:
            rows = await read.exec_driver_sql(
                "SELECT page_id FROM page_deliveries WHERE status = 'queued' AND page_id = $1", (page.id,)
            )
            due: list[UUID] = list(rows.scalars())
        await both_have_read.wait()
        for page_id in due:
            await pager.send(1, "Dossier to review", "", page_id)

    await asyncio.gather(careless(), careless())

    assert await took(fake, page.id) == [("duty", 2)]
