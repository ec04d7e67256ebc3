"""One batch of commands, one transaction: claim, decide in order, store answers and events together.

What goes wrong is decided here once. A database that is away is waited for; a conflict is done again; a command
that breaks the batch is found by doing the batch one by one, and buried after five tries while its neighbours
are answered. Replies go out after the commit, so a crash is answered by the redelivery.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, cast
from uuid import UUID

import structlog
from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.failures import Code
from contracts.message import Command, CommandRefused, Outcome
from services.chassis import inbox, outbox, waiting
from services.chassis.database import Write
from services.chassis.dead_letters import bury, is_replay
from services.chassis.outcome import Call, Decision, Deferred, Fact, Refusal, Reply, authorise
from services.chassis.patience import TRIES, pause, wait_out
from services.chassis.replies import render, send
from services.wire import telemetry
from services.wire.crash import Point, reach
from services.wire.envelope import Inbound, MalformedError, Opener, Record

Handler = Callable[[Any, Call, Any], Decision]
Told = tuple[Call, Fact, Outcome, str | None]
Answered = tuple[Inbound, inbox.Asker, inbox.StoredReply]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Desk:
    """A service's commands: pure handlers between one set-based load and one set-based save.

    `gather` asks the outside world for the whole batch before the transaction opens; `load` locks what the batch
    touches; a handler decides on that state alone; `save` writes what changed; `erase` comes last, when the answers of
    this very batch are stored too.
    """

    handlers: Mapping[type[Command], Handler]
    load: Callable[[Write, Sequence[Inbound], Any], Awaitable[Any]]
    save: Callable[[Write, Any], Awaitable[None]]
    refusal: type[CommandRefused]
    gather: Callable[[Sequence[Inbound]], Awaitable[Any]]
    erase: Callable[[Write, Any], Awaitable[None]] | None = None


class CommandProcessor:
    """Handles the records of one command lane; returns when each is decided or buried, and then what it has sent."""

    def __init__(
        self, desk: Desk, opener: Opener, engine: AsyncEngine, producer: AIOKafkaProducer, relay: outbox.Relay
    ) -> None:
        self._desk, self._opener, self._engine = desk, opener, engine
        self._producer, self._relay = producer, relay

    async def __call__(self, records: Sequence[Record]) -> Awaitable[Any]:
        batch = []
        for record in records:
            try:
                batch.append(self._opener.open(record))
            except Exception as error:  # even a bug in opening must not block the partition
                inbound = await wait_out(partial(self._second_look, record, describe(error)))
                batch += [inbound] if inbound else []
        return asyncio.gather(*(await self._settle(batch) if batch else []))

    async def _second_look(self, record: Record, error: str) -> Inbound | None:
        """A dead letter that an operator sent again may be late; anything else is buried."""
        if await is_replay(self._engine, record):
            try:
                return self._opener.open(record, late=True)
            except Exception as still:
                error = describe(still)
        log.warning("command.malformed", topic=record.topic, offset=record.offset, error=error)
        await bury(self._engine, record, error, tries=1)
        return None

    async def _settle(self, batch: Sequence[Inbound]) -> list[Awaitable[Any]]:
        for tries in range(1, TRIES + 1):
            try:
                return [await wait_out(partial(self._once, batch))]
            except Exception as error:
                if len(batch) > 1:
                    telemetry.RETRIES.labels("one_by_one").inc()
                    return [sent for one in batch for sent in await self._settle([one])]
                log.exception("command.broke", tries=tries, **ids(batch[0]))
                if tries == TRIES:
                    return [await wait_out(partial(self._give_up, batch[0], describe(error)))]
            await pause(tries)
        raise AssertionError("the last try returns")

    async def _give_up(self, inbound: Inbound, error: str) -> Awaitable[Any]:
        await bury(self._engine, inbound.record, error, TRIES)
        asker = inbox.asker_of(inbound)
        return await send(self._producer, [(asker, render(asker, Refusal(Code.INTERNAL)))])

    async def _once(self, batch: Sequence[Inbound]) -> Awaitable[Any]:
        types = {inbound.request.type for inbound in batch}
        evidence = await self._desk.gather(batch)
        async with self._engine.begin() as connection:
            tx = Write(connection)
            claim = await inbox.claim(tx, batch)
            reach(Point.AFTER_CLAIM, types)
            desk = await self._desk.load(tx, claim.fresh, evidence)
            decided = self._decide(claim, desk)
            await self._desk.save(tx, desk)
            reach(Point.AFTER_HANDLER, types)
            partitions = await outbox.append(tx, decided.told)
            settled = await waiting.settle(tx, decided.settled)
            await waiting.remember(tx, decided.deferred)
            answered = [(asker, reply) for _, asker, reply in decided.answered]
            await inbox.store(tx, [pair for pair in answered if pair[1].message_id == pair[0].message_id] + settled)
            if self._desk.erase:
                await self._desk.erase(tx, desk)
            reach(Point.BEFORE_COMMIT, types)
        reach(Point.AFTER_COMMIT, types)
        self._relay.wake(partitions)
        for inbound, _, reply in decided.answered:
            telemetry.COMMANDS.labels(inbound.request.type, reply.status).inc()
            log.info("command.answered", status=reply.status, **ids(inbound))
        return await send(self._producer, answered + _repeated(batch, claim) + settled)

    def _decide(self, claim: inbox.Claim, desk: Any) -> "_Decided":
        decided = _Decided([], [], [], {})
        now = datetime.now(UTC)
        for inbound in claim.fresh:
            asker = inbox.asker_of(inbound)
            call = Call(inbound.actor, inbound.context, inbound.message_id, now)
            standing = claim.by_command.get(inbound.context.command_id)
            if standing and standing.body_sha256 in inbound.fingerprints:
                decided.answered.append((inbound, asker, standing))
                continue
            outcome = Refusal(Code.IDEMPOTENCY_KEY_REUSED) if standing else self._handle(inbound, call, desk)
            if isinstance(outcome, Deferred):
                decided.deferred.append((outcome.key, asker))
                decided.told.extend(_succeeded(call, outcome.facts))
                continue
            reply = render(asker, outcome)
            decided.answered.append((inbound, asker, reply))
            if reply.binding and not standing:
                claim.by_command[reply.command_id] = reply
            if isinstance(outcome, Reply):
                decided.settled.update(outcome.settles)
            decided.told.extend(self._facts(inbound, call, outcome, reply.status))
        return decided

    def _handle(self, inbound: Inbound, call: Call, desk: Any) -> Decision:
        refused = authorise(inbound.request, inbound.actor)
        return refused or self._desk.handlers[cast("type[Command]", type(inbound.request))](inbound.request, call, desk)

    def _facts(self, inbound: Inbound, call: Call, outcome: Reply | Refusal, status: int) -> list[Told]:
        if isinstance(outcome, Reply):
            return _succeeded(call, outcome.facts)
        command = cast("Command", inbound.request)
        data = self._desk.refusal(command=command.type, code=outcome.code)
        fact = Fact("command", inbound.message_id, 1, data, command.targets())
        told = (call, fact, Outcome.FAILED if status >= 500 else Outcome.REJECTED, outcome.code)
        return [*_succeeded(call, outcome.facts), told]


class _Decided(NamedTuple):
    """What one batch's handlers said, not yet written."""

    answered: list[Answered]
    told: list[Told]
    deferred: list[tuple[UUID, inbox.Asker]]
    settled: dict[UUID, Reply | Refusal]


def _succeeded(call: Call, facts: Sequence[Fact]) -> list[Told]:
    return [(call, fact, Outcome.SUCCEEDED, None) for fact in facts]


def _repeated(batch: Sequence[Inbound], claim: inbox.Claim) -> list[tuple[inbox.Asker, inbox.StoredReply]]:
    fresh = {inbound.message_id for inbound in claim.fresh}
    old = [inbound for inbound in batch if inbound.message_id not in fresh]
    known = [(i, claim.by_message.get(i.message_id) or claim.by_command.get(i.context.command_id)) for i in old]
    return [(inbox.asker_of(inbound), stored) for inbound, stored in known if stored]


def describe(error: Exception) -> str:
    return str(error) if isinstance(error, MalformedError) else telemetry.withhold(f"{type(error).__name__}: {error}")


def ids(inbound: Inbound) -> dict[str, str | None]:
    """What every log line about a message carries."""
    return {
        "request_id": inbound.context.request_id,
        "command_id": str(inbound.context.command_id),
        "traceparent": inbound.context.traceparent,
        "type": inbound.request.type,
    }
