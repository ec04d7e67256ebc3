"""Killing a service at one point while it handles one command, and looking at all that is left."""

from services.chassis.crash import Point
from tests.support import Bus, RawRecord, ServiceProcess, Tables, Tape, command_record, eventually
from tests.support.cases import Prepared

RECOVERY_SECONDS = 60.0
"""A killed member keeps its partitions until the broker's session timeout; then its successor starts over."""


async def survives(bus: Bus, service: ServiceProcess, point: Point, prepared: Prepared) -> None:
    """AssertionError unless the kill happens and nothing of it shows afterwards."""
    record = command_record(bus.stack, prepared.command, prepared.actor)
    async with Tape.of(bus.stack) as tape:
        await kill_at(point, service, bus, record, prepared)
        answer = await bus.answer_to(record, seconds=RECOVERY_SECONDS)
        again = await bus.ask(prepared.command, prepared.actor, command_id=record.command_id)

        assert answer.status < 300, answer
        assert {(one.status, one.body) for one in bus.replies[record.message_id]} == {(answer.status, answer.body)}
        assert again == answer, "asked again under its key, the caller gets another answer"
        tables = Tables(bus.stack, service.name)
        assert prepared.effects(tables) == 1
        await everything_was_told(tables, tape, record, prepared)


async def kill_at(point: Point, service: ServiceProcess, bus: Bus, record: RawRecord, prepared: Prepared) -> None:
    starts = service.starts
    service.crash.arm(point, _types_at(point, prepared))
    try:
        await bus.send(record)
        await eventually(lambda: service.crash.happened, f"{service.name} reaches {point}", RECOVERY_SECONDS)
        await eventually(lambda: service.starts > starts, f"{service.name} is started again")
    finally:
        service.crash.disarm()


def _types_at(point: Point, prepared: Prepared) -> str:
    """What `reach` is told at a point: the batch's commands, the relay's events, or nothing."""
    if point is Point.BEFORE_OFFSETS:
        return ""
    return prepared.events[0] if point is Point.AFTER_PUBLISH else prepared.command.type


async def everything_was_told(tables: Tables, tape: Tape, record: RawRecord, prepared: Prepared) -> None:
    """Each event once in effect: the outbox holds exactly these, and subscribers got exactly those, in order."""
    written = [
        row
        for row in tables.rows("SELECT * FROM outbox ORDER BY id DESC LIMIT 200")[::-1]
        if str(record.command_id).encode() in row["value"]
    ]
    assert sorted(row["topic"] for row in written) == sorted(prepared.events)
    await eventually(lambda: len(tape.of_command(record.command_id)) >= len(written), "its events on the wire")
    told = tape.of_command(record.command_id)
    assert {seen.id for seen in told} == {str(row["event_id"]) for row in written}
    assert tape.inversions() == []
    still_due = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND event_id = ANY(%s)"
    ids = [row["event_id"] for row in written]
    await eventually(lambda: tables.value(still_due, ids) == 0, "its events are marked as published")
