"""A lane of the chassis in this process, on the real broker, under a consumer group that nobody else uses."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from contracts.partners import COMMANDS
from deploy.local.stack import Stack
from services.chassis.messaging import Lane, Process, make_broker
from services.wire.envelope import Record
from services.wire.settings import OwnerSettings
from tests.chassis.workbench import settings_of
from tests.support import eventually


class Taken:
    """Keeps the batches it is given; while `hold` is set it finishes none."""

    def __init__(self) -> None:
        self.batches: list[Sequence[Record]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, records: Sequence[Record]) -> None:
        self.batches.append(records)
        await self.free.wait()

    @property
    def records(self) -> list[Record]:
        return [record for batch in self.batches for record in batch]


@asynccontextmanager
async def running(
    stack: Stack, process: Process, group: str = "", settings: OwnerSettings | None = None
) -> AsyncIterator[Lane]:
    """Reads the command topic of the partners service, and commits, as the partners service's principal."""
    settings = settings or settings_of(stack, "partners")
    broker = make_broker(settings)
    lane = Lane(group or f"partners.{uuid4().hex}", 0, (COMMANDS,), process)
    lane.attach(broker, settings.kafka_session_seconds)
    await broker.start()
    try:
        await eventually(lambda: lane.assigned, "its assignment")
        yield lane
    finally:
        await broker.stop()
