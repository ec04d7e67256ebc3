"""Questions over the bus: no inbox, no transaction of their own; a database that is away is 503 at once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.failures import Code
from contracts.message import Query
from contracts.operations import GetOperation, OperationView
from services.chassis.commands import ids
from services.chassis.database import Read, is_away
from services.chassis.envelope import Inbound, MalformedError, Opener, Record
from services.chassis.inbox import asker_of
from services.chassis.outcome import Call, Outcome, Refusal, Reply, authorise
from services.chassis.replies import render, send
from services.wire import telemetry

QueryHandler = Callable[[Any, Call, Read], Awaitable[Outcome]]

_ANSWER = """
    SELECT status, body FROM replies WHERE command_id = $1 AND issuer = $2 AND subject = $3
    ORDER BY created_at DESC LIMIT 1
"""

log = structlog.get_logger()


class QueryProcessor:
    """Answers the records of one query lane. What can't be opened is dropped: nothing is lost by not reading."""

    def __init__(
        self,
        handlers: Mapping[type[Query], QueryHandler],
        opener: Opener,
        engine: AsyncEngine,
        producer: AIOKafkaProducer,
    ) -> None:
        self._handlers: dict[type[Query], QueryHandler] = {**handlers, GetOperation: operation}
        self._opener, self._producer = opener, producer
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=True)

    async def __call__(self, records: Sequence[Record]) -> None:
        answers = []
        for record in records:
            try:
                inbound = self._opener.open(record)
            except MalformedError as error:
                log.warning("query.malformed", topic=record.topic, offset=record.offset, error=str(error))
                continue
            asker = asker_of(inbound)
            reply = render(asker, await self._answer(inbound))
            telemetry.QUERIES.labels(inbound.request.type, reply.status).inc()
            answers.append((asker, reply))
        try:
            await (await send(self._producer, answers))
        except KafkaError as error:
            log.warning("query.unanswered", count=len(answers), error=repr(error))  # the callers have timed out

    async def _answer(self, inbound: Inbound) -> Outcome:
        if refused := authorise(inbound.request, inbound.actor):
            return refused
        call = Call(inbound.actor, inbound.context, inbound.message_id, datetime.now(UTC))
        handler = self._handlers[cast("type[Query]", type(inbound.request))]
        try:
            async with self._engine.connect() as connection:
                return await handler(inbound.request, call, Read(connection))
        except Exception as error:
            if is_away(error):
                return Refusal(Code.DEPENDENCY_UNAVAILABLE)
            log.exception("query.broke", **ids(inbound))
            return Refusal(Code.INTERNAL)


async def operation(query: GetOperation, call: Call, read: Read) -> Outcome:
    """What became of a command, for the subject who sent it; 404 where this service has not answered it."""
    args = (query.command_id, call.actor.issuer, call.actor.subject)
    row = (await read.exec_driver_sql(_ANSWER, args)).first()
    if row is None:
        return Refusal(Code.NOT_FOUND)
    return Reply(200, OperationView.of(row.status, row.body))
