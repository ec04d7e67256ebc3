"""Liveness, readiness and the watchdog.

`broker.ping` is healthy while a consumer is dead, so readiness asks what matters: partitions assigned, records
moving, events leaving, database answering. A lane that has work and does not move for a minute ends the process;
its supervisor starts a fresh one.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence

import orjson
import structlog
from aiokafka.errors import KafkaError
from prometheus_client import generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.chassis.messaging import Lane
from services.chassis.outbox import Relay

STUCK_SECONDS = 60.0
LOOK_SECONDS = 5.0
STALE_OUTBOX_SECONDS = 30.0

log = structlog.get_logger()
Check = Callable[[], Awaitable[str | None]]


class Health:
    """Collects named checks; each returns None when fine, else what is wrong. `facts` are told as they are."""

    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}
        self.facts: dict[str, str] = {}

    def watch_lanes(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            self.checks[f"lane.{lane.name}"] = _lane_check(lane)

    def watch_database(self, engine: AsyncEngine) -> None:
        async def check() -> str | None:
            async with engine.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
            return None

        self.checks["database"] = check

    def watch_relay(self, relay: Relay) -> None:
        async def check() -> str | None:
            age = relay.oldest_seconds
            return f"oldest unpublished event is {age:.0f} s old" if age > STALE_OUTBOX_SECONDS else None

        self.checks["outbox"] = check

    async def problems(self) -> dict[str, str]:
        found = {}
        for name, check in self.checks.items():
            try:
                async with asyncio.timeout(2):
                    wrong = await check()
            except Exception as error:
                wrong = type(error).__name__
            if wrong:
                found[name] = wrong
        return found

    def routes(self) -> list[Route]:
        return [
            Route("/livez", self._livez),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]

    async def _livez(self, _: Request) -> Response:
        return Response(status_code=204)

    async def _readyz(self, _: Request) -> Response:
        found = await self.problems()
        body = orjson.dumps({"ready": not found, "problems": found, **self.facts})
        return Response(body, 503 if found else 200, media_type="application/json")

    async def _metrics(self, _: Request) -> Response:
        return Response(generate_latest(), media_type="text/plain; version=0.0.4")


def _lane_check(lane: Lane) -> Check:
    async def check() -> str | None:
        if not lane.assigned:
            return "no assignment yet"
        still = time.monotonic() - lane.moved_at
        if lane.in_hand and still > STUCK_SECONDS / 4:
            return f"a batch of {lane.in_hand} has waited {still:.0f} s"
        return None

    return check


async def watchdog(lanes: Sequence[Lane], database_away: Callable[[], Awaitable[bool]]) -> None:
    """End the process when a lane has work, nothing moves and the database is not the reason."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for lane in lanes:
            try:
                stuck = lane.assigned and await lane.stuck_seconds() > STUCK_SECONDS
            except KafkaError:  # its partitions went to another instance while it was looked at
                continue
            if stuck and not await database_away():
                log.critical("watchdog.exit", lane=lane.name)
                os._exit(75)
