"""Reviews and pages in PostgreSQL: what is written is read, and what must not happen the database refuses."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import RejectPartner
from contracts.partners import ListPartners, PartnerPage
from contracts.reviews import Delivery, ListPages, PagePage, PageState
from contracts.roles import Role
from services.chassis import Call, Read, Reply, Write, fetch
from services.partners.desk import save_book
from services.partners.queries import list_partners
from services.partners.review.page import Page
from services.partners.review.queries import list_pages
from services.partners.review.store import load_pages, load_reviews, save_pages
from services.partners.store_partners import load_partners
from tests.partners.desk import person
from tests.partners.review.reviewers import ReviewOffice


def submitted() -> tuple[ReviewOffice, UUID]:
    desk = ReviewOffice()
    return desk, desk.submitted(person(f"s-{uuid4()}", Role.PARTNER_ADMIN))


async def stored(engine: AsyncEngine, desk: ReviewOffice) -> None:
    async with engine.begin() as tx:
        await save_book(Write(tx), desk.book)


async def pages_of(engine: AsyncEngine, partner_id: UUID) -> list[Page]:
    async with engine.begin() as tx:
        return list((await load_pages(Write(tx), partner_ids=[partner_id], lock=True)).values())


async def later(engine: AsyncEngine, desk: ReviewOffice, partner_id: UUID) -> ReviewOffice:
    """A desk of another batch that has loaded this partner."""
    other = ReviewOffice()
    other.now = desk.later(60)
    async with engine.begin() as tx:
        other.book.partners = await load_partners(Write(tx), [partner_id], lock=True)
        other.book.reviews = await load_reviews(Write(tx), [partner_id])
        other.book.pages = await load_pages(Write(tx), partner_ids=[partner_id], lock=True)
    return other


async def test_clock_and_page_are_read_as_they_were_written(engine: AsyncEngine) -> None:
    desk, partner_id = submitted()

    await stored(engine, desk)

    async with engine.begin() as tx:
        assert await load_reviews(Write(tx), [partner_id]) == {partner_id: desk.clock(partner_id)}
        [partner] = (await load_partners(Write(tx), [partner_id], lock=False)).values()
    assert await pages_of(engine, partner_id) == [desk.page(partner_id)]
    assert partner.review == desk.clock(partner_id).view()


async def test_what_a_later_batch_changes_is_read_too(engine: AsyncEngine) -> None:
    desk, partner_id = submitted()
    await stored(engine, desk)
    desk = await later(engine, desk, partner_id)
    desk.later(2_000)
    page = desk.page(partner_id)
    desk.warn(partner_id)
    desk.breach(partner_id)
    desk.escalate(page, 2)
    desk.acknowledge(page.id)

    await stored(engine, desk)

    async with engine.begin() as tx:
        [clock] = (await load_reviews(Write(tx), [partner_id])).values()
    assert clock == desk.clock(partner_id)
    assert clock.warned_at
    assert clock.breached_at
    [found] = await pages_of(engine, partner_id)
    assert found == page
    assert (found.state, found.level, found.delivery) == (PageState.ACKNOWLEDGED, 2, Delivery.CANCELLED)


async def test_one_batch_closes_a_round_and_opens_the_next(engine: AsyncEngine) -> None:
    desk, partner_id = submitted()
    await stored(engine, desk)
    desk = await later(engine, desk, partner_id)
    desk.judge(partner_id, RejectPartner)
    desk.refile(partner_id, person(desk.book.partners[partner_id].roster[0].subject))

    await stored(engine, desk)

    async with engine.begin() as tx:
        rows = await fetch(
            tx, "SELECT round, closed_at IS NULL FROM reviews WHERE partner_id = $1 ORDER BY round", partner_id
        )
    assert [tuple(row) for row in rows] == [(1, False), (2, True)]


async def test_a_version_is_paged_once_even_by_two_transactions(engine: AsyncEngine) -> None:  # S1.37
    desk, partner_id = submitted()
    desk.book.new_pages.clear()
    await stored(engine, desk)
    call = Call(person("s"), None, uuid4(), desk.now)  # type: ignore[arg-type]

    async def raise_page() -> None:
        page, _ = Page.raise_(partner_id, 1, call, desk.book.rules.paging)
        async with engine.begin() as tx:
            await save_pages(Write(tx), [page], {})

    results = await asyncio.gather(*(raise_page() for _ in range(8)), return_exceptions=True)

    refused = [result for result in results if result]
    assert len(refused) == 7
    assert all("pages_once_a_version" in str(error) for error in refused)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE reviews SET due_at = NULL WHERE partner_id = $1", "reviews_due_while_running"),
        ("UPDATE reviews SET closed_at = now() WHERE partner_id = $1", "reviews_closed_stands_still"),
        ("UPDATE reviews SET warn_at = due_at + interval '1 s' WHERE partner_id = $1", "reviews_warned_before_due"),
        ("UPDATE reviews SET used_seconds = -1 WHERE partner_id = $1", "reviews_used"),
        (
            "INSERT INTO reviews SELECT partner_id, 2, now(), 0 FROM reviews WHERE partner_id = $1",
            "reviews_one_open",
        ),
        ("UPDATE pages SET state = 'ACKNOWLEDGED', escalate_at = NULL WHERE partner_id = $1", "pages_open_until"),
        ("UPDATE pages SET state = 'RESOLVED', escalate_at = NULL WHERE partner_id = $1", "pages_resolved_once"),
        ("UPDATE pages SET acknowledged_at = now() WHERE partner_id = $1", "pages_acknowledged_by_somebody"),
        (
            "UPDATE pages SET state = 'RESOLVED', resolved_at = now() WHERE partner_id = $1",
            "pages_escalate_while_open",
        ),
        (
            "UPDATE page_deliveries SET status = 'sent' FROM pages WHERE id = page_id AND partner_id = $1",
            "page_deliveries_sent_once",
        ),
        (
            "UPDATE page_deliveries SET status = 'failed' FROM pages WHERE id = page_id AND partner_id = $1",
            "page_deliveries_failed_why",
        ),
    ],
)
async def test_rows_cannot_contradict_themselves(engine: AsyncEngine, statement: str, constraint: str) -> None:
    desk, partner_id = submitted()
    await stored(engine, desk)

    with pytest.raises(IntegrityError, match=constraint):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(statement, (partner_id,))


async def test_many_versions_do_not_make_a_batch_load_them_all(engine: AsyncEngine) -> None:
    desk, partner_id = submitted()
    for _ in range(5):
        desk.refile(partner_id, person(desk.book.partners[partner_id].roster[0].subject))
    desk.judge(partner_id)

    await stored(engine, desk)

    assert [page.dossier_version for page in await pages_of(engine, partner_id)] == [6]


async def test_a_batch_of_any_size_costs_the_same_number_of_statements(engine: AsyncEngine) -> None:
    assert await statements_of(engine, 2) == await statements_of(engine, 200)


async def statements_of(engine: AsyncEngine, applications: int) -> int:
    desk = ReviewOffice()
    for _ in range(applications):
        desk.submitted(person(f"s-{uuid4()}", Role.PARTNER_ADMIN))
    counted: list[str] = []
    seen: Callable[..., None] = lambda *details: counted.append(details[2])  # noqa: E731
    event.listen(engine.sync_engine, "before_cursor_execute", seen)
    try:
        async with engine.begin() as tx:
            await save_book(Write(tx), desk.book)
            await load_reviews(Write(tx), sorted(desk.book.partners))
            await load_pages(Write(tx), partner_ids=desk.book.partners.keys(), lock=True)
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", seen)
    return len(counted)


async def test_pages_are_listed_by_state_with_a_cursor(engine: AsyncEngine) -> None:
    desk = ReviewOffice()
    ids = [desk.page(desk.submitted(person(f"s-{uuid4()}", Role.PARTNER_ADMIN))).id for _ in range(5)]
    for page_id in ids[1:4]:
        desk.acknowledge(page_id)
    before = min(ids).int - 1
    await stored(engine, desk)

    first = await listed(engine, limit=2, starting_after=UUID(int=before), state=PageState.ACKNOWLEDGED)
    rest = await listed(engine, limit=2, starting_after=first.data[-1].id, state=PageState.ACKNOWLEDGED)
    everything = await listed(engine, limit=100, starting_after=UUID(int=before))

    assert ([page.id for page in first.data], first.has_more) == (ids[1:3], True)
    assert ([page.id for page in rest.data], rest.has_more) == (ids[3:4], False)
    assert [page.id for page in everything.data] == ids
    assert rest.data[0] == desk.book.pages[ids[3]].view()


async def listed(engine: AsyncEngine, **query: object) -> PagePage:
    async with engine.connect() as read:
        reply = await list_pages(ListPages.model_validate(query), None, Read(read))  # type: ignore[arg-type]
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, PagePage)
    return reply.body


async def test_the_overdue_are_found(engine: AsyncEngine) -> None:
    """`GET /api/v1/partners?overdue=true`."""
    desk, partner_id = submitted()
    await stored(engine, desk)

    async def overdue(later: timedelta) -> list[UUID]:
        auditor = person("auditor", Role.AUDITOR)
        call = Call(auditor, desk.call().context, uuid4(), desk.now + later)
        query = ListPartners(overdue=True, starting_after=UUID(int=partner_id.int - 1), limit=1)
        async with engine.connect() as read:
            reply = await list_partners(query, call, Read(read))
        assert isinstance(reply, Reply)
        assert isinstance(reply.body, PartnerPage)
        return [partner.id for partner in reply.body.data]

    assert partner_id not in await overdue(timedelta(seconds=990))
    assert await overdue(timedelta(seconds=1_010)) == [partner_id]
