"""`python -m contracts.freeze`: write the JSON Schema of every message version that has none yet.

A frozen schema is a promise: a changed model needs a new version, never a changed file. The files of older versions
stay: a request's from `since` on, because its bodies must still fit; an event's, because subscribers still hold it.
The tests hold all of it.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from contracts.catalogue import command_types, event_types, query_types
from contracts.message import Event, EventData, Request

HERE = Path(__file__).parent


def messages() -> dict[str, type[BaseModel]]:
    """File stem → model of everything that travels; an event is its whole envelope."""
    found: dict[str, type[BaseModel]] = {}
    for request in (*command_types(), *query_types()):
        found[_stem(request, request.version)] = request
    for data in event_types():
        found[_stem(data, data.version)] = Event[data]  # type: ignore[valid-type]
    return found


def older_requests(types: Iterable[type[Request]] | None = None) -> dict[str, type[Request]]:
    """File stem of each older version that is still accepted → the model that its bodies must fit today."""
    requests = (*command_types(), *query_types()) if types is None else types
    return {_stem(request, old): request for request in requests for old in range(request.since, request.version)}


def older_events(types: Iterable[type[EventData]] | None = None) -> set[str]:
    """File stems of events as they used to be; nothing reads them any more but whoever kept such an event."""
    return {_stem(data, old) for data in (types or event_types()) for old in range(1, data.version)}


def _stem(message: type[Request] | type[EventData], version: int) -> str:
    folder = "events" if issubclass(message, EventData) else "requests"
    return f"{folder}/{message.type}.v{version}"


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def schema_path(stem: str) -> Path:
    return HERE / "schemas" / f"{stem}.json"


def example_path(stem: str) -> Path:
    return HERE / "examples" / f"{stem}.json"


def main() -> int:
    changed = []
    for stem, model in messages().items():
        path, schema = schema_path(stem), schema_of(model)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")
        elif json.loads(path.read_text()) != schema:
            changed.append(stem)
    for stem in changed:
        sys.stderr.write(f"{stem} is frozen and its model has changed: give the message a new version\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
