"""Every message version is frozen: its schema, one example, its topic."""

import json

import jsonschema_rs
import pytest

from contracts import freeze
from contracts.catalogue import command_types, event_types, query_types
from contracts.message import Command, EventData, Request
from contracts.topics import BY_NAME, Kind

MESSAGES = freeze.messages()


@pytest.mark.parametrize("stem", MESSAGES)
def test_the_schema_is_the_one_that_was_frozen(stem: str) -> None:
    frozen = json.loads(freeze.schema_path(stem).read_text())

    assert freeze.schema_of(MESSAGES[stem]) == frozen


@pytest.mark.parametrize("stem", MESSAGES)
def test_the_example_fits_the_model_and_the_frozen_schema(stem: str) -> None:
    example = freeze.example_path(stem).read_text()

    MESSAGES[stem].model_validate_json(example)

    jsonschema_rs.validate(json.loads(freeze.schema_path(stem).read_text()), json.loads(example))


@pytest.mark.parametrize("stem", MESSAGES)
def test_a_field_outside_the_schema_is_refused(stem: str) -> None:
    example = json.loads(freeze.example_path(stem).read_text()) | {"surprise": True}

    with pytest.raises(ValueError, match="surprise"):
        MESSAGES[stem].model_validate_json(json.dumps(example))


@pytest.mark.parametrize("folder", ["schemas", "examples"])
def test_no_frozen_file_is_left_without_its_message_and_none_is_missing(folder: str) -> None:
    root = freeze.HERE / folder
    files = {str(path.relative_to(root).with_suffix("")) for path in root.rglob("*.json")}

    assert files - freeze.older_events() == set(MESSAGES) | set(freeze.older_requests())


@pytest.mark.parametrize("event", event_types(), ids=lambda event: event.type)
def test_an_event_type_is_the_name_of_its_topic(event: type[EventData]) -> None:
    assert BY_NAME[event.type].kind is Kind.EVENT


def test_every_event_topic_has_its_event() -> None:
    topics = {name for name, topic in BY_NAME.items() if topic.kind is Kind.EVENT}

    assert topics == {event.type for event in event_types()}


@pytest.mark.parametrize("request_type", [*command_types(), *query_types()], ids=lambda r: r.type)
def test_a_request_goes_to_a_topic_that_its_owner_reads(request_type: type[Request]) -> None:
    topics = [t for t in BY_NAME.values() if t.name == request_type.topic or t.name.endswith(request_type.topic[1:])]

    assert topics
    assert all(topic.owner in topic.readers and "gateway" in topic.writers for topic in topics)


@pytest.mark.parametrize("command", command_types(), ids=lambda c: c.type)
def test_a_command_names_the_event_that_records_its_refusal(command: type[Command]) -> None:
    assert BY_NAME[command.refused_as].kind is Kind.EVENT


def test_a_command_of_a_service_to_itself_asks_for_no_role() -> None:
    """The service holds none; its signature is what counts."""
    assert [command.type for command in command_types() if command.system and command.roles] == []


def test_wire_names_are_unique() -> None:
    names = [(request.type, request.version) for request in (*command_types(), *query_types())]
    names += [(event.type, event.version) for event in event_types()]

    assert len(names) == len(set(names))
