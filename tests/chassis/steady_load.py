"""A stream of small commands, each different, until it is told to stop; then what became of every one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from contracts.partners import COMMANDS, ReserveUpload
from contracts.topics import BY_NAME
from tests.support import Bus, RawRecord, Tables, Tape, command_record, eventually, partner_admin
from tests.support.applicants import reservation

PARTITIONS = BY_NAME[COMMANDS].partitions


@dataclass(slots=True)
class Load:
    """Everything that the broker has acknowledged so far."""

    sent: list[tuple[ReserveUpload, RawRecord]] = field(default_factory=list)

    async def more(self, wanted: int) -> None:
        """Wait while so many more are sent."""
        total = len(self.sent) + wanted
        await eventually(lambda: len(self.sent) >= total, f"{wanted} more commands are sent", seconds=120)


@asynccontextmanager
async def steady_load(bus: Bus, a_second: int) -> AsyncIterator[Load]:
    """Sends round robin to all partitions while the block runs."""
    load, actor = Load(), partner_admin(bus.stack)

    async def pour() -> None:
        for n in count():
            command = reservation("kyb", f"{actor.subject}-{n}")
            record = command_record(bus.stack, command, actor)
            await bus.send(record, partition=n % PARTITIONS)
            load.sent.append((command, record))
            await asyncio.sleep(1 / a_second)

    pouring = asyncio.create_task(pour())
    try:
        yield load
    finally:
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)


async def nothing_lost_or_doubled(load: Load, bus: Bus, tables: Tables, tape: Tape) -> None:
    """Every command sent so far was answered 201 once in effect, and told the world once in effect."""
    sent = list(load.sent)
    replies = [bus.replies[record.message_id] for _, record in sent]
    await eventually(lambda: all(replies), f"all {len(sent)} are answered", seconds=90)
    assert {answer.status for answers in replies for answer in answers} == {201}

    digests = [command.sha256 for command, _ in sent]
    rows = tables.rows("SELECT id, sha256 FROM uploads WHERE sha256 = ANY(%s)", digests)
    assert sorted(row["sha256"] for row in rows) == sorted(digests)

    uploads = {str(row["id"]) for row in rows}
    await eventually(lambda: uploads <= _told(tape), "all their events are on the wire", seconds=60)
    assert sum(seen.event["aggregate_id"] in uploads for seen in tape.firsts()) == len(uploads)


def _told(tape: Tape) -> set[str]:
    return {seen.event["aggregate_id"] for seen in tape.firsts()}
