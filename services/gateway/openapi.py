"""The OpenAPI document: FastAPI's own, with the body schemas of the contracts and the problem shape added."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contracts.failures import Problem
from contracts.message import Command
from services.gateway.routes import ALL
from services.gateway.routing import Route, body_name

_REF = "#/components/schemas/{model}"


def install(app: FastAPI) -> None:
    """Replace `app.openapi` by one that is built once."""
    build: Callable[[], dict[str, Any]] = lambda: _document(app)  # noqa: E731
    app.openapi = build  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema(ref_template=_REF)
    schemas.update(schemas["Problem"].pop("$defs", {}))
    for route in (route for routes in ALL for route in routes.table):
        if issubclass(route.message, Command):
            _add_body(schemas, route)
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"bearer": []}]
    _describe_failures(document)
    app.openapi_schema = document
    return document


def _add_body(schemas: dict[str, Any], route: Route) -> None:
    schema = route.message.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    for name in route.taken_fields:
        schema["properties"].pop(name, None)
    schema["required"] = [name for name in schema.get("required", []) if name not in route.taken_fields]
    schemas[body_name(route)] = schema


def _describe_failures(document: dict[str, Any]) -> None:
    content = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            operation["responses"]["4XX"] = {"description": "Refused; see `code`", "content": content}
            operation["responses"]["5XX"] = {"description": "Not now; see `code`", "content": content}
