"""The OpenAPI 3.1 document, made from the route table and the contracts."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from contracts.failures import Problem
from contracts.message import Command
from services.gateway.asking import DRY_RUN
from services.gateway.routes import ALL
from services.gateway.routing import Route

_REF = "#/components/schemas/{model}"
Schemas = dict[str, Any]


def install(app: FastAPI) -> None:
    """Let the application build its document once, with our table in it."""

    def build() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas: Schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = _known(schemas, Problem)
    for route in (route for routes in ALL for route in routes.table):
        document["paths"].setdefault(route.path, {})[route.method.lower()] = _operation(schemas, route, problem)
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return document


def _operation(schemas: Schemas, route: Route, problem: dict[str, str]) -> dict[str, Any]:
    refused = {"content": {"application/problem+json": {"schema": problem}}}
    done: dict[str, Any] = {"description": "Done"}
    if route.answer:
        done["content"] = {"application/json": {"schema": _known(schemas, route.answer)}}
    operation: dict[str, Any] = {
        "operationId": route.message.type,
        "summary": str(route.message.__dict__["__doc__"]).splitlines()[0],
        "parameters": _parameters(route),
        "responses": {
            str(route.status): done,
            "4XX": {"description": "Refused; see `code`", **refused},
            "5XX": {"description": "Not now; see `code`", **refused},
        },
        "security": [] if route.anonymous else [{"bearer": []}],
    }
    if route.rehearsal:
        operation["responses"]["200"] = _rehearsed(schemas, route, route.rehearsal)
    if issubclass(route.message, Command) and route.status != HTTPStatus.ACCEPTED:
        operation["responses"]["202"] = {"description": "Not answered in time; Location tells where to ask"}
    if route.method != "GET":
        operation["requestBody"] = {"content": {"application/json": {"schema": _body(schemas, route)}}}
    return operation


def _rehearsed(schemas: Schemas, route: Route, rehearsal: Route) -> dict[str, Any]:
    answers = [_known(schemas, answer) for answer in (route.answer, rehearsal.answer) if answer]
    content = {"application/json": {"schema": {"oneOf": answers}}}
    return {"description": f"It stood already; with `{DRY_RUN}=true` what would be done", "content": content}


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [_parameter(name, "path", {"type": "string"}, required=True) for name in route.path_fields]
    if route.method == "GET":
        fields = route.message.model_json_schema(ref_template=_REF).get("properties", {})
        return found + [
            _parameter(name, "query", {"type": "string"} if "$ref" in str(field) else field, required=False)
            for name, field in fields.items()
            if name not in route.path_fields
        ]
    if not issubclass(route.message, Command):
        return found
    key = {"type": "string", "minLength": 1, "maxLength": 255}
    required = route.anonymous is None and route.rehearsal is None
    found.append(_parameter("Idempotency-Key", "header", key, required=required))
    if route.if_match or route.rehearsal:
        found.append(_parameter("If-Match", "header", {"type": "string"}, required=route.if_match))
    if route.rehearsal:
        found.append(_parameter(DRY_RUN, "query", {"type": "boolean", "default": False}, required=False))
    return found + [_parameter(name, "query", _field(route, name), required=False) for name in route.query]


def _field(route: Route, name: str) -> dict[str, Any]:
    """A field's own schema, with what it refers to put in its place."""
    schema = route.message.model_json_schema()
    field: dict[str, Any] = schema["properties"][name]
    return {**schema["$defs"][field.pop("$ref").rpartition("/")[2]], **field} if "$ref" in field else field


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _body(schemas: Schemas, route: Route) -> dict[str, str]:
    """The message without what the path and If-Match say."""
    model = route.sealed.body if route.sealed else route.message
    schema = model.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    for name in route.taken_fields:
        schema.get("properties", {}).pop(name, None)
    schema["required"] = [name for name in schema.get("required", []) if name not in route.taken_fields]
    return _add(schemas, f"{route.message.__name__}Body", schema)


def _known(schemas: Schemas, model: type[BaseModel]) -> dict[str, str]:
    schema = model.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    return _add(schemas, model.__name__, schema)


def _add(schemas: Schemas, name: str, schema: dict[str, Any]) -> dict[str, str]:
    schemas[name] = schema
    return {"$ref": _REF.format(model=name)}
