"""What became of a command that was answered 202."""

import asyncio
from uuid import UUID

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from contracts.failures import Code
from contracts.operations import GetOperation, OperationStatus, OperationView
from services.gateway.asking import ask
from services.gateway.dispatch import Answer
from services.gateway.problems import Failure
from services.gateway.routing import caller_of, respond

OWNERS = ("partners.queries", "staffing.queries", "audit.queries")

router = APIRouter()


@router.get("/api/v1/operations/{command_id}", response_model=OperationView, name="operation.get")
async def operation(request: Request, command_id: str) -> Response:
    """Pending, succeeded or failed; only the subject who sent the command learns more than pending."""
    caller = caller_of(request)
    try:
        query = GetOperation(command_id=UUID(command_id))
    except (ValidationError, ValueError) as error:
        raise Failure(Code.NOT_FOUND) from error
    answers = await asyncio.gather(
        *(ask(request.app.state.dispatcher, query, caller, owner) for owner in OWNERS), return_exceptions=True
    )
    settled = [answer for answer in answers if isinstance(answer, Answer)]
    for answer in settled:
        if answer.status == 200:
            return respond(answer)
    if len(settled) < len(OWNERS) or any(answer.status != 404 for answer in settled):
        raise Failure(Code.DEPENDENCY_UNAVAILABLE)
    pending = OperationView(status=OperationStatus.PENDING)
    return Response(pending.model_dump_json(exclude_none=True), media_type="application/json")
