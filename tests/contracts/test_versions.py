"""A message that has moved on: bodies of the versions it still accepts fit today's model, older ones are gone."""

import json
from typing import ClassVar

import jsonschema_rs
import pytest
from pydantic import BaseModel, ValidationError

from contracts import freeze
from contracts.catalogue import command_types, event_types, query_types
from contracts.partner_events import UploadReserved
from contracts.partners import ReserveUpload


class WithANote(ReserveUpload):
    """Version 2, with something that may be left out."""

    version: ClassVar[int] = 2

    note: str = ""


class WithAReason(ReserveUpload):
    """Version 2 as it must not be: an old body does not fit, and yet version 1 is accepted."""

    version: ClassVar[int] = 2

    reason: str


class StartingAnew(WithAReason):
    since: ClassVar[int] = 2


class ReservedForANote(UploadReserved):
    version: ClassVar[int] = 3


def example_fits(stem: str, model: type[BaseModel]) -> None:
    """The example that was frozen with an older version."""
    model.model_validate_json(freeze.example_path(stem).read_text())


def example_fits_its_schema(stem: str) -> None:
    schema, example = (json.loads(path(stem).read_text()) for path in (freeze.schema_path, freeze.example_path))
    jsonschema_rs.validate(schema, example)


def test_every_body_that_is_still_accepted_fits_the_model_of_today() -> None:
    for stem, model in freeze.older_requests().items():
        example_fits(stem, model)
        example_fits_its_schema(stem)


def test_what_is_kept_of_an_older_event_fits_the_schema_of_its_day() -> None:
    for stem in freeze.older_events():
        paths = [freeze.schema_path(stem), freeze.example_path(stem)]
        if any(path.exists() for path in paths):
            example_fits_its_schema(stem)


@pytest.mark.parametrize("message", [*command_types(), *query_types(), *event_types()], ids=lambda m: m.type)
def test_a_version_counts_from_one_and_is_accepted_since_a_version_that_was(message: type) -> None:
    assert 1 <= getattr(message, "since", 1) <= message.version  # type: ignore[attr-defined]


def test_an_addition_keeps_the_older_version() -> None:
    assert freeze.older_requests([WithANote]) == {"requests/upload.reserve.v1": WithANote}
    example_fits("requests/upload.reserve.v1", WithANote)
    example_fits_its_schema("requests/upload.reserve.v1")


def test_an_older_version_that_no_longer_fits_is_noticed() -> None:
    [(stem, model)] = freeze.older_requests([WithAReason]).items()

    with pytest.raises(ValidationError, match="reason"):
        example_fits(stem, model)


def test_a_break_is_admitted_by_starting_anew() -> None:
    assert freeze.older_requests([StartingAnew]) == {}


def test_events_keep_their_history() -> None:
    assert freeze.older_events([ReservedForANote]) == {"events/upload.reserved.v1", "events/upload.reserved.v2"}
