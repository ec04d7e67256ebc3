"""Killing a service at one point while it handles a batch of commands, and looking at all that is left."""

from collections.abc import Sequence

from services.wire.crash import Point
from tests.support import Bus, RawRecord, ServiceProcess, Tables, Tape, command_record, eventually
from tests.support.cases import Prepared

RECOVERY_SECONDS = 60.0
"""A killed member keeps its partitions until the broker's session timeout; then its successor starts over."""

Sent = tuple[Prepared, RawRecord]


async def survives(bus: Bus, service: ServiceProcess, point: Point, *batch: Prepared) -> None:
    """AssertionError unless the kill happens in this batch and nothing of it shows afterwards."""
    sent = [(prepared, command_record(bus.stack, prepared.command, prepared.actor)) for prepared in batch]
    async with Tape.of(bus.stack) as tape:
        await kill_at(point, service, bus, sent)
        for prepared, record in sent:
            await answered_with_one_voice(bus, prepared, record)
            assert prepared.effects(Tables(bus.stack, service.name)) == 1, record
            await told_exactly_once(Tables(bus.stack, service.name), tape, prepared, record)
        assert tape.inversions() == []


async def kill_at(point: Point, service: ServiceProcess, bus: Bus, sent: Sequence[Sent]) -> None:
    """Send the batch as one poll will read it, and see the process die at this point and start again."""
    starts = service.starts
    service.crash.arm(point, _types_at(point, sent[0][0]))
    try:
        await bus.send_all([record for _, record in sent], partition=0)
        await eventually(lambda: service.crash.happened, f"{service.name} reaches {point}", RECOVERY_SECONDS)
        await eventually(lambda: service.starts > starts, f"{service.name} is started again")
    finally:
        service.crash.disarm()


def _types_at(point: Point, prepared: Prepared) -> str:
    """What `reach` is told at a point: the batch's commands, the relay's events, or nothing."""
    if point is Point.BEFORE_OFFSETS:
        return ""
    return prepared.events[0] if point is Point.AFTER_PUBLISH else prepared.command.type


async def answered_with_one_voice(bus: Bus, prepared: Prepared, record: RawRecord) -> None:
    """However often it was answered, and asked again under its key: the same answer; none where it comes later."""
    if prepared.deferred:
        tables = Tables(bus.stack, "partners")
        await eventually(lambda: prepared.effects(tables) == 1, "it has begun", RECOVERY_SECONDS)
        assert bus.replies[record.message_id] == []
        return
    answer = await bus.answer_to(record, seconds=RECOVERY_SECONDS)
    again = await bus.ask(prepared.command, prepared.actor, command_id=record.command_id)

    assert answer.status < 300, answer
    assert [answer] * len(bus.replies[record.message_id]) == bus.replies[record.message_id]
    assert again == answer


async def told_exactly_once(tables: Tables, tape: Tape, prepared: Prepared, record: RawRecord) -> None:
    """The outbox holds exactly its events, subscribers got exactly those, and they are marked."""
    written = [row for row in tables.newest_events() if str(record.command_id).encode() in row["value"]]
    ids = [row["event_id"] for row in written]
    still_due = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND event_id = ANY(%s)"

    await eventually(lambda: tables.value(still_due, ids) == 0, "its events are marked as published")
    await eventually(lambda: len(tape.of_command(record.command_id)) >= len(ids), "its events on the wire")

    assert prepared.events, "it changes something and tells nobody"
    assert sorted(row["topic"] for row in written) == sorted(prepared.events)
    assert {seen.id for seen in tape.of_command(record.command_id)} == set(map(str, ids))
