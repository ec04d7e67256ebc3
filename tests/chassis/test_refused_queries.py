"""A refused question leaves one event of its owner, told before the answer; an answered one leaves none."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.message import Actor, Query
from contracts.operations import GetOperation
from contracts.partners import GetPartner, ListPartners
from contracts.reviews import ListPages
from tests.chassis.conftest import ONE_LOOP
from tests.support import Bus, Tables, person
from tests.support.partner_cases import submitted

pytestmark = [ONE_LOOP, pytest.mark.usefixtures("partners")]


def told_by(tables: Tables, actor: Actor) -> list[dict[str, Any]]:
    """What the owner wrote about somebody, at the moment its answer is here."""
    rows = tables.rows("SELECT value FROM outbox WHERE topic = 'partner.refused' ORDER BY id")
    events = [orjson.loads(row["value"]) for row in rows]
    return [event for event in events if event["actor"]["subject"] == actor.subject]


async def test_it_names_who_asked_what_of_whom_and_why_not_but_no_more(bus: Bus, tables: Tables) -> None:  # A3
    application = await submitted(bus)
    eve = person(bus.stack, f"eve-{uuid4().hex}")

    answer = await bus.ask(GetPartner(partner_id=application.partner_id), eve)

    (event,) = told_by(tables, eve)
    assert (answer.status, event["reason_code"], event["outcome"]) == (404, "NOT_FOUND", "REJECTED")
    assert event["data"] == {"command": "partner.get", "code": "NOT_FOUND"}
    assert event["targets"] == [{"type": "partner", "id": str(application.partner_id)}]


async def test_a_question_that_needs_a_role_is_recorded_too(bus: Bus, tables: Tables) -> None:
    eve = person(bus.stack, f"eve-{uuid4().hex}")

    answer = await bus.ask(ListPages(), eve)

    assert (answer.code, [event["reason_code"] for event in told_by(tables, eve)]) == (
        "ROLE_REQUIRED",
        ["ROLE_REQUIRED"],
    )


@pytest.mark.parametrize("question", [ListPartners(), GetOperation(command_id=UUID(int=7))], ids=lambda q: q.type)
async def test_an_answer_and_an_operation_of_another_owner_leave_none(
    bus: Bus, tables: Tables, question: Query
) -> None:
    adam = person(bus.stack, f"adam-{uuid4().hex}")

    await bus.ask(question, adam, topic="partners.queries")

    assert told_by(tables, adam) == []
