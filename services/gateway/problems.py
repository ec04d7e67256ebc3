"""Failures that the gateway itself answers, as problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from contracts.failures import Code, FieldError, problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"


class Failure(Exception):
    """Raised anywhere on the way of a request; becomes its answer."""

    def __init__(self, code: Code, detail: str = "", **extra: Any) -> None:
        super().__init__(code)
        self.code, self.detail, self.extra = code, detail, extra


def respond(request: Request, failure: Failure) -> Response:
    body = problem(failure.code, request.state.request_id, failure.detail, **failure.extra)
    encoded = body.model_dump_json(exclude_none=True).encode()
    headers = headers_for(body.status, encoded)
    if body.retryable:
        headers.setdefault("Retry-After", RETRY_AFTER_SECONDS)
    return Response(encoded, body.status, headers, media_type=MEDIA_TYPE)


def headers_for(status: int, problem: bytes = b"") -> dict[str, str]:
    """Headers that belong to a status, whoever refused; a problem that says when to come again is believed."""
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="gatehouse"'}
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        told = from_json(problem).get("retry_after") if problem else None
        return {"Retry-After": str(told or RETRY_AFTER_SECONDS)}
    return {}


def invalid(error: ValidationError) -> Failure:
    """A pydantic error as MALFORMED_JSON or VALIDATION_FAILED with one JSON pointer a field."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    if any(e["type"] == "json_invalid" for e in found):
        return Failure(Code.MALFORMED_JSON, found[0]["msg"][:200])
    errors = [
        FieldError(pointer="".join(f"/{_escape(part)}" for part in e["loc"]), code=e["type"], detail=e["msg"])
        for e in found[:100]
    ]
    return Failure(Code.VALIDATION_FAILED, errors=errors)


def _escape(part: int | str) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")[:200]
