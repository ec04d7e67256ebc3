"""What every command of the monolith ends with: its events, and its answer kept under the Idempotency-Key."""

import hashlib
from typing import Any, NamedTuple
from uuid import UUID

from fastapi import HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from contracts.message import EventData
from tests.benchmarks.monolith.auth import Person
from tests.benchmarks.monolith.models import Event, Idempotency

CREATED = 201


def _name(request: Request, caller: Person) -> tuple[str, str, str, str]:
    key = request.headers.get("idempotency-key")
    if key is None:
        raise HTTPException(400, "IDEMPOTENCY_KEY_REQUIRED")
    return caller.issuer, caller.subject, request.url.path, key


async def recorded(session: AsyncSession, request: Request, caller: Person, body: bytes) -> Response | None:
    """The answer that was given before, or None; another body under the same key is refused."""
    before = await session.get(Idempotency, _name(request, caller))
    if before is None:
        return None
    if before.body_sha256 != hashlib.sha256(body).digest():
        raise HTTPException(422, "IDEMPOTENCY_KEY_REUSED")
    return Response(before.body, before.status, media_type="application/json")


def answer(session: AsyncSession, request: Request, caller: Person, body: bytes, view: BaseModel) -> Response:
    """201 with the view; the same bytes are stored with the transaction."""
    issuer, subject, route, key = _name(request, caller)
    encoded, digest = view.model_dump_json().encode(), hashlib.sha256(body).digest()
    kept = {"issuer": issuer, "subject": subject, "route": route, "key": key}
    session.add(Idempotency(**kept, body_sha256=digest, status=CREATED, body=encoded))
    return Response(encoded, CREATED, media_type="application/json")


class Fact(NamedTuple):
    """What happened to which version of what."""

    aggregate_type: str
    aggregate_id: UUID
    version: int
    data: EventData


def event(request: Request, caller: Person, fact: Fact) -> Event:
    """The fact as a row."""
    ip = request.client.host if request.client else None
    context: dict[str, Any] = {"request_id": str(uuid7()), "ip": ip}
    return Event(
        type=fact.data.type,
        aggregate_type=fact.aggregate_type,
        aggregate_id=fact.aggregate_id,
        aggregate_version=fact.version,
        actor={"type": caller.type, "issuer": caller.issuer, "subject": caller.subject},
        context=context,
        data=fact.data.model_dump(mode="json"),
    )
