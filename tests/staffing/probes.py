"""Requests to every route of the staffing area, with an id of another tenant at one place where an id stands.

Bodies come from the examples of the contracts; a route that is new is probed without a line here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from contracts.staffing import COMMANDS, CREDENTIALS, QUERIES
from services.gateway.routes import ALL
from services.gateway.routing import IF_MATCH_FIELD, Route
from tests.staffing.office import new_phone

_TOPICS = {COMMANDS, CREDENTIALS, QUERIES}
AREA = tuple(route for routes in ALL for route in routes.table if getattr(route.message, "topic", "") in _TOPICS)
"""Of staffing alone: an export has no topic before its dataset is known."""
EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples" / "requests"
NOT_SENT = frozenset({"plan", "if_exists", IF_MATCH_FIELD})
"""Set by a header or a query parameter, or true only after another call."""
_KEY = re.compile(r"\b[0-9a-f]{32}\b")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Pointer = tuple[str | int, ...]
Ids = Mapping[str, str]
"""An id for each field name that holds one, such as `branch_id`."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One request. `fields` are all of the message; where each goes follows from the route."""

    route: Route
    fields: dict[str, Any]
    etag: str

    @property
    def url(self) -> str:
        return self.route.path.format(**self.fields)

    @property
    def rest(self) -> dict[str, Any]:
        """What is not in the path: the query of a GET, the body of anything else."""
        return {name: value for name, value in self.fields.items() if name not in self.route.path_fields}

    @property
    def headers(self) -> dict[str, str]:
        return {"Idempotency-Key": str(uuid4()), **({"If-Match": self.etag} if self.route.if_match else {})}


def whole(route: Route, ids: Ids, etag: str) -> Probe:
    """The example of the route's message, about people and places that are there; phones and keys are new each time."""
    name = f"{route.message.type}.v{route.message.version}.json"
    [file, *_] = sorted(EXAMPLES.glob(name)) or sorted(EXAMPLES.glob(f"*.{name}"))  # or as one of its owners takes it
    example = json.loads(file.read_text(encoding="utf-8"))
    fields = {key: value for key, value in example.items() if key not in NOT_SENT}
    for field, schema in route.message.model_json_schema()["properties"].items():
        if "uuid" in json.dumps(schema):
            fields.setdefault(field, None)
    return Probe(route, _filled(fields, ids), etag)


def places(probe: Probe) -> Iterator[Pointer]:
    """Everywhere in the request where an id stands."""
    yield from _places(probe.fields, ())


def put(probe: Probe, place: Pointer, value: str) -> Probe:
    fields = json.loads(json.dumps(probe.fields))
    inner = fields
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return Probe(probe.route, _renewed(fields), probe.etag)


def neighbour(identifier: str) -> str:
    """An id that nobody has, next to this one in every order."""
    return str(UUID(int=UUID(identifier).int ^ 1))


def without_ids(text: str) -> str:
    """An answer with all its ids and keys made equal, so that two can be compared."""
    return _KEY.sub("<key>", _ID.sub("<id>", text))


def ids_in(text: str) -> set[str]:
    return set(_ID.findall(text))


def id_fields(schema: Mapping[str, Any]) -> set[str]:
    """The names under which a message may hold ids, by its JSON schema."""
    found: set[str] = set()
    for part in (schema, *schema.get("$defs", {}).values()):
        found |= {name for name, field in part.get("properties", {}).items() if '"uuid"' in json.dumps(field)}
    return found


def name_of(place: Pointer) -> str:
    """The field's name, of a list's the list's."""
    return next(str(step) for step in reversed(place) if isinstance(step, str))


def _places(value: Any, at: Pointer) -> Iterator[Pointer]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*at, name))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _places(inner, (*at, n))
    elif isinstance(value, str) and _ID.fullmatch(value):
        yield at


def _filled(value: Any, ids: Ids, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, ids, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, ids, name) for inner in (value[:1] if name in ids else value)]
    if name in ids and (value is None or isinstance(value, str)):
        return ids[name]
    return _renewed_value(name, value)


def _renewed(value: Any, name: str = "") -> Any:
    """Nobody is added twice, and no row has been seen before."""
    if isinstance(value, dict):
        return {key: _renewed(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renewed(inner, name) for inner in value]
    return _renewed_value(name, value)


def _renewed_value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match name:
        case "phone":
            return new_phone()
        case "key":
            return uuid4().hex
        case "role_key":
            return "MANAGER"
        case "notify":
            return "none"
        case _:
            return value
