"""Questions put to a ledger as the service would answer them, without Kafka between."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from contracts.audit import EventPage, ListEvents
from contracts.message import Actor, ActorType, Context, Query
from contracts.roles import Role
from services.audit.queries import list_events
from services.chassis import Call, Outcome, Read, Reply
from services.chassis.queries import QueryHandler
from tests.audit.ledger import Ledger

AUDITOR = Actor(type=ActorType.USER, issuer="https://id.example", subject="aud", roles=frozenset({Role.AUDITOR}))


def staff(account: UUID, **more: Any) -> Actor:
    """Somebody with a staff token."""
    return Actor(type=ActorType.STAFF, issuer="gatehouse-staff", subject=str(account), **more)


@dataclass(frozen=True)
class Asking:
    ledger: Ledger
    actor: Actor = AUDITOR

    async def ask(self, query: Query, handler: QueryHandler = list_events) -> Outcome:
        async with self.ledger.engine.connect() as connection:
            return await self.on(Read(connection), query, handler)

    async def on(self, read: Read, query: Query, handler: QueryHandler) -> Outcome:
        """Over a connection that is there already."""
        call = Call(self.actor, Context(request_id="r", command_id=uuid4()), uuid4(), datetime.now(UTC))
        return await handler(query, call, read)

    async def page(self, **filters: Any) -> EventPage:
        outcome = await self.ask(ListEvents(**filters))
        assert isinstance(outcome, Reply), outcome
        assert isinstance(outcome.body, EventPage)
        return outcome.body

    async def positions(self, **filters: Any) -> list[int]:
        """Of all pages, one after the other."""
        page = await self.page(**filters)
        found = [told.position for told in page.data]
        while page.has_more:
            page = await self.page(**filters, starting_after=found[-1])
            found += [told.position for told in page.data]
        return found
