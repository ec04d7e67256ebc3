"""Exports by the clock: the slot that came last, once, whoever looks at the clock and however often."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from pydantic import ValidationError

from contracts.export_messages import AUDIT, PARTNERS
from contracts.exports import DatasetName, ExportFormat
from deploy.local.stack import Stack
from services.chassis import OwnCommands
from services.exports.job_settings import Daily
from services.exports.schedule import Schedule, last_slot
from services.wire.kafka import make_producer
from tests.chassis.workbench import settings_of
from tests.support import ServiceProcess, Tables, eventually
from tests.support.export_cases import NO_EXPORT_JOBS
from tests.support.records import service_key


def daily(at: str, zone: str = "UTC") -> Daily:
    return Daily(dataset=DatasetName.EVENTS, format=ExportFormat.CSV, at=time.fromisoformat(at), zone=zone)


@pytest.mark.parametrize(
    ("at", "zone", "now", "slot"),
    [
        pytest.param("02:00", "UTC", "2026-11-28T02:00+00:00", "2026-11-28T02:00+00:00", id="on the minute"),
        pytest.param("02:00", "UTC", "2026-11-28T01:59:59+00:00", "2026-11-27T02:00+00:00", id="not yet today"),
        pytest.param("02:00", "Asia/Tokyo", "2026-11-27T18:00+00:00", "2026-11-27T17:00+00:00", id="tomorrow there"),
        pytest.param("02:30", "Europe/Zurich", "2026-03-29T12:00+00:00", "2026-03-29T01:30+00:00", id="no such hour"),
        pytest.param("02:30", "Europe/Zurich", "2026-10-25T12:00+00:00", "2026-10-25T00:30+00:00", id="hour twice"),
    ],
)
def test_the_slot_that_came_last(at: str, zone: str, now: str, slot: str) -> None:
    assert last_slot(daily(at, zone), datetime.fromisoformat(now)) == datetime.fromisoformat(slot)


def test_a_zone_or_dataset_that_is_not_there_is_named_at_start() -> None:
    with pytest.raises(ValidationError, match="is no time zone"):
        daily("02:00", "Europe/Atlantis")
    with pytest.raises(ValueError, match="events is not a dataset of this service"):
        Schedule(None, PARTNERS, [daily("02:00")])  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def own(stack: Stack) -> AsyncIterator[OwnCommands]:
    producer = make_producer(settings_of(stack, "audit"))
    await producer.start()
    yield OwnCommands(producer, "audit", service_key(stack, "audit"))
    await producer.stop()


async def test_two_timers_restarts_and_a_kill_make_one_export_of_a_slot(stack: Stack, own: OwnCommands) -> None:
    slot = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=uuid4().int % 10**6)
    at = daily(slot.time().isoformat())
    tables = Tables(stack, "audit")

    def timer(later: timedelta = timedelta(seconds=1)) -> Schedule:
        return Schedule(own, AUDIT, [at], now=lambda: slot + later)

    def made(moment: datetime) -> int:
        return int(tables.value("SELECT count(*) FROM exports WHERE scheduled_for = %s", moment))

    one, other = timer(), timer()
    with ServiceProcess(stack, "audit", env=NO_EXPORT_JOBS) as audit:
        issued = await asyncio.gather(one.issue(), other.issue())
        again = await one.issue()
        await eventually(lambda: made(slot) == 1, "the slot's export")
        audit.kill()
        audit.start()
        await timer(timedelta(hours=3)).issue()
        await timer(timedelta(days=1)).issue()
        await eventually(lambda: made(slot + timedelta(days=1)) == 1, "the next day's")

    assert [*issued, again] == [1, 1, 0]
    assert made(slot) == 1
    [told] = tables.rows(
        "SELECT topic, value FROM outbox o JOIN exports e ON e.id = o.aggregate_id WHERE e.scheduled_for = %s", slot
    )
    assert told["topic"] == "audit.export_requested"
    assert orjson.loads(told["value"])["actor"]["type"] == "system"
