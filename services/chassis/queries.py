"""Questions over the bus: no inbox, no transaction but for refusals; a database that is away is 503 at once."""

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
from services.chassis.inbox import asker_of
from services.chassis.outcome import Call, Outcome, Refusal, Reply, authorise
from services.chassis.refused_queries import RefusalRecord
from services.chassis.replies import render, send
from services.wire import telemetry
from services.wire.envelope import Inbound, MalformedError, Opener, Record

QueryHandler = Callable[[Any, Call, Read], Awaitable[Outcome]]
Answered = tuple[Inbound, Call, Outcome]
_UNABLE = frozenset({Code.DEPENDENCY_UNAVAILABLE, Code.INTERNAL})

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
        refusals: RefusalRecord,
    ) -> None:
        self._handlers: dict[type[Query], QueryHandler] = {**handlers, GetOperation: operation}
        self._opener, self._producer, self._refusals = opener, producer, refusals
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT", postgresql_readonly=True)

    async def __call__(self, records: Sequence[Record]) -> None:
        answered: list[Answered] = []
        for record in records:
            try:
                inbound = self._opener.open(record)
            except MalformedError as error:
                log.warning("query.malformed", topic=record.topic, offset=record.offset, error=str(error))
                continue
            call = Call(inbound.actor, inbound.context, inbound.message_id, datetime.now(UTC))
            answered.append((inbound, call, await self._answer(inbound, call)))
        answers = []
        for inbound, _, outcome in await self._recorded(answered):
            asker = asker_of(inbound)
            reply = render(asker, outcome)
            telemetry.QUERIES.labels(inbound.request.type, reply.status).inc()
            answers.append((asker, reply))
        try:
            await (await send(self._producer, answers))
        except KafkaError as error:
            log.warning("query.unanswered", count=len(answers), error=repr(error))  # the callers have timed out

    async def _recorded(self, answered: list[Answered]) -> list[Answered]:
        """The same, once its refusals are kept; those that can't be are none. What broke here is for the asker to tell.

        With the database away the answer is 503, and with a bug 500: the gateway leaves the event of both.
        """
        refused = [
            (cast("Query", inbound.request), call, outcome)
            for inbound, call, outcome in answered
            if isinstance(outcome, Refusal) and outcome.code not in _UNABLE
        ]
        try:
            await self._refusals.keep(refused)
        except Exception as error:
            if not is_away(error):
                log.exception("query.refusals_broke", count=len(refused))
            unable = Refusal(Code.DEPENDENCY_UNAVAILABLE)
            return [(i, call, unable if isinstance(outcome, Refusal) else outcome) for i, call, outcome in answered]
        return answered

    async def _answer(self, inbound: Inbound, call: Call) -> Outcome:
        if refused := authorise(inbound.request, inbound.actor):
            return refused
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
