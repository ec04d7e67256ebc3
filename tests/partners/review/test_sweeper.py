"""Timers only issue commands: whoever sweeps, and however often, each warning, breach and escalation comes once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import RequestInfo
from contracts.message import Command, Header
from contracts.partners import COMMANDS
from contracts.reviews import BreachReview, EscalatePage, WarnReview
from contracts.roles import Role
from deploy.local.stack import Stack
from services.chassis import OwnCommands, Write, fetch
from services.partners.desk import save_book
from services.partners.review.sweeper import POLL, Sweeper
from services.wire.kafka import make_producer
from tests.chassis.workbench import settings_of
from tests.partners.conftest import retire
from tests.partners.desk import person
from tests.partners.review.reviewers import SLA, ReviewOffice
from tests.support import Bus, ServiceProcess, Tables, command_record, eventually, system, together
from tests.support.groups import skip_backlog
from tests.support.records import service_key
from tests.support.wire import reader, until_now

Asked = tuple[type[Command], dict[str, Any], UUID]
WAVES, PARTNERS = 4, 80
TOLD = """
    SELECT aggregate_id, topic, convert_from(value, 'UTF8')::json -> 'actor' ->> 'type' AS actor, count(*) AS times
    FROM outbox WHERE topic IN ('partner.review_warned', 'partner.review_breached') AND aggregate_id = ANY(%s)
    GROUP BY 1, 2, 3
