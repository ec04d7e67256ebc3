"""During an upgrade, what was sent in an older version is handled as long as its body still fits."""

from typing import ClassVar
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.message import Actor, ActorType, Context, Header
from contracts.partners import COMMANDS, ReserveUpload
from services.chassis import Inbound
from services.wire.actor import ISSUER
from services.wire.envelope import MalformedError, Opener
from services.wire.requests import Outgoing, Sender
from tests.chassis.workbench import as_consumed
from tests.support import RawRecord
from tests.support.applicants import reservation

KEY = Ed25519PrivateKey.generate()
ADA = Actor(type=ActorType.USER, issuer="https://id.example", subject="ada")


class First(ReserveUpload):
    version: ClassVar[int] = 1


class WithANote(First):
    version: ClassVar[int] = 2
    note: str = ""


class WithTwoNotes(WithANote):
    version: ClassVar[int] = 3
    since: ClassVar[int] = 2
    other_note: str = ""


V1 = First.model_validate(reservation("kyb", "ada").model_dump())
V2 = WithANote.model_validate(V1.model_dump() | {"note": "urgent"})
V3 = WithTwoNotes.model_validate(V2.model_dump() | {"other_note": "very"})


def record_of(command: ReserveUpload) -> RawRecord:
    """As a gateway sends it that knows this version."""
    outgoing = Outgoing(command, ADA, Context(request_id="r-1", command_id=uuid4()), COMMANDS)
    body, key, headers = outgoing.pack(Sender("/gateway", ISSUER, KEY))
    return RawRecord(COMMANDS, key, body, tuple(headers), outgoing.message_id, outgoing.context.command_id)


def opened(record: RawRecord, model: type[ReserveUpload]) -> Inbound:
    return Opener("partners", KEY.public_key(), {model.type: model}).open(as_consumed(record))


def test_an_older_body_is_read_by_the_model_of_today() -> None:
    request = opened(record_of(V1), WithANote).request

    assert isinstance(request, WithANote)
    assert (request.sha256, request.note) == (V1.sha256, "")


@pytest.mark.parametrize(
    ("command", "model"),
    [(V1, First), (V2, WithANote), (V2, WithTwoNotes), (V3, WithTwoNotes)],
    ids=["v1 by v1", "v2 by v2", "v2 by v3", "v3 by v3"],
)
def test_every_version_since_the_oldest_that_fits_is_accepted(
    command: ReserveUpload, model: type[ReserveUpload]
) -> None:
    assert isinstance(opened(record_of(command), model).request, model)


@pytest.mark.parametrize(
    ("command", "model"), [(V2, First), (V1, WithTwoNotes)], ids=["from the future", "older than it may be"]
)
def test_a_version_outside_is_malformed(command: ReserveUpload, model: type[ReserveUpload]) -> None:
    with pytest.raises(MalformedError, match="unknown message type"):
        opened(record_of(command), model)


def test_the_assertion_is_for_the_version_that_was_sent() -> None:
    relabelled = record_of(V1).with_header(Header.VERSION, b"2")

    with pytest.raises(MalformedError, match="cmd does not match"):
        opened(relabelled, WithANote)
