"""`gatehouse audit prove` and `audit consistency`: proofs as files, in the formats of C2SP.

Exit status: 0 proven, 1 the log has no such event or range, 2 it could not be answered.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from contracts.audit import ProveEvent
from contracts.audit_consistency import ProveConsistency
from contracts.message import Actor, ActorType, Context, Query
from deploy.cli.audit_settings import UNCHECKED, brief, settings_of
from deploy.cli.options import HomeOption, JsonOption, show
from deploy.local.errors import StackError
from deploy.local.home import Home
from services.audit.consistency import ConsistencyProver
from services.audit.offline import ProofRefusedError
from services.audit.proof_text import GrowthText, InclusionText
from services.audit.proofs import Prover
from services.audit.settings import AuditSettings
from services.chassis import Call, Read, Refusal
from services.chassis.database import connect
from services.chassis.queries import QueryHandler

ABSENT = 1
EventId = Annotated[UUID, typer.Argument(help="The event's id.")]
From = Annotated[int, typer.Argument(metavar="FROM", help="Size of the older log.")]
To = Annotated[int | None, typer.Argument(metavar="[TO]", help="Size of the newer one. [default: the newest]")]


def prove(event_id: EventId, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print the proof that an event is in the log, as a C2SP tlog-proof."""
    proof = _asked(home, lambda settings: Prover(settings.signer.verifier).prove, ProveEvent(event_id=event_id))
    if as_json:
        show(proof.model_dump(mode="json"))
        return
    path = [bytes.fromhex(node) for node in proof.path]
    typer.echo(InclusionText(proof.position, path, proof.checkpoint).render(), nl=False)


def consistency(first: From, second: To = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print the proof that the log of FROM events is the beginning of that of TO, as a C2SP witness takes it."""
    query = ProveConsistency(from_size=first, to_size=second)
    proof = _asked(home, lambda settings: ConsistencyProver(settings.signer.verifier).prove, query)
    if as_json:
        show(proof.model_dump(mode="json"))
        return
    if proof.checkpoint is None:
        typer.secho(f"no checkpoint was signed at {proof.to_size}; the proof comes without one", fg="yellow", err=True)
    typer.echo(GrowthText(proof.from_size, proof.nodes, proof.checkpoint or "").render(), nl=False)


def _asked(home: Any, handler: Any, query: Query) -> Any:
    try:
        settings = settings_of(Home.at(home))
        outcome = asyncio.run(_answer(settings, handler(settings), query))
    except (StackError, ValidationError, ProofRefusedError, OSError, TimeoutError, SQLAlchemyError) as error:
        typer.secho(f"could not answer: {brief(error)}", fg="yellow", err=True)
        raise typer.Exit(UNCHECKED) from error
    if isinstance(outcome, Refusal):
        typer.secho(f"{outcome.code} {outcome.detail}".strip(), fg="red", err=True)
        raise typer.Exit(ABSENT)
    return outcome


async def _answer(settings: AuditSettings, handler: QueryHandler, query: Query) -> BaseModel | Refusal | None:
    engine = connect(settings.database_url.get_secret_value())
    call = Call(
        Actor(type=ActorType.SYSTEM, subject="gatehouse audit"),
        Context(request_id="cli", command_id=uuid4()),
        uuid4(),
        datetime.now(UTC),
    )
    try:
        async with engine.connect() as connection:
            outcome: Any = await handler(query, call, Read(connection))
            return outcome if isinstance(outcome, Refusal) else outcome.body
    finally:
        await engine.dispose()
