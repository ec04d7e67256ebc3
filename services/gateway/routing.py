"""Routes as data: a method, a path and the message it becomes.

A route reads the raw body once, validates it with the contract's own model, takes the command id from the
Idempotency-Key and passes the reply's bytes through. Path and named query parameters and If-Match become fields of
the message; a body may not name those.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.routing import Route as StarletteRoute
from starlette.types import Scope

from contracts.failures import Code, FieldError
from contracts.message import Actor, Command
from contracts.message import Request as Message
from services.gateway.auth import Authenticator
from services.gateway.dispatch import Answer, Caller, Dispatcher, command_id
from services.gateway.limits import Limits
from services.gateway.peer import address_of
from services.gateway.problems import MEDIA_TYPE, Failure, headers_for, invalid
from services.gateway.secrets import Secretive

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'"(\d{1,9})"')
_PATH_FIELD = re.compile(r"{(\w+)}")
_PLAN = re.compile(r'"[0-9a-f]{64}"')
IF_MATCH_FIELD, PLAN_FIELD = "expected_version", "plan"
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """`if_match` says that the message's `expected_version` comes from the If-Match header.

    `query` names fields that come as query parameters. `rehearsal` is the route of the question what this one would
    do; its ETag in If-Match becomes the field `plan`. `max_body_bytes` is given where the setting is too small.
    `sent_as` chooses among the owners' own commands once the message is known.
    """

    method: str
    path: str
    message: type[Message]
    answer: type[BaseModel] | None
    status: int
    if_match: bool = False
    anonymous: Actor | None = None
    sealed: Secretive | None = None
    query: tuple[str, ...] = ()
    rehearsal: "Route | None" = None
    max_body_bytes: int | None = None
    sent_as: Callable[[Message], Message] | None = None

    @property
    def path_fields(self) -> tuple[str, ...]:
        return tuple(_PATH_FIELD.findall(self.path))

    @property
    def taken_fields(self) -> frozenset[str]:
        """Fields that the route fills in, so a body may not."""
        matched = ((IF_MATCH_FIELD,) if self.if_match else ()) + ((PLAN_FIELD,) if self.rehearsal else ())
        return frozenset((*self.path_fields, *self.query, *matched))


class _Mounted(StarletteRoute):
    """Names itself in the scope, as FastAPI's own routes do, also where only the method is wrong."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, {**child, "route": self} if child else child


class Routes:
    """Collects routes. They are Starlette's own: FastAPI's handling of an endpoint costs as much as all else here."""

    def __init__(self) -> None:
        self.table: list[Route] = []
        self.mounted: list[StarletteRoute] = []

    def command(  # noqa: PLR0913 - a route is a row of a table
        self,
        method: str,
        path: str,
        message: type[Command],
        answer: type[BaseModel] | None,
        status: int = 200,
        *,
        if_match: bool = False,
        anonymous: Actor | None = None,
        sealed: Secretive | None = None,
        max_body_bytes: int | None = None,
    ) -> None:
        route = Route(method, path, message, answer, status, if_match, anonymous, sealed, max_body_bytes=max_body_bytes)
        self.add(route, command_endpoint(route))

    def add(self, route: Route, endpoint: Endpoint) -> None:
        self.table.append(route)
        self.mounted.append(_Mounted(route.path, endpoint, methods=[route.method], name=route.message.type))


def command_endpoint(route: Route) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        caller = caller_of(request, route.anonymous)
        key = _idempotency_key(request, required=route.anonymous is None)
        message = await read_message(route, request)
        if route.sent_as:
            message = route.sent_as(message)
        dispatcher: Dispatcher = request.app.state.dispatcher
        # Anybody shares one actor, so there the phone is part of what a key stands for: nobody meets a stranger's.
        place = f"{request.url.path}#{message.key()}" if route.anonymous else request.url.path
        command = request.state.command_id = command_id(caller, route.method, place, key)
        try:
            answer = await dispatcher.ask(message, caller, command)
            if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Failure(Code.INTERNAL)  # its owner gave it up and tells nobody: this gateway does
            if route.sealed:
                answer = route.sealed.opened(answer, message, request.app.state.sealer)
            return respond(answer)
        except TimeoutError as error:
            if route.anonymous:  # nobody in particular could ask for the outcome
                raise Failure(Code.DEPENDENCY_UNAVAILABLE) from error
            location = f"/api/v1/operations/{command}"
            body = to_json({"status": "pending", "command_id": str(command)})
            return Response(body, 202, {"Location": location}, media_type="application/json")

    return endpoint


