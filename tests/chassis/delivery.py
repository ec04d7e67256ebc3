"""Delivering the same record again and again."""

from tests.support import Bus, RawRecord, command_record
from tests.support.cases import Prepared


async def deliver_three_times(bus: Bus, prepared: Prepared) -> RawRecord:
    """Three deliveries, each after the one before was answered; AssertionError unless all answers are one."""
    record = command_record(bus.stack, prepared.command, prepared.actor)
    if prepared.deferred:
        for _ in range(3):
            await bus.send(record)
        return record
    answers = []
    for nth in (1, 2, 3):
        await bus.send(record)
        answers.append(await bus.answer_to(record, nth))

    assert answers[0].status < 300, answers[0]
    assert answers[1] == answers[2] == answers[0]
    return record
