"""How each command about an export is prepared, for each of the services that take them.

The services' own workers must stand still (`GATEHOUSE_EXPORT_JOBS=false`), or they would be first.
"""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.sql import SQL, Identifier, Placeholder

from contracts.export_messages import OWNERS, ExportMessages
from contracts.exports import DatasetName, ExportFormat, ExportState, OfExport
from contracts.message import Actor, ActorType, Command, Context, EventActor, Outcome
from contracts.roles import Role
from services.chassis import Call, Fact
from services.chassis.outbox import PARTITIONS, event_json
from services.exports.export import Export
from tests.support.bus import Bus
from tests.support.cases import Prepare, Prepared, case
from tests.support.people import person, system
from tests.support.tables import Tables

NO_EXPORT_JOBS = {"GATEHOUSE_EXPORT_JOBS": "false"}
ANNA = Actor(type=ActorType.USER, issuer="https://id.example", subject="anna")
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def _start(messages: ExportMessages) -> Prepare:
    async def start_export(bus: Bus) -> Prepared:
        auditor = person(bus.stack, f"anna-{uuid4().hex[:12]}", Role.AUDITOR)
        command = messages.start(dataset=min(messages.datasets), format=ExportFormat.JSONL)
        counted: LiteralString = "SELECT count(*) FROM exports WHERE requested_by ->> 'subject' = %s"
        return Prepared(
            command, auditor, lambda tables: tables.value(counted, auditor.subject), (messages.requested.type,)
        )

    return start_export


def _start_scheduled(messages: ExportMessages) -> Prepare:
    async def start_scheduled_export(_: Bus) -> Prepared:
        slot = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=uuid4().int % 10**15)
        command = messages.start_scheduled(dataset=min(messages.datasets), format=ExportFormat.CSV, scheduled_for=slot)
        counted: LiteralString = "SELECT count(*) FROM exports WHERE scheduled_for = %s"
        return Prepared(
            command, system(owner_of(command)), lambda tables: tables.value(counted, slot), (messages.requested.type,)
        )

    return start_scheduled_export


def _report(messages: ExportMessages, command: type[OfExport], event: str, **more: str) -> Prepare:
    async def report(bus: Bus) -> Prepared:
        owner = owner_of(messages.finish)
        made, state = command is not messages.fail, "READY" if command is messages.expire else "RUNNING"
        export_id = an_export(Tables(bus.stack, owner), min(messages.datasets), state, made=made)
        counted: LiteralString = "SELECT count(*) FROM outbox WHERE aggregate_id = %s AND topic = %s"
        return Prepared(
            command(export_id=export_id, **more),
            system(owner),
            lambda tables: tables.value(counted, export_id, event),
            (event,),
        )

    return report


def an_export(tables: Tables, dataset: str, state: str, *, made: bool, due: bool = True, days_left: int = -1) -> UUID:
    """As service and worker leave it, its events included; when it is READY its time is over, but for `days_left`.

    One that is not `due` is left alone by the worker.
    """
    messages = next(owner for owner in OWNERS if dataset in owner.datasets)
    asked = Context(request_id=f"req-{uuid4().hex[:12]}", command_id=uuid4())
    call = Call(ANNA, asked, asked.command_id, datetime.now(UTC) - timedelta(days=8))
    export = Export(
        id=asked.command_id,
        dataset=DatasetName(dataset),
        format=ExportFormat.CSV,
        range_from=None,
        range_to=None,
        state=ExportState.REQUESTED,
        requested_by=EventActor(type=ANNA.type, issuer=ANNA.issuer, subject=ANNA.subject),
        requested_at=call.now,
        scheduled_for=None,
    )
    facts: list[Fact | None] = [export.request(messages)]
    if made:
        export.rows, export.size, export.sha256, export.manifest = 3, 120, SHA256, "a note"
    if state == ExportState.READY:
        facts.append(export.finish(timedelta(days=8 + days_left), call, messages))
    elif state == ExportState.FAILED:
        facts.append(export.fail("the bucket was full", messages))
    export.state = ExportState(state)
    with tables.connection() as connection, connection.transaction():
        _keep(connection, export, due=due)
        for fact in filter(None, facts):
            _tell(connection, call, fact)
    return export.id


def _keep(connection: Connection[Any], export: Export, *, due: bool) -> None:
    row = {one.name: getattr(export, one.name) for one in fields(export)}
    row |= {"requested_by": export.requested_by.model_dump_json()}
    row |= {"next_try_at": datetime.now(UTC) + timedelta(days=0 if due else 1)}
    _insert(connection, "exports", row)


def _tell(connection: Connection[Any], call: Call, fact: Fact) -> None:
    """As `outbox.append` does; the service's relay finds it."""
    event_id = uuid4()
    row = {
        "partition": fact.aggregate_id.int % PARTITIONS,
        "topic": fact.data.type,
        "event_id": event_id,
        "aggregate_id": fact.aggregate_id,
        "version": fact.version,
        "schema_version": fact.data.version,
        "value": event_json(event_id, call, fact, Outcome.SUCCEEDED, None),
        "kept": fact.data.kept,
    }
    _insert(connection, "outbox", row)


def _insert(connection: Connection[Any], table: str, row: dict[str, Any]) -> None:
    names = SQL(", ").join(map(Identifier, row))
    values = SQL(", ").join(map(Placeholder, row))
    connection.execute(SQL("INSERT INTO {} ({}) VALUES ({})").format(Identifier(table), names, values), row)


def owner_of(command: Command | type[Command]) -> str:
    return command.topic.partition(".")[0]


for of_owner in OWNERS:
    case(of_owner.start)(_start(of_owner))
    case(of_owner.start_scheduled)(_start_scheduled(of_owner))
    case(of_owner.finish)(_report(of_owner, of_owner.finish, of_owner.finished.type))
    case(of_owner.fail)(_report(of_owner, of_owner.fail, of_owner.failed.type, why="the bucket was full"))
    case(of_owner.expire)(_report(of_owner, of_owner.expire, of_owner.expired.type))
