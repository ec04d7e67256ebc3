"""No administrative path accepts, returns, sets or resets a credential (S2.8, S2.29, S2.58), by a scan of everything.

A credential stands only in what a person sends or gets for themselves: activation, sessions, their own context.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

import services.staffing
from contracts.message import Contract, EventData, walk_subclasses
from contracts.staffing import COMMANDS, StaffingCommand
from services.gateway.routes import ALL
from services.gateway.routing import Route

OWN = ("/api/v1/activation", "/api/v1/sessions", "/api/v1/me/")
SECRET = re.compile(
    r"passw|passphrase|secret|credential|token|otp|(^|_)pin(_|$)|pepper|sealed|refresh|hash|sha256|(^|_)code$"
)
HARMLESS = {
    "reason_code",  # of a decision or a refusal
    "leaf_hash",
    "root_hash",
    "tx_hash",
}
HARMLESS_IN = {
    ("ReserveUpload", "sha256"),  # of a document
    ("DocumentView", "sha256"),
    ("DocumentAsOf", "sha256"),
    ("ExportView", "sha256"),  # of a file
    ("ReceiptView", "sha256"),
    ("Requirement", "code"),  # what is missing
    ("CapabilityView", "code"),
    ("BulkResult", "code"),  # why a row was refused
}


def fields_of(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[tuple[str, str]]:
    """(model, field) of a model and of all models within it."""
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        yield model.__name__, name
        for inner in _models_in(field.annotation):
            yield from fields_of(inner, seen)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def secrets_in(*models: type[BaseModel] | None) -> set[tuple[str, str]]:
    seen: set[type[BaseModel]] = set()
    found = {pair for model in models if model for pair in fields_of(model, seen)}
    return {
        (model, name)
        for model, name in found
        if SECRET.search(name) and name not in HARMLESS and (model, name) not in HARMLESS_IN
    }


def routes() -> list[Route]:
    return [route for table in ALL for route in table.table]


def shapes(route: Route) -> tuple[type[BaseModel] | None, ...]:
    return route.message, route.answer, route.sealed.body if route.sealed else None


def test_no_route_but_a_persons_own_takes_or_gives_a_credential() -> None:
    others = [route for route in routes() if not route.path.startswith(OWN)]

    found = {f"{route.method} {route.path}": secrets for route in others if (secrets := secrets_in(*shapes(route)))}

    assert len(others) > 30
    assert found == {}


def test_control_the_scan_sees_the_credentials_of_a_persons_own_routes() -> None:
    found = {name for route in routes() if route.path.startswith(OWN) for _, name in secrets_in(*shapes(route))}

    assert found >= {"code", "password", "sealed_code", "sealed_password", "access_token", "refresh_token"}


def test_control_the_scan_finds_a_planted_field_however_deep_it_lies() -> None:
    class Row(Contract):
        display_name: str
        initial_password: str | None = None

    class Planted(Contract):
        rows: dict[str, tuple[Row, ...]] | None

    assert secrets_in(Planted) == {("Row", "initial_password")}


def test_no_route_takes_a_field_that_its_message_does_not_name() -> None:
    seen: set[type[BaseModel]] = set()
    for route in routes():
        for model in (route.message, route.sealed.body if route.sealed else route.message):
            list(fields_of(model, seen))

    assert not [model.__name__ for model in seen if model.model_config.get("extra") != "forbid"]


def test_no_event_and_no_command_of_the_administrative_lane_has_one() -> None:
    commands = [command for command in walk_subclasses(StaffingCommand) if command.topic == COMMANDS]
    events = list(walk_subclasses(EventData))

    assert min(len(commands), len(events)) >= 7
    assert secrets_in(*commands) == set()
    assert {
        pair for event in events for pair in secrets_in(event) if pair[0].startswith(("Identity", "Session"))
    } == set()


def test_only_the_credential_lane_names_a_password_hash() -> None:
    """The commands lane can't set or read one; an erasure takes it away and knows no more of it."""
    folder = Path(services.staffing.__file__).parent

    code = (file for file in folder.rglob("*.py") if file.parent.name != "migrations")
    naming = {str(file.relative_to(folder)) for file in code if "password_hash" in file.read_text()}

    assert naming == {"credentials/attempts.py", "credentials/store.py", "erasure/store.py"}
    erasing = (folder / "erasure/store.py").read_text()
    assert erasing.count("password_hash") == erasing.count("password_hash = NULL") == 1
