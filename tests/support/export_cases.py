"""How each command about an export is prepared, for each of the services that take them.

The services' own workers must stand still (`GATEHOUSE_EXPORT_JOBS=false`), or they would be first.
"""

from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID, uuid4

from contracts.export_messages import OWNERS, ExportMessages
from contracts.exports import ExportFormat, OfExport
from contracts.message import Command
from contracts.roles import Role
from tests.support.bus import Bus
from tests.support.cases import Prepare, Prepared, case
from tests.support.people import person, system
from tests.support.tables import Tables

NO_EXPORT_JOBS = {"GATEHOUSE_EXPORT_JOBS": "false"}
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
    """A row as the worker leaves it; READY its time is over, but for `days_left`. What is not `due` it leaves alone."""
    export_id = uuid4()
    whole = (3, 120, SHA256, "a note") if made else (None, None, None, None)
    with tables.connection() as connection:
        connection.execute(
            """
            INSERT INTO exports (id, version, dataset, format, state, requested_by, requested_at, expires_at,
                                 rows, size, sha256, manifest, failure, next_try_at)
            VALUES (%s, 1, %s, 'csv', %s, '{"type": "user", "issuer": "https://id.example", "subject": "anna"}',
                    now() - interval '8 days', CASE WHEN %s = 'READY' THEN now() + make_interval(days => %s) END,
                    %s, %s, %s, %s, CASE WHEN %s = 'FAILED' THEN 'the bucket was full' END,
                    CASE WHEN %s THEN now() ELSE now() + interval '1 day' END)
            """,
            (export_id, dataset, state, state, days_left, *whole, state, due),
        )
    return export_id


def owner_of(command: Command | type[Command]) -> str:
    return command.topic.partition(".")[0]


for of_owner in OWNERS:
    case(of_owner.start)(_start(of_owner))
    case(of_owner.start_scheduled)(_start_scheduled(of_owner))
    case(of_owner.finish)(_report(of_owner, of_owner.finish, of_owner.finished.type))
    case(of_owner.fail)(_report(of_owner, of_owner.fail, of_owner.failed.type, why="the bucket was full"))
    case(of_owner.expire)(_report(of_owner, of_owner.expire, of_owner.expired.type))
