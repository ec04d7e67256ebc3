"""A dossier arrives and people are told: the service, its timers and a pager over the network (S1.37)."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest
import pytest_asyncio

from contracts.partners import COMMANDS, FileDossier
from contracts.reviews import AcknowledgePage
from deploy.local.stack import Stack
from tests.partners.conftest import retire
from tests.partners.review.paging import took
from tests.support import Applicant, Bus, ServiceProcess, Tables, eventually, root_admin
from tests.support.applicants import reservation
from tests.support.groups import skip_backlog
from tests.support.outside import PagerOperator

PATIENCE_SECONDS = 3
STATEMENT = "SELECT id FROM pages WHERE partner_id = %s ORDER BY dossier_version"


@pytest.fixture
def partners(stack: Stack, fake: PagerOperator, tables: Tables) -> Iterator[ServiceProcess]:
    """A service with two levels of people to page, and little patience."""
    retire(tables)
    skip_backlog(stack, COMMANDS, COMMANDS)
    env = {
        "OTC_PAGE_ESCALATE_SECONDS": str(PATIENCE_SECONDS),
        "OTC_PAGE_RETRY_SECONDS": "2",
        "OTC_PAGER_LEVEL_1": fake.target("duty"),
        "OTC_PAGER_LEVEL_2": fake.target("head"),
    }
    with ServiceProcess(stack, "partners", env=env, supervised=True) as process:
        yield process


@pytest_asyncio.fixture
async def bus(stack: Stack, partners: ServiceProcess) -> AsyncIterator[Bus]:
    async with Bus.of(stack) as found:
        yield found


async def arrived(bus: Bus, tables: Tables) -> tuple[Applicant, UUID, UUID]:
    """Somebody's application, its partner and the page about it."""
    applicant = Applicant(bus.stack)
    application = await applicant.prepare(bus)
    answer = await bus.ask(application.command, application.actor)
    assert answer.status == 201, answer
    assert answer.json["review"]["due_at"]
    return applicant, application.partner_id, pages_of(tables, application.partner_id)[0]


def pages_of(tables: Tables, partner_id: UUID) -> list[UUID]:
    return [row["id"] for row in tables.rows(STATEMENT, partner_id)]


def delivered(tables: Tables, page_id: UUID) -> list[int]:
    """The levels that were told."""
    statement = "SELECT level FROM page_deliveries WHERE page_id = %s AND status = 'sent' ORDER BY level"
    return [row["level"] for row in tables.rows(statement, page_id)]


async def test_who_is_not_acknowledged_is_followed_by_the_next_level_and_who_is_is_not(
    bus: Bus, tables: Tables, fake: PagerOperator
) -> None:
    *_, acknowledged = await arrived(bus, tables)
    answer = await bus.ask(AcknowledgePage(page_id=acknowledged), root_admin(bus.stack))
    *_, ignored = await arrived(bus, tables)

    await eventually(lambda: delivered(tables, ignored) == [1, 2], "both levels are told")

    assert (answer.status, answer.json["state"]) == (200, "ACKNOWLEDGED")
    assert await took(fake, ignored) == [("duty", 1), ("head", 1)]
    assert [target for target, _ in await took(fake, acknowledged)] in ([], ["duty"])
    events = "SELECT topic FROM outbox WHERE aggregate_id = %s ORDER BY version"
    assert [row["topic"] for row in tables.rows(events, ignored)] == ["page.raised", "page.escalated"]
    assert [row["topic"] for row in tables.rows(events, acknowledged)] == ["page.raised", "page.acknowledged"]


async def test_a_pager_that_is_down_and_a_service_that_is_killed_lose_no_page_and_double_none(
    bus: Bus, tables: Tables, fake: PagerOperator, partners: ServiceProcess
) -> None:
    await fake.behave("error")
    applicant, partner_id, _ = await arrived(bus, tables)
    for _ in range(3):
        answer = await bus.ask(reservation("kyb", applicant.actor.subject, partner_id), applicant.actor)
        key = await applicant.put("kyb", answer.json)
        filed = await bus.ask(FileDossier(partner_id=partner_id, kyb_object_key=key), applicant.actor)
        again = await bus.ask(FileDossier(partner_id=partner_id, kyb_object_key=key), applicant.actor)
        assert (filed.status, again.status) == (200, 200)
        partners.kill()
    pages = pages_of(tables, partner_id)
    tried = "SELECT count(*) FROM page_deliveries WHERE page_id = ANY(%s) AND status = 'failed'"
    await eventually(lambda: tables.value(tried, pages) >= 4, "all were tried in vain", seconds=60)
    assert [await took(fake, page) for page in pages] == [[]] * 4

    await fake.behave("ok")
    await eventually(lambda: all(1 in delivered(tables, page) for page in pages), "all are told", seconds=90)

    told = [await took(fake, page) for page in pages]
    assert [dict(page)["duty"] for page in told] == [1] * 4
    assert {times for page in told for _, times in page} == {1}
