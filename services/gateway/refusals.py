"""Calls that this gateway turns down become events, without a database and without making anybody wait (A3).

Invariant: each refusal is either an event or counted in one. Those that would be too many a second, don't fit into the
buffer while Kafka is away, or were for no route of ours are told as a summary. Each caller has an allowance, strangers
one together and half of the buffer: nobody's flood hides what somebody else did. A refusal changes nothing, so the
buffer may die with the process: it is flushed at SIGTERM and lost by SIGKILL.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from starlette.requests import Request
from uuid_utils.compat import uuid7

from contracts.failures import Code
from contracts.gateway_events import RefusalsDropped, RequestRefused
from contracts.message import Actor, ActorType, Context, Event, EventActor, EventData, Header, Outcome, Target
from services.gateway import metrics
from services.gateway.allowances import Allowances
from services.gateway.refused_call import RefusedCall
from services.gateway.settings import GatewaySettings
from services.wire.kafka import make_producer, to_wire

SUMMARY_SECONDS = 2.0
FLUSH_SECONDS = 5.0
RUN = "gateway_run"
OURSELVES = Actor(type=ActorType.SYSTEM, subject="gateway")
_TOGETHER = 100
_BURST_SECONDS = 10
_SERVER_FAULT = 500

log = structlog.get_logger()


class Told(NamedTuple):
    """An event on its way."""

    event: Event[Any]
    value: bytes


class Refusals:
    """`note` is called for every refusal and returns at once; `run` sends, `flush` sends the rest before the end."""

    def __init__(self, settings: GatewaySettings, producer: AIOKafkaProducer) -> None:
        self._producer, self._instance, self._room = producer, settings.instance, settings.refusals_buffered
        self._run_id, self._version = uuid7(), 0
        rate = settings.refusals_per_second
        self._allowances = Allowances(rate, round(rate * _BURST_SECONDS))
        self._waiting: deque[Told] = deque()
        self._woken = asyncio.Event()
        self.sending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dropped: Counter[str] = Counter()
        self._since = self._until = datetime.now(UTC)

    @property
    def waiting(self) -> int:
        return len(self._waiting) + self._dropped.total()

    def note(self, request: Request, code: Code) -> None:
        call = RefusedCall.of(request, code)
        room = self._room if call.is_known else self._room // 2
        caller = (call.actor.issuer, call.actor.subject)
        if call.route and len(self._waiting) < room and not self._allowances.take(caller):
            self._tell(call.actor, call.targets, call.context, code, self._refused(call))
            metrics.REFUSED.inc()
        else:
            self._drop(code)
        self._woken.set()
        metrics.WAITING.set(self.waiting)

    async def run(self) -> None:
        """Send what waits until cancelled; a summary every few seconds, if there is something to sum up."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._send()
            except (KafkaError, TimeoutError) as error:
                log.warning("refusals.unsent", waiting=self.waiting, error=repr(error))
            if self.waiting:
                await asyncio.sleep(SUMMARY_SECONDS)
                self._woken.set()
                self._sum_up()

    async def flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._send()
                self._sum_up()
                await self._send()
        except (KafkaError, TimeoutError) as error:
            log.critical("refusals.lost", count=self.waiting, error=repr(error))

    async def _send(self) -> None:
        while self._waiting:
            batch = list(islice(self._waiting, _TOGETHER))
            await asyncio.gather(*[await self._sent(told) for told in batch])
            for _ in batch:
                self._waiting.popleft()
        metrics.WAITING.set(self.waiting)

    async def _sent(self, told: Told) -> "asyncio.Future[Any]":
        event = told.event
        headers = {
            Header.SPEC_VERSION: "1.0",
            Header.ID: event.id,
            Header.TYPE: event.type,
            Header.VERSION: event.schema_version,
            Header.SOURCE: "/gateway",
            Header.SUBJECT: event.aggregate_id,
            Header.CONTENT_TYPE: "application/json",
            Header.TRACEPARENT: event.context.traceparent,
        }
        key = str(event.aggregate_id).encode()
        sent: asyncio.Future[Any] = await self._producer.send(event.type, told.value, key=key, headers=to_wire(headers))
        return sent

    def _refused(self, call: RefusedCall) -> RequestRefused:
        return RequestRefused(instance=self._instance, method=call.method, route=call.route, status=call.status)

    def _drop(self, code: Code) -> None:
        self._until = datetime.now(UTC)
        if not self._dropped:
            self._since = self._until
        self._dropped[code] += 1
        metrics.SUMMED_UP.inc()

    def _sum_up(self) -> None:
        """One summary waits at most: until it has gone, the next goes on counting."""
        summed_up = bool(self._waiting) and self._waiting[-1].event.type == RefusalsDropped.type
        if not self._dropped or summed_up:
            return
        data = RefusalsDropped(
            instance=self._instance,
            since=self._since,
            until=self._until,
            count=self._dropped.total(),
            codes=dict(self._dropped),
        )
        self._dropped.clear()
        number = uuid7()
        self._tell(OURSELVES, (), Context(request_id=str(number), command_id=number), None, data)

    def _tell(
        self, actor: Actor, targets: Sequence[Target], context: Context, code: Code | None, data: EventData
    ) -> None:
        self._version += 1
        failed = isinstance(data, RequestRefused) and data.status >= _SERVER_FAULT
        event = Event[Any](
            id=uuid7(),
            type=data.type,
            schema_version=data.version,
            aggregate_type=RUN,
            aggregate_id=self._run_id,
            aggregate_version=self._version,
            actor=EventActor(type=actor.type, issuer=actor.issuer or None, subject=actor.subject),
            targets=(Target(type=RUN, id=str(self._run_id)), *targets),
            context=context,
            occurred_at=datetime.now(UTC),
            outcome=Outcome.FAILED if failed else Outcome.REJECTED,
            reason_code=code,
            data=data,
        )
        self._waiting.append(Told(event, event.model_dump_json().encode()))


@asynccontextmanager
async def refusals_told(settings: GatewaySettings) -> AsyncIterator[Refusals]:
    """A producer of its own: what refusals do to it makes no command wait."""
    producer = make_producer(settings)
    await producer.start()
    refusals = Refusals(settings, producer)
    refusals.sending = asyncio.create_task(refusals.run())
    try:
        yield refusals
    finally:
        refusals.sending.cancel()
        await asyncio.gather(refusals.sending, return_exceptions=True)
        await refusals.flush()
        await producer.stop()
