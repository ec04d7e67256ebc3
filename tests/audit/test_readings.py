"""A13: whoever reads the log leaves an event in it, whatever they were shown."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from contracts.audit import GetEvent, ListEvents
from contracts.audit_as_of import GetPartnerAsOf
from contracts.message import Outcome as EventOutcome
from contracts.message import Query
from services.audit import readings as recording
from services.audit.as_of.queries import partner_as_of
from services.audit.queries import get_event, list_events
from services.audit.readings import Readings
from services.chassis import Outcome, Reply
from services.chassis.outbox import Relay
from services.chassis.queries import QueryHandler
from tests.audit.as_of.partner_life import PartnerLife
from tests.audit.asking import Asking, staff
from tests.audit.ledger import Ledger, record, story

pytestmark = pytest.mark.asyncio


@dataclass
class Recorded:
    """The service's own way of answering, with a Kafka that is away: the relay is never run."""

    ledger: Ledger
    readings: Readings

    async def ask(self, query: Query, handler: QueryHandler = list_events, **asker: Any) -> Outcome:
        return await Asking(self.ledger, **asker).ask(query, self.readings.recorded(handler))

    @property
    def events(self) -> list[dict[str, Any]]:
        rows = self.ledger.rows("SELECT value FROM outbox ORDER BY id")
        return [orjson.loads(row["value"]) for row in rows]

    async def arrive(self) -> None:
        """Kafka is back, and delivers."""
        await self.ledger.take([record(row, topic=row["type"]) for row in self.events])


@pytest_asyncio.fixture
async def recorded(ledger: Ledger) -> AsyncIterator[Recorded]:
    never_started = AIOKafkaProducer(bootstrap_servers="127.0.0.1:9")
    yield Recorded(ledger, Readings(ledger.engine, Relay(ledger.engine, never_started, "/audit")))
    await never_started.stop()


async def test_a_reading_says_who_asked_for_what_and_how_much_was_shown(recorded: Recorded) -> None:
    await recorded.ledger.take(story(3))

    await recorded.ask(ListEvents(actor="maria", outcome=EventOutcome.SUCCEEDED, limit=2))

    (read,) = recorded.events
    assert (read["type"], read["outcome"], read["actor"]["subject"]) == ("audit.read", "SUCCEEDED", "aud")
    assert read["data"] == {
        "question": "audit.events",
        "filters": {"actor": "maria", "outcome": "SUCCEEDED"},
        "shown": 2,
        "unsealed": 0,
    }


async def test_one_event_is_a_reading_too(recorded: Recorded) -> None:
    await recorded.ledger.take(story(1))
    (one,) = (await Asking(recorded.ledger).page()).data

    await recorded.ask(GetEvent(event_id=one.id), get_event)
    await recorded.ask(GetEvent(event_id=uuid4()), get_event)

    assert [read["data"]["shown"] for read in recorded.events] == [1, 0]
    assert recorded.events[0]["data"]["filters"] == {"event_id": str(one.id)}


async def test_asking_about_the_past_is_a_reading_with_its_instant(recorded: Recorded) -> None:
    as_of, partner = datetime(2100, 1, 1, tzinfo=UTC), PartnerLife(random.Random(7), steps=0)  # noqa: S311
    await recorded.ledger.take(partner.told)

    await recorded.ask(GetPartnerAsOf(partner_id=partner.id, as_of=as_of), partner_as_of)
    await recorded.ask(GetPartnerAsOf(partner_id=partner.id, as_of=as_of), partner_as_of, actor=staff(uuid4()))

    asked = [(read["data"]["question"], read["data"]["shown"], read["reason_code"]) for read in recorded.events]
    assert asked == [("audit.partner_as_of", 1, None), ("audit.partner_as_of", 0, "NOT_FOUND")]
    filters = recorded.events[0]["data"]["filters"]
    assert filters == {"partner_id": str(partner.id), "as_of": "2100-01-01T00:00:00Z"}


async def test_who_was_refused_is_recorded_with_the_reason(recorded: Recorded) -> None:
    eve = staff(uuid4())

    await recorded.ask(ListEvents(), actor=eve)
    await recorded.ask(ListEvents(tenant_id=uuid4()), actor=eve)

    told = [(read["outcome"], read["reason_code"], read["actor"]["subject"]) for read in recorded.events]
    assert told == [("REJECTED", "ROLE_REQUIRED", eve.subject), ("REJECTED", "NOT_FOUND", eve.subject)]


async def test_what_was_looked_for_in_vain_is_not_put_into_the_log(recorded: Recorded) -> None:  # A9-A12
    phone = "+41446681800"

    await recorded.ask(ListEvents(person=phone))

    (read,) = recorded.events
    assert read["data"]["filters"] == {"person": ""}
    assert phone not in str(read)


async def test_while_kafka_is_away_reading_goes_on_and_is_recorded_later(recorded: Recorded) -> None:
    await recorded.ledger.take(story(2))

    answers = [await recorded.ask(ListEvents()) for _ in range(3)]
    await recorded.arrive()

    assert all(isinstance(answer, Reply) for answer in answers)
    assert await Asking(recorded.ledger).positions(action="audit.read", actor="aud") == [2, 3, 4]
    assert (await recorded.ledger.verify()).ok


async def test_reading_the_readings_leaves_one_event_each_and_no_more(recorded: Recorded) -> None:
    for count in range(1, 6):
        await recorded.ask(ListEvents(action="audit.read"))
        assert len(recorded.events) == count
    await recorded.arrive()

    assert len(recorded.ledger.positions) == 5


async def test_nothing_is_shown_that_could_not_be_recorded(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any) -> set[int]:
        raise OSError("no space left")

    await recorded.ledger.take(story(1))
    monkeypatch.setattr(recording, "append", full)

    with pytest.raises(OSError, match="no space"):
        await recorded.ask(ListEvents())
