"""What a proof will need is not pruned; everything else is, once it was published long enough ago."""

from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID, uuid4

import psycopg
import pytest

from contracts.message import Actor, ActorType, Context, EventData, Outcome
from contracts.partner_events import PartnerCommandRefused
from deploy.local.stack import Stack
from services.chassis import Call, Fact, Write
from services.chassis.database import connect
from services.chassis.outbox import PUBLISHED_DAYS, Relay, append
from services.wire.kafka import make_producer
from tests.chassis.workbench import settings_of
from tests.support import Tables

CALL = Call(
    Actor(type=ActorType.SYSTEM, subject="clerk"),
    Context(request_id="r-1", command_id=uuid4()),
    uuid4(),
    datetime.now(UTC),
)


class Evidence(PartnerCommandRefused):
    """Not a message of the catalogue, since it names no `type` of its own."""

    kept: ClassVar[bool] = True


EVIDENCE = Evidence(command="voucher.sign", code="EVIDENCE_TAMPERED")
ORDINARY = PartnerCommandRefused(command="voucher.sign", code="EVIDENCE_TAMPERED")


async def committed(stack: Stack, *datas: EventData) -> list[UUID]:
    """The aggregate of each event, written by the chassis as a command would have."""
    facts = [Fact("test", uuid4(), 1, data) for data in datas]
    engine = connect(settings_of(stack, "partners").database_url.get_secret_value())
    async with engine.begin() as connection:
        await append(Write(connection), [(CALL, fact, Outcome.SUCCEEDED, None) for fact in facts])
    await engine.dispose()
    return [fact.aggregate_id for fact in facts]


def publish(tables: Tables, aggregates: list[UUID], days_ago: int) -> None:
    with tables.connection() as connection:
        statement = "UPDATE outbox SET published_at = now() - make_interval(days => %s) WHERE aggregate_id = ANY(%s)"
        connection.execute(statement, (days_ago, aggregates))


def left(tables: Tables, aggregates: list[UUID]) -> list[UUID]:
    """Those still in the outbox."""
    rows = tables.rows("SELECT aggregate_id FROM outbox WHERE aggregate_id = ANY(%s) ORDER BY id", aggregates)
    return [row["aggregate_id"] for row in rows]


async def sweep(stack: Stack) -> None:
    """What the relay does every two seconds."""
    settings = settings_of(stack, "partners")
    engine = connect(settings.database_url.get_secret_value())
    await Relay(engine, make_producer(settings), "/test")._sweep()  # noqa: SLF001
    await engine.dispose()


async def test_kept_events_survive_the_prune_and_others_do_not(stack: Stack) -> None:
    tables = Tables(stack, "partners")
    evidence, ordinary = await committed(stack, EVIDENCE, ORDINARY)
    publish(tables, [evidence, ordinary], PUBLISHED_DAYS + 1)

    await sweep(stack)

    assert left(tables, [evidence, ordinary]) == [evidence]
    kept = tables.value("SELECT value FROM outbox WHERE aggregate_id = %s", evidence)
    assert b'"EVIDENCE_TAMPERED"' in kept


async def test_what_was_published_lately_is_not_pruned(stack: Stack) -> None:
    tables = Tables(stack, "partners")
    lately = await committed(stack, ORDINARY)
    publish(tables, lately, PUBLISHED_DAYS - 1)

    await sweep(stack)

    assert left(tables, lately) == lately


async def test_a_kept_event_is_not_deleted_by_anybody(stack: Stack) -> None:
    tables = Tables(stack, "partners")
    evidence, ordinary = await committed(stack, EVIDENCE, ORDINARY)
    publish(tables, [evidence, ordinary], 0)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is kept"):
        tables.rows("DELETE FROM outbox WHERE aggregate_id = ANY(%s) RETURNING id", [evidence, ordinary])

    assert len(tables.rows("DELETE FROM outbox WHERE aggregate_id = %s RETURNING id", ordinary)) == 1
    assert left(tables, [evidence, ordinary]) == [evidence]
