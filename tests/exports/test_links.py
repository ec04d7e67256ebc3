"""A13: a link to a file is told of before anybody has it, once each; where that can't be told there is no link."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from contracts.export_messages import STAFFING
from contracts.failures import Code
from contracts.message import Context
from contracts.roles import Role
from deploy.local.stack import Stack
from services.chassis import Call, Refusal
from services.chassis.database import connect
from services.chassis.outbox import Relay
from services.exports.files import LINK_LIFETIME
from services.exports.links import ExportLinks, Given
from services.exports.settings import ExportSettings
from tests.support import Tables, eventually, person
from tests.support.export_cases import an_export

pytestmark = pytest.mark.asyncio


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "staffing")


@pytest.fixture
def settings(stack: Stack) -> ExportSettings:
    given = {name.removeprefix("GATEHOUSE_").lower(): value for name, value in stack.env_of("staffing").items()}
    return ExportSettings.model_validate(given, extra="ignore")


@pytest_asyncio.fixture
async def engine(settings: ExportSettings) -> AsyncIterator[AsyncEngine]:
    engine = connect(settings.database_url.get_secret_value())
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def kafka_away() -> AsyncIterator[AIOKafkaProducer]:
    never_started = AIOKafkaProducer(bootstrap_servers="127.0.0.1:9")
    yield never_started
    await never_started.stop()


def links(engine: AsyncEngine, producer: AIOKafkaProducer, settings: ExportSettings) -> ExportLinks:
    return ExportLinks(engine, Relay(engine, producer, "/staffing"), settings, STAFFING)


@pytest.fixture
def handed_out(engine: AsyncEngine, kafka_away: AIOKafkaProducer, settings: ExportSettings) -> ExportLinks:
    """As the service hands them out, with a relay that never runs."""
    return links(engine, kafka_away, settings)


@pytest.fixture
def file(tables: Tables) -> UUID:
    return an_export(tables, "roles", "READY", made=True, due=False, days_left=1)


def call_of(stack: Stack, subject: str) -> Call:
    command_id = uuid4()
    context = Context(request_id=str(command_id), command_id=command_id)
    return Call(person(stack, subject, Role.AUDITOR), context, command_id, datetime.now(UTC))


def told(tables: Tables, export_id: UUID) -> list[dict[str, Any]]:
    """Of links; the request and the end of the job were told before."""
    given = "SELECT value FROM outbox WHERE aggregate_id = %s AND topic LIKE '%%.export_link_given' ORDER BY id"
    return [orjson.loads(row["value"]) for row in tables.rows(given, export_id)]


def version(tables: Tables, export_id: UUID) -> int:
    found: int = tables.value("SELECT version FROM exports WHERE id = %s", export_id)
    return found


async def test_a_link_is_one_event_that_says_who_got_it_to_what_and_until_when(
    stack: Stack, tables: Tables, handed_out: ExportLinks, file: UUID
) -> None:
    before = datetime.now(UTC)

    given = await handed_out.give(file, call_of(stack, "anna"))

    assert isinstance(given, Given)
    (event,) = told(tables, file)
    until = datetime.fromisoformat(event["data"]["link_expires_at"])
    assert (event["type"], event["actor"]["subject"]) == ("staffing.export_link_given", "anna")
    assert event["targets"] == [{"type": "export", "id": str(file)}]
    assert (event["data"]["dataset"], event["data"]["sha256"]) == ("roles", given.export.sha256)
    assert until == given.expires_at
    assert before + LINK_LIFETIME <= until <= datetime.now(UTC) + LINK_LIFETIME


async def test_the_link_itself_stands_in_no_event(
    stack: Stack, tables: Tables, handed_out: ExportLinks, file: UUID
) -> None:
    given = await handed_out.give(file, call_of(stack, "anna"))

    assert isinstance(given, Given)
    (event,) = told(tables, file)
    kept, (address, _, signed) = str(event), given.link.partition("?")
    parts = [part.partition("=")[2] for part in signed.split("&") if part.startswith(("X-Amz-Signature", "X-Amz-Cred"))]
    assert len(parts) == 2
    assert not [secret for secret in (address, *parts, "X-Amz") if secret in kept]


async def test_links_given_at_once_count_on_without_a_gap(
    stack: Stack, tables: Tables, handed_out: ExportLinks, file: UUID
) -> None:  # A17
    before = version(tables, file)

    await asyncio.gather(*(handed_out.give(file, call_of(stack, f"anna-{n}")) for n in range(8)))

    assert [event["aggregate_version"] for event in told(tables, file)] == list(range(before + 1, before + 9))
    assert version(tables, file) == before + 8


async def test_a_database_that_takes_no_writes_gives_no_link(
    stack: Stack,
    tables: Tables,
    engine: AsyncEngine,
    kafka_away: AIOKafkaProducer,
    settings: ExportSettings,
    file: UUID,
) -> None:
    read_only = links(engine.execution_options(postgresql_readonly=True), kafka_away, settings)
    before = version(tables, file)

    assert await read_only.give(file, call_of(stack, "anna")) == Refusal(Code.DEPENDENCY_UNAVAILABLE)
    assert (told(tables, file), version(tables, file)) == ([], before)


async def test_a_database_that_is_away_gives_no_link(
    stack: Stack, kafka_away: AIOKafkaProducer, settings: ExportSettings, file: UUID
) -> None:
    away = create_async_engine("postgresql+asyncpg://staffing@127.0.0.1:9/gatehouse")

    given = await links(away, kafka_away, settings).give(file, call_of(stack, "anna"))

    assert given == Refusal(Code.DEPENDENCY_UNAVAILABLE)


async def test_who_waited_for_an_erasure_is_given_no_link_to_what_it_ended(
    stack: Stack, tables: Tables, handed_out: ExportLinks, file: UUID
) -> None:  # A11
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'staffing' AND wait_event_type = 'Lock'"
    with psycopg.connect(stack.state.admin_dsn, options="-c search_path=staffing") as erasing:
        asked = call_of(stack, "anna")
        erasing.execute("UPDATE exports SET expires_at = clock_timestamp() WHERE id = %s", (file,))
        giving = asyncio.create_task(handed_out.give(file, asked))
        await eventually(lambda: tables.value(waiting) > 0, "the link waits for the erasure")

    assert await giving is None
    assert told(tables, file) == []


@pytest.mark.parametrize(("state", "made"), [("REQUESTED", False), ("FAILED", False), ("READY", True)])
async def test_what_has_no_file_any_more_or_yet_leaves_nothing(
    stack: Stack, tables: Tables, handed_out: ExportLinks, *, state: str, made: bool
) -> None:
    export_id = an_export(tables, "roles", state, made=made, due=False)
    before = version(tables, export_id)

    assert await handed_out.give(export_id, call_of(stack, "anna")) is None
    assert (told(tables, export_id), version(tables, export_id)) == ([], before)