async def read_message(route: Route, request: Request) -> Message:
    """The message that the body, the path and If-Match make together. Raises Failure."""
    return _parse(route, request, await _read(request, route.max_body_bytes))


def caller_of(request: Request, anonymous: Actor | None = None) -> Caller:
    """Who calls, and may call so often. Raises Failure(AUTH_REQUIRED, TOKEN_INVALID, RATE_LIMITED)."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known:
        return known
    ip = address_of(request)
    actor = anonymous or _authenticated(request, ip)
    caller = request.state.caller = Caller(actor, request.state.request_id, ip, request.state.traceparent)
    limits: Limits = request.app.state.limits
    if anonymous:
        limits.visit(ip)
    else:
        limits.call(actor)
    return caller


def _authenticated(request: Request, ip: str | None) -> Actor:
    authenticator: Authenticator = request.app.state.authenticator
    limits: Limits = request.app.state.limits
    header = request.headers.get("authorization")
    known = authenticator.recall(header)
    if known:
        return known
    limits.may_try(ip)
    try:
        return authenticator.authenticate(header)
    except Failure:
        limits.failed(ip)
        raise


def respond(answer: Answer) -> Response:
    """The reply's bytes as they are."""
    headers = {"Cache-Control": "no-store"} | headers_for(answer.status, answer.body)
    if answer.etag:
        headers["ETag"] = answer.etag
    if answer.location:
        headers["Location"] = answer.location
    media_type = MEDIA_TYPE if answer.status >= 400 else "application/json"
    return Response(answer.body, answer.status, headers, media_type=media_type if answer.body else None)


def _idempotency_key(request: Request, *, required: bool) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        if required:
            raise Failure(Code.IDEMPOTENCY_KEY_REQUIRED)
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise Failure(Code.IDEMPOTENCY_KEY_INVALID)
    return keys[0]


async def _read(request: Request, max_bytes: int | None) -> bytes:
    limit = max_bytes or request.app.state.settings.max_body_bytes
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Failure(Code.PAYLOAD_TOO_LARGE, f"at most {limit} bytes")
    return bytes(body)


def _parse(route: Route, request: Request, body: bytes) -> Message:
    filled = dict(request.path_params) | {name: v for name, v in request.query_params.items() if name in route.query}
    if route.if_match:
        filled[IF_MATCH_FIELD] = _expected_version(request)
    if route.rehearsal and "if-match" in request.headers:
        filled[PLAN_FIELD] = _matched(request.headers["if-match"], _PLAN)[0]
    try:
        if route.sealed:
            return route.sealed.message(route.message, body, request.app.state.sealer)
        if filled or not body:
            body = _fill(body, filled, route.taken_fields)
        return route.message.model_validate_json(body)
    except ValidationError as error:
        raise _invalid_command(error, route) from error


def _fill(body: bytes, filled: dict[str, Any], taken: frozenset[str]) -> bytes:
    try:
        fields = from_json(body) if body else {}
    except ValueError as error:
        raise Failure(Code.MALFORMED_JSON, str(error)[:200]) from error
    if not isinstance(fields, dict):
        raise Failure(Code.VALIDATION_FAILED, "the body must be an object")
    if named := sorted(fields.keys() & taken):
        errors = [FieldError(pointer=f"/{n}", code="extra_forbidden", detail="not a field of the body") for n in named]
        raise Failure(Code.VALIDATION_FAILED, errors=errors)
    return to_json({**fields, **filled})


def _expected_version(request: Request) -> int:
    header = request.headers.get("if-match")
    if header is None:
        raise Failure(Code.PRECONDITION_REQUIRED)
    return int(_matched(header, _ETAG)[1])


def _matched(header: str, etag: re.Pattern[str]) -> re.Match[str]:
    found = etag.fullmatch(header.strip())
    if found is None:
        raise Failure(Code.PRECONDITION_FAILED, "If-Match must be an ETag as it was given")
    return found


def _invalid_command(error: ValidationError, route: Route) -> Failure:
    if any(e["loc"] and e["loc"][0] in route.path_fields for e in error.errors()):
        return Failure(Code.NOT_FOUND)
    return invalid(error)
