"""Promise 6: PostgreSQL, the broker or S3 away under load is 503 or 202 meanwhile, and nothing acknowledged is lost.

Real processes, real HTTP: clients apply and read while one engine is stopped and started again. No service is
restarted; each recovers by itself.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from aiokafka import TopicPartition

from contracts.message import Header
from contracts.partners import COMMANDS
from contracts.roles import Role
from contracts.topics import DOWNSTREAM
from deploy.local.stack import Stack
from tests.support import Applicant, Application, Bus, ServiceProcess, Tables, eventually, token
from tests.support.groups import skip_backlog
from tests.support.wire import reader

SERVICES = ("partners", "staffing", "gateway")
ENGINES = ("postgres", "kafka", "seaweedfs")
SUBMITTED = "partner.submitted"
CLIENTS = 4
PACE_SECONDS = 0.05
"""Between two reads of a client: load, not a wait for anything."""
BACK_SECONDS = 15.0
ALLOWED = {"POST": {201, 202, 503}, "GET": {200, 503}}

Processes = dict[str, ServiceProcess]
Positions = dict[TopicPartition, int]


class Heard(NamedTuple):
    """One answer that a client got."""

    method: str
    status: int
    code: str | None
    seconds: float

    @property
    def is_allowed(self) -> bool:
        return self.status in ALLOWED[self.method] or self.code == "IDEMPOTENCY_IN_PROGRESS"


@dataclass
class Load:
    """What the clients did: every answer, who was acknowledged, and where the rest of a 202 is to be asked."""

    http: httpx.AsyncClient
    bearers: dict[UUID, str]
    heard: list[Heard] = field(default_factory=list)
    acknowledged: list[Application] = field(default_factory=list)
    promised: dict[UUID, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, bearer: str, **sent: Any) -> httpx.Response:
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {bearer}", **sent.pop("headers", {})}
        answer = await self.http.request(method, path, headers=headers, **sent)
        code = answer.json().get("code") if answer.status_code >= 400 else None
        self.heard.append(Heard(method, answer.status_code, code, time.monotonic() - began))
        return answer

    async def apply(self, one: Application, *wanted: int, seconds: float = 60.0) -> None:
        """Repeat it under one key until it is acknowledged."""
        key, bearer = {"Idempotency-Key": uuid4().hex}, self.bearers[one.partner_id]

        async def is_acknowledged() -> bool:
            answer = await self.call("POST", "/api/v1/partners", bearer, json=one.body, headers=key)
            if answer.status_code == 202:
                self.promised[one.partner_id] = answer.headers["location"]
            return answer.status_code in wanted

        await eventually(is_acknowledged, f"an application answered by one of {wanted}", seconds)
        self.acknowledged.append(one)

    async def client(self, mine: Sequence[Application], over_seconds: float, over: asyncio.Event) -> None:
        """Applies now and then, reads all the time, until the outage is over."""
        began, turns = time.monotonic(), iter(mine)
        for turn, one in enumerate(turns):
            while not over.is_set() and time.monotonic() < began + turn * over_seconds / len(mine):
                await self.call("GET", "/api/v1/partners?limit=3", self.bearers[one.partner_id])
                await asyncio.sleep(PACE_SECONDS)
            await self.apply(one, 201, 202)

    async def is_settled(self, partner_id: UUID) -> bool:
        answer = await self.call("GET", self.promised[partner_id], self.bearers[partner_id])
        return answer.status_code == 200 and answer.json()["status"] == "succeeded"


@pytest.fixture(scope="module")
def processes(stack: Stack) -> Iterator[Processes]:
    skip_backlog(stack, COMMANDS, COMMANDS)
    with ExitStack() as running:
        yield {name: running.enter_context(ServiceProcess(stack, name)) for name in SERVICES}


async def prepared(stack: Stack, count: int) -> dict[Application, str]:
    """Applications whose documents are stored, and the token of each applicant."""
    async with Bus.of(stack) as bus:
        found = await asyncio.gather(*(Applicant(stack).prepare(bus) for _ in range(count)))
    roles = [Role.PARTNER_ADMIN]
    tokens = [asyncio.to_thread(token, stack, one.actor.subject, roles) for one in found]
    return dict(zip(found, await asyncio.gather(*tokens), strict=True))


async def positions(stack: Stack) -> Positions:
    async with reader(stack, DOWNSTREAM, SUBMITTED, from_end=True) as consumer:
        return {partition: await consumer.position(partition) for partition in consumer.assignment()}


async def events_since(stack: Stack, start: Positions) -> dict[str, set[str]]:
    """The ids of the events that a subscriber gets, by aggregate, from `start` until now."""
    found: dict[str, set[str]] = {}
    async with reader(stack, DOWNSTREAM, SUBMITTED) as consumer:
        ends = await consumer.end_offsets(list(start))
        for partition, offset in start.items():
            consumer.seek(partition, offset)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    event = orjson.loads(record.value)
                    found.setdefault(event["aggregate_id"], set()).add(event["id"])
    return found


def amiss(tables: Tables, events: dict[str, set[str]], acknowledged: Iterable[Application]) -> list[str]:
    """Each acknowledged application that is not there exactly once, or whose event is not."""
    found = []
    for one in acknowledged:
        contacts = tables.value("SELECT count(*) FROM partner_contacts WHERE subject = %s", one.actor.subject)
        written = tables.rows("SELECT event_id FROM outbox WHERE topic = %s AND aggregate_id = %s",
                              SUBMITTED, one.partner_id)  # fmt: skip
        seen = events.get(str(one.partner_id), set())
        if (contacts, len(written)) != (1, 1) or seen != {str(row["event_id"]) for row in written}:
            found.append(f"{one.partner_id}: {contacts} contacts, {len(written)} events written, {len(seen)} seen")
    return found


async def outage(stack: Stack, part: str, seconds: float) -> None:
    """Away for `seconds`; back when this returns."""
    try:
        await asyncio.to_thread(stack.stop_part, part)
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(stack.start_part, part)


async def nothing_is_lost_while(part: str, seconds: float, turns: int, stack: Stack, processes: Processes) -> None:
    pids = {name: process.pid for name, process in processes.items()}
    ready = await prepared(stack, CLIENTS * turns + 1)
    fresh, *supply = ready
    start, over = await positions(stack), asyncio.Event()

    async with AsyncExitStack() as closing:
        http = httpx.AsyncClient(base_url=processes["gateway"].url, timeout=30, trust_env=False)
        load = Load(await closing.enter_async_context(http), {one.partner_id: ready[one] for one in ready})
        work = [asyncio.create_task(load.client(supply[n::CLIENTS], seconds + 4, over)) for n in range(CLIENTS)]
        await eventually(lambda: len(load.acknowledged) >= CLIENTS, "the load has begun")
        await outage(stack, part, seconds)
        await load.apply(fresh, 201, seconds=BACK_SECONDS)
        over.set()
        await asyncio.gather(*work)
        for partner_id in load.promised:
            await eventually(lambda partner_id=partner_id: load.is_settled(partner_id), f"the 202 of {partner_id}")

    tables = Tables(stack, "partners")
    due = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
    await eventually(lambda: tables.value(due) == 0, "every event is published")
    assert [heard for heard in load.heard if not heard.is_allowed] == []
    assert any(heard.status in {202, 503} or heard.seconds > 1 for heard in load.heard), "nobody felt the outage"
    assert len(load.acknowledged) == len(ready)
    assert amiss(tables, await events_since(stack, start), load.acknowledged) == []
    assert {name: process.pid for name, process in processes.items() if process.is_alive} == pids


@pytest.mark.parametrize("part", ENGINES)
async def test_three_seconds_without_an_engine_lose_nothing_acknowledged(
    part: str, stack: Stack, processes: Processes
) -> None:
    await nothing_is_lost_while(part, 3, 8, stack, processes)


@pytest.mark.faults
@pytest.mark.parametrize("part", ENGINES)
async def test_ten_seconds_without_an_engine_lose_nothing_acknowledged(
    part: str, stack: Stack, processes: Processes
) -> None:
    await nothing_is_lost_while(part, 10, 20, stack, processes)


async def test_control_an_application_that_was_never_sent_is_found_missing(stack: Stack, processes: Processes) -> None:
    never_sent = list(await prepared(stack, 1))

    assert len(amiss(Tables(stack, "partners"), {}, never_sent)) == 1
