"""What a timer or worker did by itself is told in the transaction that does it, with the service as its actor (A4)."""

from datetime import UTC, datetime

from uuid_utils.compat import uuid7

from contracts.message import Actor, ActorType, Context, Outcome
from services.chassis.database import Write
from services.chassis.outbox import append
from services.chassis.outcome import Call, Fact


async def tell(tx: Write, service: str, fact: Fact, outcome: Outcome = Outcome.SUCCEEDED) -> None:
    """Nobody waits for it, so the relay is not woken: its sweep finds the event within seconds."""
    number = uuid7()
    context = Context(request_id=str(number), command_id=number)
    call = Call(Actor(type=ActorType.SYSTEM, subject=service), context, number, datetime.now(UTC))
    await append(tx, [(call, fact, outcome, None)])
