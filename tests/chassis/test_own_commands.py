"""A service's own commands: believed from the service alone, as everything else is believed from the gateway alone.

The desk here knows the command of a timer under the wire name of ReserveUpload, and that command itself.
"""

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from contracts.message import ActorType, Context, Header
from contracts.partners import COMMANDS, ReserveUpload
from contracts.roles import Role
from deploy.local.stack import Stack
from services.chassis import Call, OwnCommands, Reply, Service
from services.wire.actor import ISSUER
from services.wire.kafka import make_producer
from tests.chassis.conftest import ONE_LOOP
from tests.chassis.workbench import as_consumed, desk_of, lane, settings_of
from tests.support import RawRecord, Tables, command_record, person, system
from tests.support.applicants import reservation
from tests.support.records import gateway_key, service_key
from tests.support.wire import reader

MALLORY = "mallory"


class SweepUploads(ReserveUpload):
    """What a timer sends; not a message of the catalogue, since it names no `type` of its own."""

    system: ClassVar[bool] = True
    roles: ClassVar[frozenset[Role]] = frozenset()


SWEEP = SweepUploads.model_validate(reservation("kyb", "the sweeper", uuid4()).model_dump())
BY_A_PERSON = reservation("kyb", MALLORY)


def a_person(stack: Stack) -> Callable[..., RawRecord]:
    """Commands of somebody who may send them, bent as the test likes."""
    actor = person(stack, MALLORY, Role.PARTNER_ADMIN)
    return lambda command, **bent: command_record(stack, command, actor, **bent)


CROSSINGS: dict[str, tuple[type[ReserveUpload], Callable[[Stack], RawRecord]]] = {
    "a timer's command from the gateway, for a person": (
        SweepUploads,
        lambda stack: a_person(stack)(SWEEP, issuer=ISSUER, signing_key=gateway_key(stack)),
    ),
    "a timer's command from the gateway, in the service's name": (
        SweepUploads,
        lambda stack: command_record(stack, SWEEP, system("partners"), signing_key=gateway_key(stack)),
    ),
    "a timer's command with the service's key, in the gateway's name": (
        SweepUploads,
        lambda stack: command_record(stack, SWEEP, system("partners"), issuer=ISSUER),
    ),
    "a timer's command from the service, for a person": (SweepUploads, lambda stack: a_person(stack)(SWEEP)),
    "a timer's command of another service": (
        SweepUploads,
        lambda stack: command_record(stack, SWEEP, system("staffing"), issuer="staffing"),
    ),
    "a person's command from the service": (
        ReserveUpload,
        lambda stack: a_person(stack)(BY_A_PERSON, issuer="partners", signing_key=service_key(stack, "partners")),
    ),
    "a person's command with the service's key, in the gateway's name": (
        ReserveUpload,
        lambda stack: a_person(stack)(BY_A_PERSON, signing_key=service_key(stack, "partners")),
    ),
    "a person's command from the gateway, for a system": (
        ReserveUpload,
        lambda stack: command_record(stack, BY_A_PERSON, system("partners")),
    ),
}


async def handled(stack: Stack, command: type[ReserveUpload], record: RawRecord) -> tuple[list[Call], int]:
    """What reached the handler, and the record's position."""
    calls: list[Call] = []

    def handle(_: object, call: Call, __: object) -> Reply:
        calls.append(call)
        return Reply(200)

    consumed = as_consumed(record)
    async with lane(stack, desk_of(handle, command=command)) as process:
        await (await process([consumed]))
    return calls, consumed.offset


@ONE_LOOP
@pytest.mark.parametrize("crossing", CROSSINGS)
async def test_neither_sends_what_is_the_others_to_send(crossing: str, stack: Stack, tables: Tables) -> None:
    command, forge = CROSSINGS[crossing]
    record = forge(stack)

    calls, offset = await handled(stack, command, record)

    [letter] = tables.letters_at(COMMANDS, 99, offset)
    assert "assertion is refused" in letter["error"]
    assert (calls, letter["value"]) == ([], record.value)


@ONE_LOOP
async def test_each_sends_its_own(stack: Stack) -> None:
    """Control: the crossings wrap commands that are fine in themselves."""
    timers, _ = await handled(stack, SweepUploads, command_record(stack, SWEEP, system("partners")))
    persons, _ = await handled(stack, ReserveUpload, a_person(stack)(BY_A_PERSON))

    assert [call.actor for call in timers] == [system("partners")]
    assert [call.actor.subject for call in persons] == [MALLORY]


async def sent(stack: Stack, *intents: str) -> list[RawRecord]:
    """What `OwnCommands` puts on the topic, one record for each intent."""
    producer = make_producer(settings_of(stack, "partners"))
    await producer.start()
    try:
        own = OwnCommands(producer, "partners", service_key(stack, "partners"))
        async with reader(stack, "partners", COMMANDS, from_end=True) as consumer:
            for intent in intents:
                await own.send(SWEEP, intent)
            found = [await consumer.getone() for _ in intents]
    finally:
        await producer.stop()
    ids = [UUID(dict(r.headers)[Header.ID].decode()) for r in found]
    return [
        RawRecord(r.topic, r.key, r.value, r.headers, message, UUID(dict(r.headers)[Header.COMMAND_ID].decode()))
        for r, message in zip(found, ids, strict=True)
    ]


@ONE_LOOP
async def test_what_a_service_sends_itself_is_handled_as_its_own_word(stack: Stack) -> None:
    [record] = await sent(stack, "the sweep of noon")

    [call], _ = await handled(stack, SweepUploads, record)

    assert (call.actor.type, call.actor.subject) == (ActorType.SYSTEM, "partners")
    assert call.message_id == record.message_id
    assert call.context == Context(
        request_id=str(record.message_id),
        command_id=record.command_id,
        traceparent=dict(record.headers)[Header.TRACEPARENT].decode(),  # type: ignore[union-attr]
    )
    assert record.key == SWEEP.key().encode()


@ONE_LOOP
async def test_one_intent_is_one_command_and_takes_effect_once(stack: Stack, tables: Tables) -> None:
    first, again, other = await sent(stack, "round 1 of u-7", "round 1 of u-7", "round 2 of u-7")

    effects = [len((await handled(stack, SweepUploads, record))[0]) for record in (first, again, other)]

    assert effects == [1, 0, 1]
    assert first.command_id == again.command_id != other.command_id
    assert first.message_id != again.message_id


@ONE_LOOP
async def test_a_persons_command_is_not_sent_as_the_services_own(stack: Stack) -> None:
    own = OwnCommands(make_producer(settings_of(stack, "partners")), "partners", service_key(stack, "partners"))

    with pytest.raises(ValueError, match=r"upload\.reserve is not a system command"):
        await own.send(BY_A_PERSON, "on behalf of somebody")


@ONE_LOOP
async def test_a_service_without_a_key_sends_itself_nothing_and_believes_nobody_as_itself(stack: Stack) -> None:
    without = {"service_signing_key": SecretStr("")}
    staffing = Service(settings_of(stack, "staffing").model_copy(update=without))

    with pytest.raises(ValueError, match="GATEHOUSE_SERVICE_SIGNING_KEY"):
        _ = staffing.own_commands

    await staffing.engine.dispose()


def test_only_the_service_itself_holds_its_key(stack: Stack) -> None:
    key = stack.state.secrets["partners_signing_key"]

    holders = {name for name in ("gateway", "partners", "staffing", "audit") if key in stack.env_of(name).values()}

    assert holders == {"partners"}