"""


async def overdue(engine: AsyncEngine, count: int, now: datetime | None = None) -> ReviewOffice:
    """Partners in review whose warning and breach are due at `now`, and whose pages nobody acknowledged."""
    desk = ReviewOffice()
    desk.now = (now or datetime.now(UTC)) - timedelta(seconds=SLA.target_seconds + 3 * count + 1)
    for _ in range(count):
        desk.submitted(person(f"s-{uuid4()}", Role.PARTNER_ADMIN))
    async with engine.begin() as tx:
        await save_book(Write(tx), desk.book)
    return desk


@pytest_asyncio.fixture
async def own_commands(stack: Stack) -> AsyncIterator[OwnCommands]:
    producer = make_producer(settings_of(stack, "partners"))
    await producer.start()
    yield OwnCommands(producer, "partners", service_key(stack, "partners"))
    await producer.stop()


class Swept:
    """A sweeper without a service, and what it put on the topic."""

    def __init__(self, stack: Stack, engine: AsyncEngine, own_commands: OwnCommands, levels: int = 3) -> None:
        self.now = datetime.now(UTC)
        self.sweeper = Sweeper(engine, own_commands, levels, now=lambda: self.now)
        self._stack = stack

    async def sweep(self, desk: ReviewOffice) -> list[Asked]:
        """The commands one sweep issues for the partners of a desk: type, body, command id."""
        async with reader(self._stack, "partners", COMMANDS, from_end=True) as consumer:
            await self.sweeper.sweep()
            records = await until_now(consumer)
        kinds = {kind.type: kind for kind in (WarnReview, BreachReview, EscalatePage)}
        found: list[Asked] = []
        for record in records:
            headers, body = dict(record.headers), orjson.loads(record.value)
            kind = kinds.get(headers[Header.TYPE].decode())
            if kind and UUID(body["partner_id"]) in desk.book.partners:
                found.append((kind, body, UUID(headers[Header.COMMAND_ID].decode())))
        return found


@pytest_asyncio.fixture
async def swept(stack: Stack, engine: AsyncEngine, own_commands: OwnCommands) -> Swept:
    return Swept(stack, engine, own_commands)


async def test_what_is_due_is_asked_for_once_a_minute_under_an_id_that_two_sweepers_share(
    engine: AsyncEngine, own_commands: OwnCommands, stack: Stack, swept: Swept
) -> None:
    desk = await overdue(engine, 3, swept.now)
    other = Swept(stack, engine, own_commands)
    other.now = swept.now

    first, again, others = await swept.sweep(desk), await swept.sweep(desk), await other.sweep(desk)
    swept.now += timedelta(minutes=1)
    later = await swept.sweep(desk)

    assert Counter(kind for kind, _, _ in first) == {WarnReview: 3, BreachReview: 3, EscalatePage: 3}
    assert again == []
    assert {command_id for _, _, command_id in others} == {command_id for _, _, command_id in first}
    assert Counter(kind for kind, _, _ in later) == Counter(kind for kind, _, _ in first)
    assert {command_id for _, _, command_id in later}.isdisjoint({command_id for _, _, command_id in first})


async def test_before_it_is_due_nothing_is_asked_and_the_next_moment_is_known(
    engine: AsyncEngine, swept: Swept
) -> None:
    desk = await overdue(engine, 1, swept.now)
    [partner_id] = desk.book.partners
    clock, page = desk.clock(partner_id), desk.page(partner_id)
    assert clock.warn_at
    assert clock.due_at
    assert page.escalate_at

    moments = []
    for moment in (clock.warn_at, page.escalate_at, clock.due_at):
        swept.now = moment - timedelta(microseconds=1)
        moments.append(await swept.sweeper.sweep())
        swept.now = moment - POLL / 2
        assert swept.sweeper.rest(moment) == POLL / 2
    asked = await swept.sweep(desk)

    assert moments == [clock.warn_at, page.escalate_at, clock.due_at]
    assert asked == [], "warned and escalated for this minute, and not yet breached"
    assert swept.sweeper.rest(None) == POLL
    assert swept.sweeper.rest(swept.now - timedelta(days=1)) < timedelta(seconds=1)


async def test_paused_closed_and_acknowledged_is_left_alone(engine: AsyncEngine, swept: Swept) -> None:
    desk = ReviewOffice()
    desk.now = swept.now - timedelta(days=1)
    people = [person(f"s-{uuid4()}", Role.PARTNER_ADMIN) for _ in range(3)]
    ids = [desk.submitted(actor) for actor in people]
    desk.judge(ids[0], RequestInfo)
    desk.judge(ids[1])
    desk.acknowledge(desk.page(ids[2]).id)
    async with engine.begin() as tx:
        await save_book(Write(tx), desk.book)

    asked = await swept.sweep(desk)

    assert {UUID(body["partner_id"]) for _, body, _ in asked} == {ids[2]}
    assert {kind for kind, _, _ in asked} == {WarnReview, BreachReview}


async def test_no_level_is_asked_for_that_there_is_not(
    stack: Stack, engine: AsyncEngine, own_commands: OwnCommands
) -> None:
    """Settings with fewer levels than there were when the page was raised."""
    swept = Swept(stack, engine, own_commands, levels=1)
    desk = await overdue(engine, 1, swept.now)

    asked = await swept.sweep(desk)

    assert {kind for kind, _, _ in asked} == {WarnReview, BreachReview}


@pytest.fixture
def two_services(stack: Stack) -> Iterator[tuple[ServiceProcess, ServiceProcess]]:
    """Both sweep; each comes back when it is killed."""
    skip_backlog(stack, COMMANDS, COMMANDS)
    first, second = (ServiceProcess(stack, "partners", instance=number, supervised=True) for number in range(2))
    with together(first, second):
        yield first, second


async def test_two_sweepers_killed_at_random_say_everything_once(
    stack: Stack, engine: AsyncEngine, tables: Tables, two_services: tuple[ServiceProcess, ServiceProcess]
) -> None:
    chance = random.Random(41)  # noqa: S311 - where to kill, no secret
    partners: list[UUID] = []

    async def are_said(count: int) -> None:
        await eventually(lambda: len(tables.rows(TOLD, partners)) >= count, f"{count} are said", seconds=120)

    for _ in range(WAVES):
        before = len(tables.rows(TOLD, partners))
        partners += (await overdue(engine, PARTNERS)).book.partners
        await are_said(before + chance.randrange(PARTNERS))
        chance.choice(two_services).kill()

    await are_said(2 * len(partners))
    async with Bus.of(stack) as bus:  # whatever sweepers sent twice lies before this on its partition
        await nothing_more_is_said(bus, partners)

    rows = tables.rows(TOLD, partners)
    assert len(rows) == 2 * WAVES * PARTNERS
    assert {(row["times"], row["actor"]) for row in rows} == {(1, "system")}
    assert sum(service.starts for service in two_services) == 2 + WAVES


async def nothing_more_is_said(bus: Bus, partners: Sequence[UUID]) -> None:
    """Ask again for every partner, under ids of our own, and wait for the answers."""
    asked = [
        command_record(bus.stack, kind(partner_id=partner_id, round=1), system("partners"))
        for partner_id in partners
        for kind in (WarnReview, BreachReview)
    ]
    for record in asked:
        await bus.send(record)
    answers = [await bus.answer_to(record) for record in asked]
    assert {(answer.status, answer.body) for answer in answers} == {(200, b"")}


async def test_control_a_sweeper_that_says_it_itself_says_it_twice(
    stack: Stack, engine: AsyncEngine, tables: Tables
) -> None:
    """Two that read what is due and then tell and mark it, and one that dies between telling and marking."""
    desk = await overdue(engine, 20)
    partners, told = list(desk.book.partners), list[UUID]()
    both_have_read = asyncio.Barrier(2)

    async def careless(*, dies: bool = False) -> None:
        statement = (
            "SELECT partner_id FROM reviews WHERE partner_id = ANY($1) AND warned_at IS NULL AND warn_at <= now()"
        )
        async with engine.begin() as tx:
            due = [row.partner_id for row in await fetch(tx, statement, partners)]
        if not dies:
            await both_have_read.wait()
        told.extend(due)
        if dies:
            return
        async with engine.begin() as tx:
            await tx.exec_driver_sql("UPDATE reviews SET warned_at = now() WHERE partner_id = ANY($1)", (due,))

    await careless(dies=True)
    await asyncio.gather(careless(), careless())

    assert set(Counter(told).values()) == {3}
    retire(tables)
