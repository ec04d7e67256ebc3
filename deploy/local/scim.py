"""A fake identity provider's SCIM 2.0 side (RFC 7643, RFC 7644): discovery and `/Users` below `/scim/v2`.

The protocol is scim2-models' work; this adds storage, a bearer token and the ways a provider fails. `lying` does what
a write asks and then answers 500. `GET /v1/log` tells what was done to whom.
"""

import asyncio
from pathlib import Path

from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ListResponse,
    PatchOp,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    SearchRequest,
)
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from deploy.local.knobs import Panel, Usual
from deploy.local.scim_discovery import LONGEST_PAGE, PROVIDER, ScimAnswer, config, listing, refused, single, told
from deploy.local.scim_store import People, Person
from deploy.local.web import FakeSettings, Handler, guarded, has_bearer, healthy, load, serve

BASE = "/scim/v2"
READ, WRITE = ("error", "slow"), ("error", "slow", "lying")
SEARCHES = ("/.search", "/Users/.search")
"""The root covers every kind of resource, and persons are the only one."""


class ScimSettings(FakeSettings):
    """Where persons are kept and which token opens the API."""

    scim_token: str
    scim_database: Path


class Directory:
    """The handlers; all of them behind the token, except the health check."""

    def __init__(self, settings: ScimSettings) -> None:
        self._people = People(settings.scim_database)
        self._token = settings.scim_token
        self._panel = Panel(Usual())

    def routes(self) -> list[Route | Mount]:
        return [
            Route("/healthz", healthy),
            Route("/v1/log", guarded(self._token, self._log), methods=["GET"]),
            Route("/v1/behaviour", guarded(self._token, self._panel.turn), methods=["PUT"]),
            Mount(BASE, routes=self._scim_routes()),
        ]

    def _scim_routes(self) -> list[Route]:
        types, schemas = PROVIDER.resource_types, PROVIDER.schemas
        reads: dict[str, Handler] = {
            "/ServiceProviderConfig": config,
            "/ResourceTypes": listing(types, ResourceType),
            "/ResourceTypes/{id}": single(types),
            "/Schemas": listing(schemas, Schema),
            "/Schemas/{id}": single(schemas),
            "/Users": self._list,
            "/Users/{id}": self._get,
        }
        writes: list[tuple[str, str, Handler]] = [
            ("POST", "/Users", self._create),
            ("PUT", "/Users/{id}", self._replace),
            ("PATCH", "/Users/{id}", self._patch),
            ("DELETE", "/Users/{id}", self._delete),
        ]
        return [
            *(Route(path, self._behaving(handler, READ), methods=["GET"]) for path, handler in reads.items()),
            *(Route(path, self._behaving(self._search, READ), methods=["POST"]) for path in SEARCHES),
            *(Route(path, self._behaving(handler, WRITE), methods=[method]) for method, path, handler in writes),
        ]

    def _behaving(self, handler: Handler, modes: tuple[str, ...]) -> Handler:
        async def endpoint(request: Request) -> Response:
            if not has_bearer(request, self._token):
                return failure(401, {"WWW-Authenticate": "Bearer"})
            knobs = self._panel.take(modes)
            if knobs.mode == "error":
                return failure(503, {"Retry-After": "1"})
            if knobs.mode == "slow":
                await asyncio.sleep(knobs.delay_seconds)
            answer = await handler(request)
            return failure(500) if knobs.mode == "lying" else answer

        return endpoint

    async def _create(self, request: Request) -> Response:
        body = await request.body()
        person = self._people.add(Person.model_validate_json(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST))
        answer = _shown(request, person, Context.RESOURCE_CREATION_RESPONSE, 201)
        answer.headers["Location"] = _location(request, person)
        return answer

    async def _get(self, request: Request) -> Response:
        return _shown(request, self._asked(request), Context.RESOURCE_QUERY_RESPONSE)

    async def _replace(self, request: Request) -> Response:
        original, body = self._asked(request), await request.body()
        person = Person.model_validate_json(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        person.replace(original)
        return _shown(request, self._people.change(person, "replaced"), Context.RESOURCE_REPLACEMENT_RESPONSE)

    async def _patch(self, request: Request) -> Response:
        person, body = self._asked(request), await request.body()
        PatchOp[Person].model_validate_json(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST).patch(person)
        return _shown(request, self._people.change(person, "patched"), Context.RESOURCE_PATCH_RESPONSE)

    async def _delete(self, request: Request) -> Response:
        self._people.remove(self._asked(request))
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        asked = SearchRequest[Person].model_validate(dict(request.query_params))
        return self._page(request, asked, Context.RESOURCE_QUERY_RESPONSE)

    async def _search(self, request: Request) -> Response:
        asked = SearchRequest[Person].model_validate_json(await request.body(), scim_ctx=Context.SEARCH_REQUEST)
        return self._page(request, asked, Context.SEARCH_RESPONSE)

    def _page(self, request: Request, asked: SearchRequest[Person], context: Context) -> Response:
        found = [person for person in self._people.all() if not asked.filter or asked.filter.match(person)]
        start = asked.start_index_0 or 0
        count = LONGEST_PAGE if asked.count is None else min(asked.count, LONGEST_PAGE)
        page = [_located(request, person) for person in asked.sort(found)[start : start + count]]
        answer = ListResponse[Person](
            total_results=len(found), items_per_page=len(page), start_index=start + 1, resources=page
        )
        return told(answer, context=context, only=asked)

    def _asked(self, request: Request) -> Person:
        return self._people.one(request.path_params["id"])

    async def _log(self, request: Request) -> Response:
        return JSONResponse({"data": self._people.log(request.query_params.get("external_id"))})


def failure(status: int, headers: dict[str, str] | None = None) -> Response:
    return ScimAnswer(Error(status=status).model_dump(), status, headers)


def _shown(request: Request, person: Person, context: Context, status: int = 200) -> Response:
    wanted = {
        name: request.query_params[name]
        for name in ("attributes", "excludedAttributes")
        if name in request.query_params
    }
    only = ResponseParameters[Person].model_validate(wanted)
    return told(_located(request, person), status, context=context, only=only)


def _located(request: Request, person: Person) -> Person:
    if person.meta:
        person.meta.location = _location(request, person)
    return person


def _location(request: Request, person: Person) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{BASE}/Users/{person.id}"


def build(settings: ScimSettings) -> Starlette:
    errors = (SCIMException, ValidationError, HTTPException)
    return Starlette(routes=Directory(settings).routes(), exception_handlers=dict.fromkeys(errors, refused))


def main() -> None:
    settings = load(ScimSettings)
    serve(build(settings), settings.http_port)


if __name__ == "__main__":
    main()
