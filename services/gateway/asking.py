"""GET routes: path and query parameters become a question, and the owner's answer is passed through."""

from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from contracts.failures import Code, FieldError
from contracts.message import Actor, Query
from contracts.message import Request as Message
from services.gateway.dispatch import Answer, Caller, Dispatcher, command_id
from services.gateway.problems import Failure, invalid
from services.gateway.routing import Endpoint, Route, Routes, caller_of, command_endpoint, read_message, respond
from services.wire.sealing import Sealer

Opening = Callable[[Answer, Actor, Sealer], Answer]
Finishing = Callable[[Dispatcher, Message, Caller, Answer], Awaitable[Answer]]
DRY_RUN = "dry_run"
_ANSWERS = {"true": True, "false": False}
_UNABLE = {500: Code.INTERNAL, 503: Code.DEPENDENCY_UNAVAILABLE}


def question(
    routes: Routes, path: str, message: type[Query], answer: type[BaseModel], opened: Opening | None = None
) -> None:
    """Add a POST route that changes nothing: its body is the question. `opened` unseals a reply for who asked."""
    route = Route("POST", path, message, answer, 200)
    routes.add(route, _question_endpoint(route, opened))


def rehearsable(routes: Routes, route: Route) -> None:
    """Add a command route that with `dry_run=true` asks its rehearsal instead, which needs no Idempotency-Key."""
    perform = command_endpoint(route)
    rehearse = _question_endpoint(route.rehearsal or route)

    async def endpoint(request: Request) -> Response:
        if request.query_params:
            caller_of(request)  # a stranger hears nothing of what is wrong with a call
        return await (rehearse if _is_dry_run(request, route) else perform)(request)

    routes.add(route, endpoint)


def _is_dry_run(request: Request, route: Route) -> bool:
    """Whether the query says so; it may say nothing else but what the route names, and each once."""
    given = request.query_params.multi_items()
    names = [name for name, _ in given]
    wrong = {n for n in names if n not in {*route.query, DRY_RUN} or names.count(n) > 1}
    wrong |= {DRY_RUN} if request.query_params.get(DRY_RUN, "false") not in _ANSWERS else set()
    if wrong:
        detail = "not a query parameter of this call, or not with this value"
        errors = [FieldError(pointer=f"/{name[:200]}", code="query_invalid", detail=detail) for name in sorted(wrong)]
        raise Failure(Code.VALIDATION_FAILED, errors=errors)
    return _ANSWERS[request.query_params.get(DRY_RUN, "false")]


def _question_endpoint(route: Route, opened: Opening | None = None) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        caller = caller_of(request)
        reply = await ask(request.app.state.dispatcher, await read_message(route, request), caller)
        return respond(opened(reply, caller.actor, request.app.state.sealer) if opened else reply)

    return endpoint


def query(
    routes: Routes, path: str, message: type[Query], answer: type[BaseModel], finish: Finishing | None = None
) -> None:
    """Add a GET route that asks `message` and answers with an `answer`, which `finish` may ask others to complete."""
    route = Route("GET", path, message, answer, 200)
    routes.add(route, _endpoint(route, finish))


async def ask(dispatcher: Dispatcher, message: Message, caller: Caller, topic: str | None = None) -> Answer:
    """A question changes nothing, so a late answer is simply 503.

    Raises Failure too where its owner cannot answer: without its database it records no refusals, so the gateway does.
    """
    try:
        answer = await dispatcher.ask(message, caller, command_id(caller, "", "", None), topic)
    except TimeoutError as error:
        raise Failure(Code.DEPENDENCY_UNAVAILABLE) from error
    if answer.status in _UNABLE:
        raise Failure(_UNABLE[answer.status])
    return answer


def _endpoint(route: Route, finish: Finishing | None) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        caller = caller_of(request)
        if request.query_params.keys() & request.path_params.keys():
            raise Failure(Code.VALIDATION_FAILED, "the path says that already")
        try:
            message = route.message.model_validate({**request.query_params, **request.path_params}, strict=False)
        except ValidationError as error:
            raise _refused(error, route) from error
        dispatcher: Dispatcher = request.app.state.dispatcher
        reply = await ask(dispatcher, message, caller)
        return respond(await finish(dispatcher, message, caller, reply) if finish else reply)

    return endpoint


def _refused(error: ValidationError, route: Route) -> Failure:
    fields = {e["loc"][0] for e in error.errors() if e["loc"]}
    if fields & set(route.path_fields):
        return Failure(Code.NOT_FOUND)
    return Failure(Code.CURSOR_INVALID) if fields == {"starting_after"} else invalid(error)
