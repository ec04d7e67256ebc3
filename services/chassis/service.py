"""Build and run one service: settings, logs, database, broker, relay, health, in the order they depend."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from starlette.applications import Starlette

from contracts.message import Query
from contracts.operations import GetOperation
from services.chassis.commands import CommandProcessor, Desk
from services.chassis.database import connect
from services.chassis.health import Health, watchdog
from services.chassis.messaging import AT_ONCE, IN_BULK, Fetch, Lane, Process, make_broker
from services.chassis.outbox import Relay
from services.chassis.queries import QueryHandler, QueryProcessor
from services.chassis.refused_queries import RefusalRecord, Witness
from services.wire import telemetry
from services.wire.actor import private_key, public_key
from services.wire.envelope import Opener
from services.wire.kafka import make_producer
from services.wire.own_commands import OwnCommands
from services.wire.process import settle_down
from services.wire.serving import serve
from services.wire.settings import OwnerSettings

log = structlog.get_logger()


class Service:
    """One process of one service. `build` adds lanes, background work and resources; `run` keeps it up."""

    def __init__(self, settings: OwnerSettings) -> None:
        self.settings = settings
        self.name = settings.service
        self.engine = connect(settings.database_url.get_secret_value())
        self.producer = make_producer(settings)
        self.relay = Relay(self.engine, self.producer, f"/{self.name}")
        self.health = Health()
        self.lanes: list[Lane] = []
        self.background: list[Callable[[], Awaitable[None]]] = [self.relay.run]
        self.resources = AsyncExitStack()
        self._key = public_key(settings.actor_public_key)
        seed = settings.service_signing_key.get_secret_value()
        self._own_key = private_key(seed) if seed else None

    @property
    def own_commands(self) -> OwnCommands:
        """For timers and workers; raises ValueError where the settings hold no `service_signing_key`."""
        if self._own_key is None:
            raise ValueError("GATEHOUSE_SERVICE_SIGNING_KEY is not set")
        return OwnCommands(self.producer, self.name, self._own_key)

    def commands(self, topic: str, desk: Desk) -> None:
        own_key = self._own_key.public_key() if self._own_key else None
        types = {command.type: command for command in desk.handlers}
        opener = Opener(self.name, self._key, types, own_key, self.settings.master_key.fingerprint_keys)
        self._lane(topic, (topic,), CommandProcessor(desk, opener, self.engine, self.producer, self.relay))

    def queries(self, topic: str, handlers: Mapping[type[Query], QueryHandler], witness: Witness) -> None:
        """`witness` says what is told of a question that was turned down."""
        types: tuple[type[Query], ...] = (*handlers, GetOperation)
        opener = Opener(self.name, self._key, {query.type: query for query in types})
        refusals = RefusalRecord(self.engine, self.relay, witness)
        self._lane(topic, (topic,), QueryProcessor(handlers, opener, self.engine, self.producer, refusals))

    def events(self, name: str, topics: Sequence[str], process: Process, fetch: Fetch = IN_BULK) -> None:
        """Read event topics under the group `<service>.<name>`, in bulk; `process` waits out what is away."""
        self._lane(f"{self.name}.{name}", topics, process, fetch)

    def _lane(self, group: str, topics: Sequence[str], process: Process, fetch: Fetch = AT_ONCE) -> None:
        self.lanes.append(Lane(group, self.settings.instance, topics, process, fetch))

    async def _database_away(self) -> bool:
        return "database" in await self.health.problems()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start in the order of dependence; stop in reverse, draining what is in hand."""
        broker = make_broker(self.settings)
        for lane in self.lanes:
            lane.attach(broker, self.settings.kafka_session_seconds)
        self.health.watch_database(self.engine)
        self.health.watch_relay(self.relay)
        self.health.watch_lanes(self.lanes)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.engine.dispose)
            await stack.enter_async_context(self.resources)
            await self.producer.start()
            stack.push_async_callback(self.producer.stop)
            stack.push_async_callback(_cancel, _begin(*self.background))
            stack.push_async_callback(self.relay.drain)
            await broker.start()
            stack.push_async_callback(broker.stop)
            stack.push_async_callback(_cancel, _begin(lambda: watchdog(self.lanes, self._database_away)))
            settle_down()
            log.info("service.started", lanes=[lane.name for lane in self.lanes])
            yield
            log.info("service.stopping")


def _begin(*works: Callable[[], Awaitable[None]]) -> list["asyncio.Future[Any]"]:
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(work()) for work in works]
    for task in tasks:
        task.add_done_callback(_must_not_end)
    return tasks


def _must_not_end(task: "asyncio.Future[Any]") -> None:
    """Background work ends only by being cancelled; a process without its relay or watchdog is no service."""
    if not task.cancelled():
        log.critical("background.ended", error=repr(task.exception()))
        os._exit(70)


async def _cancel(tasks: Sequence["asyncio.Future[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run(settings: OwnerSettings, build: Callable[[Service], None]) -> None:
    """Run one service until SIGTERM; its health answers on the loopback port of its settings."""
    telemetry.configure(settings.service, settings.instance)
    health = Health()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service = Service(settings)
        service.health = health
        build(service)
        async with service.running():
            yield

    serve(Starlette(routes=list(health.routes()), lifespan=lifespan), settings)
