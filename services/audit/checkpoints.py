"""Publishes the newest checkpoint to two places outside the database: the locked bucket and the compacted topic.

Invariant: one publisher at a time, under an advisory lock, so that the newest checkpoint in the topic never goes back.
At most every 5 s while the log grows, at once after a rest; what is away is tried again, and after a restart the
newest is published again, which changes nothing.
"""

import asyncio
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.topics import CHECKPOINTS
from services.audit import metrics
from services.audit.bucket import Bucket, ForkedError
from services.chassis.patience import pause

INTERVAL_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 30.0

_LOCK = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.publisher'))"
_NEWEST = "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1"

log = structlog.get_logger()


class Publisher:
    """Background work of the service; `wake` it when the log has grown."""

    def __init__(self, engine: AsyncEngine, producer: AIOKafkaProducer, bucket: Bucket, origin: str) -> None:
        self._engine, self._producer, self._bucket, self._origin = engine, producer, bucket, origin
        self._grown = asyncio.Event()
        self.published = 0

    def wake(self) -> None:
        self._grown.set()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            self._grown.clear()
            try:
                await self.publish()
                failures = 0
            except Exception as error:
                failures += 1
                tell = log.critical if isinstance(error, ForkedError) else log.warning
                tell("audit.publish_failed", error=repr(error), failures=failures)
                await pause(failures + 4, longest=INTERVAL_SECONDS)
                continue
            await self._rest()
            await asyncio.sleep(max(0.0, started + INTERVAL_SECONDS - loop.time()))

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                await self._grown.wait()

    async def publish(self) -> None:
        """Publish the newest checkpoint to both places; raises when one of them did not take it."""
        async with self._engine.begin() as tx:
            await tx.exec_driver_sql(_LOCK)
            newest = (await tx.exec_driver_sql(_NEWEST)).first()
            if newest is None or newest.size == self.published:
                return
            await self._publish(newest.size, newest.note)
        self.published = newest.size
        metrics.PUBLISHED.set(newest.size)
        log.info("audit.published", size=newest.size)

    async def _publish(self, size: int, note: str) -> None:
        key = self._origin.encode()
        results = await asyncio.gather(
            asyncio.to_thread(self._bucket.put, size, note),
            self._producer.send_and_wait(CHECKPOINTS.name, note.encode(), key=key),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
