"""What is personal is sealed in events, and every stored answer that holds it says about whom it is."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from contracts.catalogue import command_types, event_types
from contracts.erasure import ErasedAccountView
from contracts.message import Command, Contract, EventData
from contracts.partners import PartnerView
from contracts.personal import sealed_fields
from contracts.sealed_events import FIELDS, sealed_places
from contracts.staff_changes import BranchesView
from contracts.staffing import StaffView
from services.gateway.routes import ALL

PERSONAL = frozenset({"display_name", "email", "phone", "name"})
NO_PERSON = frozenset({"TenantView", "BranchView", "PartnerSubmitted", "TenantCreated", "BranchCreated"})
"""Their `name` is that of a business."""


def fields_within(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str]]:
    """Every field of a model and of the models in it."""
    for name, field in model.model_fields.items():
        yield model, name
        for inner in _models_in(field.annotation):
            yield from fields_within(inner)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def is_personal(model: type[BaseModel], field: str) -> bool:
    return field.removeprefix("previous_") in PERSONAL and model.__name__ not in NO_PERSON


ANSWERS = {
    route.answer.__name__: route.answer
    for routes in ALL
    for route in routes.table
    if route.answer and issubclass(route.message, Command)
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_stored_answer_that_holds_personal_text_says_about_whom(name: str) -> None:
    answer = ANSWERS[name]
    holds = [field for model, field in fields_within(answer) if is_personal(model, field)]

    assert issubclass(answer, Contract)
    assert bool(holds) is (answer.about is not Contract.about), holds


def test_the_answers_that_hold_something_are_these() -> None:
    """Or the scan above finds nothing because it looks at nothing."""
    held = {name for name, answer in ANSWERS.items() if any(is_personal(*each) for each in fields_within(answer))}

    assert held == {StaffView.__name__, BranchesView.__name__, PartnerView.__name__}
    assert ErasedAccountView.__name__ in ANSWERS


@pytest.mark.parametrize("event", event_types(), ids=lambda event: event.type)
def test_whatever_is_personal_in_an_event_is_sealed(event: type[EventData]) -> None:
    sealed = {path.rpartition(".")[2] for path in sealed_fields(event)}

    assert {field for model, field in fields_within(event) if is_personal(model, field)} == sealed


def test_the_events_that_hold_something_are_these() -> None:
    assert set(FIELDS) == {
        "identity.provisioned",
        "staff.provisioned",
        "staff.renamed",
        "partner.submitted",
        "partner.contact.added",
        "partner.contact.updated",
        "partner.contact.removed",
    }


def test_text_that_only_looks_sealed_is_no_sealed_text() -> None:
    looks = "gh1.01a201b0-5555-7000-8000-0000000000ee." + "A" * 40

    places = sealed_places("partner.submitted", {"name": looks, "contacts": [{"name": looks, "subject": looks}]})

    assert [place.field for place in places] == ["contacts.name"]


def test_an_event_of_an_older_version_has_nothing_to_open() -> None:
    assert list(sealed_places("staff.renamed", {"account_id": "x"})) == []


def test_every_command_that_is_for_root_admins_alone_says_so_in_its_contract() -> None:
    erasing = [c for c in command_types() if "erase" in c.type or "legal_hold" in c.type]

    assert len(erasing) == 8
    assert all({role.value for role in command.roles} == {"RoleRootAdmin"} for command in erasing)
