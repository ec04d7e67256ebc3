"""Who may read what is due and why: those who see the partner; to all others it is not there (K1, K22)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import ApprovePartner
from contracts.gate import ExplainPartner, ExplainView, GetRequirements, RequirementsView
from contracts.message import Actor, Context
from contracts.roles import Role
from services.chassis import Call, Outcome, Read, Refusal, Reply, Write
from services.chassis.replies import to_json
from services.partners.desk import save_book
from services.partners.gate import Policy
from services.partners.gate.queries import gate_queries
from services.wire.allowlist import Allowlist
from tests.partners.desk import ISSUER, NOON, ROOT_ADMINS, Office, person

pytestmark = pytest.mark.asyncio

QUERIES = (GetRequirements, ExplainPartner)
HANDLERS = gate_queries(Policy(approvals_required=2), Allowlist(ISSUER, ROOT_ADMINS))


async def ask(engine: AsyncEngine, query: GetRequirements | ExplainPartner, actor: Actor) -> Outcome:
    call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid4(), NOON)
    async with engine.connect() as connection:
        return await HANDLERS[type(query)](query, call, Read(connection))


def applicant(subject: str) -> Actor:
    return person(subject, Role.PARTNER_ADMIN)


async def stored(engine: AsyncEngine, office: Office) -> None:
    async with engine.begin() as tx:
        await save_book(Write(tx), office.book)


async def applied(engine: AsyncEngine, subject: str) -> UUID:
    office = Office()
    partner_id = office.submitted(applicant(subject))
    await stored(engine, office)
    return partner_id


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("role", [None, Role.ROOT_ADMIN, Role.OPS, Role.AUDITOR])
async def test_a_contact_and_the_readers_are_told(engine: AsyncEngine, query: type, role: Role | None) -> None:
    subject = f"s-{uuid4()}"
    partner_id = await applied(engine, subject)

    told = await ask(engine, query(partner_id=partner_id), person("reader", role) if role else person(subject))

    assert isinstance(told, Reply)
    assert told.status == 200
    assert b'"voucher.mint"' in to_json(told.body)


@pytest.mark.parametrize("query", QUERIES)
async def test_a_stranger_finds_nothing_and_nobody_learns_what_exists(engine: AsyncEngine, query: type) -> None:
    partner_id = await applied(engine, f"s-{uuid4()}")
    stranger = person("auth0|eve", Role.PARTNER_ADMIN, Role.COMPLIANCE)

    theirs = await ask(engine, query(partner_id=partner_id), stranger)
    nobodys = await ask(engine, query(partner_id=uuid4()), stranger)

    assert isinstance(theirs, Refusal)
    assert theirs.code == "NOT_FOUND"
    assert theirs == nobodys


async def test_a_removed_contact_is_told_so(engine: AsyncEngine) -> None:  # S1.42
    office, left = Office(), f"left-{uuid4()}"
    stays = applicant(f"stays-{uuid4()}")
    partner_id = office.submitted(stays, left)
    office.replace(partner_id, stays.subject, actor=stays)
    await stored(engine, office)

    told = await ask(engine, GetRequirements(partner_id=partner_id), person(left))

    assert isinstance(told, Refusal)
    assert told.code == "CONTACT_REMOVED"


async def test_a_rereview_that_runs_closes_nothing_yet_and_shows_its_deadline(engine: AsyncEngine) -> None:  # K8
    office, actor = Office(), applicant(f"s-{uuid4()}")
    partner_id = office.submitted(actor)
    office.decide(partner_id, ApprovePartner)
    office.file(partner_id, actor)
    await stored(engine, office)

    told = await ask(engine, GetRequirements(partner_id=partner_id), actor)

    assert isinstance(told, Reply)
    assert isinstance(told.body, RequirementsView)
    assert (told.body.currently_due, told.body.gate.open) == ((), True)
    assert told.body.current_deadline == office.partner(partner_id).rereview_due_at == office.now + timedelta(days=14)


async def test_an_application_waits_for_two_approvers(engine: AsyncEngine) -> None:
    subject = f"s-{uuid4()}"
    partner_id = await applied(engine, subject)

    due = await ask(engine, GetRequirements(partner_id=partner_id), person(subject))
    why = await ask(engine, ExplainPartner(partner_id=partner_id), person(subject))

    assert isinstance(due, Reply)
    assert isinstance(due.body, RequirementsView)
    assert [one.code for one in due.body.currently_due] == ["REVIEW_PENDING"]
    assert isinstance(why, Reply)
    assert isinstance(why.body, ExplainView)
    changes = why.body.capabilities["invoice.create"].changes
    assert [change.change for change in changes] == ["approve", "second_approve"]
    assert why.body.policy_version.startswith("2026-11/lenient/2/")
