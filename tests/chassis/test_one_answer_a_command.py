"""Promise 3, asked again: one command id keeps one binding answer; what depends on the moment is not pinned."""

from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from contracts.decisions import ApprovePartner
from contracts.failures import Code
from contracts.roles import Role
from tests.chassis.conftest import ONE_LOOP
from tests.support import Applicant, Bus, Tables, command_record, person, root_admin
from tests.support.applicants import reservation
from tests.support.partner_cases import NOTES, approve_partner, reserve_upload, submitted

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("partners")]


async def test_the_same_command_asked_again_gets_the_same_answer_byte_for_byte(bus: Bus, tables: Tables) -> None:
    prepared = await approve_partner(bus)
    command_id = uuid7()

    first, second, third = [await bus.ask(prepared.command, prepared.actor, command_id=command_id) for _ in range(3)]

    assert first.status == 200
    assert first == second == third
    assert prepared.effects(tables) == 1


async def test_the_same_command_id_with_another_body_is_refused_and_changes_nothing(bus: Bus, tables: Tables) -> None:
    prepared = await reserve_upload(bus)
    other = reservation("licensing", prepared.actor.subject)
    command_id = uuid7()
    first = await bus.ask(prepared.command, prepared.actor, command_id=command_id)

    refused = await bus.ask(other, prepared.actor, command_id=command_id)

    assert first.status == 201
    assert (refused.status, refused.code) == (422, Code.IDEMPOTENCY_KEY_REUSED)
    assert tables.value("SELECT count(*) FROM uploads WHERE sha256 = %s", other.sha256) == 0
    assert await bus.ask(prepared.command, prepared.actor, command_id=command_id) == first


async def test_the_same_command_id_twice_in_one_batch_is_one_command(bus: Bus, tables: Tables) -> None:
    prepared = await reserve_upload(bus)
    other = reservation("licensing", prepared.actor.subject)
    command_id = uuid7()
    records = [
        command_record(bus.stack, body, prepared.actor, command_id=command_id)
        for body in (prepared.command, prepared.command, other)
    ]

    await bus.send_all(records, partition=1)
    first, again, changed = [await bus.answer_to(record) for record in records]

    assert first == again
    assert first.status == 201
    assert changed.code == Code.IDEMPOTENCY_KEY_REUSED
    assert prepared.effects(tables) == 1


async def test_a_conflict_is_a_fact_and_stays_the_answer(bus: Bus) -> None:
    application = await submitted(bus)
    command_id = uuid7()

    refused = await bus.ask(application.command, application.actor, command_id=command_id)
    again = await bus.ask(application.command, application.actor, command_id=command_id)

    assert (refused.status, refused.code) == (409, Code.PARTNER_STATE_INVALID)
    assert again == refused


async def test_a_403_is_not_pinned(bus: Bus) -> None:
    subject, command_id = f"late-role-{uuid4().hex}", uuid7()
    command = reservation("kyb", subject)

    refused = await bus.ask(command, person(bus.stack, subject), command_id=command_id)
    allowed = await bus.ask(command, person(bus.stack, subject, Role.PARTNER_ADMIN), command_id=command_id)

    assert (refused.status, refused.code) == (403, Code.ROLE_REQUIRED)
    assert allowed.status == 201


async def test_a_404_is_not_pinned(bus: Bus) -> None:
    application = await Applicant(bus.stack).prepare(bus)
    approve = ApprovePartner(partner_id=application.partner_id, expected_version=1, dossier_version=1, notes=NOTES)
    command_id = uuid7()

    refused = await bus.ask(approve, root_admin(bus.stack), command_id=command_id)
    await bus.ask(application.command, application.actor)
    allowed = await bus.ask(approve, root_admin(bus.stack), command_id=command_id)

    assert (refused.status, refused.code) == (404, Code.NOT_FOUND)
    assert allowed.status == 200


async def test_a_422_is_not_pinned(bus: Bus) -> None:
    applicant = Applicant(bus.stack)
    reserved = await applicant.reserve(bus)
    application = applicant.application(*(upload["object_key"] for upload in reserved.values()))
    command_id = uuid7()

    refused = await bus.ask(application, applicant.actor, command_id=command_id)
    for kind, upload in reserved.items():
        await applicant.put(kind, upload)
    allowed = await bus.ask(application, applicant.actor, command_id=command_id)

    assert (refused.status, refused.code) == (422, Code.DOSSIER_OBJECT_NOT_FOUND)
    assert allowed.status == 201
