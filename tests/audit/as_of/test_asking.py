"""Who may ask about the past, how far an answer goes, and that asking is recorded (A13)."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.audit_as_of import (
    AsOf,
    BranchAccessAsOf,
    GetBranchAccessAsOf,
    GetMembershipAsOf,
    GetPartnerAsOf,
    GetRosterAsOf,
    RosterAsOf,
)
from contracts.failures import Code
from contracts.message import Actor, ActorType
from contracts.roles import Role
from services.chassis import Outcome, Refusal, Reply
from tests.audit.as_of.comparing import HANDLERS, record_lives
from tests.audit.as_of.partner_life import PartnerLife
from tests.audit.as_of.telling import versions
from tests.audit.as_of.tenant_life import TenantLife
from tests.audit.asking import AUDITOR, Asking, staff
from tests.audit.ledger import Ledger, event, record

pytestmark = pytest.mark.asyncio
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def code(outcome: Outcome) -> Code | int:
    return outcome.code if isinstance(outcome, Refusal) else outcome.status


async def ask(ledger: Ledger, query: AsOf, actor: Actor = AUDITOR) -> Outcome:
    return await Asking(ledger, actor).ask(query, HANDLERS[type(query)])


async def told(ledger: Ledger, query: AsOf) -> Any:
    outcome = await ask(ledger, query)
    assert isinstance(outcome, Reply), outcome
    return outcome.body


def about(partner: PartnerLife, tenant: TenantLife, as_of: datetime = LATER) -> list[AsOf]:
    """The four questions."""
    return [
        GetPartnerAsOf(partner_id=partner.id, as_of=as_of),
        GetRosterAsOf(partner_id=partner.id, as_of=as_of),
        GetMembershipAsOf(membership_id=next(iter(versions(tenant, "membership"))), as_of=as_of),
        GetBranchAccessAsOf(branch_id=next(iter(versions(tenant, "branch"))), as_of=as_of),
    ]


async def test_the_past_is_for_whoever_may_read_the_log_today(ledger: Ledger) -> None:  # A13
    dice = random.Random(1)  # noqa: S311
    partner, tenant, other = PartnerLife(dice, 3), TenantLife(dice, 0), TenantLife(dice, 0)
    await record_lives(ledger, [partner, tenant, other], dice)
    nobody = Actor(type=ActorType.USER, issuer="https://id.example", subject="eve", roles=frozenset({Role.OPS}))
    root = nobody.model_copy(update={"roles": frozenset({Role.ROOT_ADMIN})})
    people = {"auditor": AUDITOR, "root": root, "owner": tenant.shop.owner, "other": other.shop.owner, "ops": nobody}

    heard = {
        name: [code(await ask(ledger, query, actor)) for query in about(partner, tenant)]
        for name, actor in people.items()
    }

    assert heard == {
        "auditor": [200, 200, 200, 200],
        "root": [200, 200, 200, 200],
        "owner": [Code.NOT_FOUND, Code.NOT_FOUND, 200, 200],
        "other": [Code.NOT_FOUND] * 4,
        "ops": [Code.ROLE_REQUIRED] * 4,
    }


async def test_a_stranger_hears_the_same_of_what_is_there_and_what_is_not(ledger: Ledger) -> None:  # S2.21
    dice = random.Random(2)  # noqa: S311
    partner, tenant = PartnerLife(dice, 0), TenantLife(dice, 0)
    await record_lives(ledger, [partner, tenant], dice)
    stranger = staff(uuid4())

    there = [await ask(ledger, query, stranger) for query in about(partner, tenant)]
    nowhere = [await ask(ledger, named(query, uuid4()), stranger) for query in about(partner, tenant)]

    assert there == nowhere == [Refusal(Code.NOT_FOUND)] * 4


def named(query: AsOf, other: UUID) -> AsOf:
    """The same question about something else."""
    field = next(name for name in type(query).model_fields if name.endswith("_id"))
    return query.model_copy(update={field: other})


async def test_who_owns_the_tenant_no_more_hears_nothing_of_its_past(ledger: Ledger) -> None:
    dice = random.Random(3)  # noqa: S311
    tenant = TenantLife(dice, 0)
    await record_lives(ledger, [tenant], dice)
    [membership] = versions(tenant, "membership")
    question = GetMembershipAsOf(membership_id=membership, as_of=LATER)
    before = await ask(ledger, question, tenant.shop.owner)
    last = tenant.seen["membership", membership, versions(tenant, "membership")[membership]]
    revoked = event(
        last["version"] + 1,
        membership,
        type="membership.revoked",
        aggregate_type="membership",
        data={"left": True, "reason": ""},
    )

    await ledger.take([record(revoked, topic="membership.revoked")])

    assert code(before) == 200
    assert code(await ask(ledger, question, tenant.shop.owner)) is Code.NOT_FOUND


async def test_an_answer_is_final_once_the_log_has_gone_on(ledger: Ledger) -> None:
    dice = random.Random(4)  # noqa: S311
    partner = PartnerLife(dice, 0)
    await record_lives(ledger, [partner], dice)
    newest = ledger.value("SELECT max(recorded_at) FROM events")
    now = GetPartnerAsOf(partner_id=partner.id, as_of=newest)
    later = GetPartnerAsOf(partner_id=partner.id, as_of=newest + timedelta(days=400))

    open_answers = [(await told(ledger, query)).known.final for query in (now, later)]
    await ledger.take([record(event())])
    final_answers = [(await told(ledger, query)).known.final for query in (now, later)]

    assert open_answers == [False, False]
    assert final_answers == [True, False]


async def test_before_anything_was_recorded_nothing_is_there(ledger: Ledger) -> None:
    assert code(await ask(ledger, GetPartnerAsOf(partner_id=uuid4(), as_of=LATER))) is Code.NOT_FOUND


async def test_a_long_roster_comes_in_pages(ledger: Ledger) -> None:
    dice = random.Random(5)  # noqa: S311
    partner = PartnerLife(dice, 40)
    await record_lives(ledger, [partner], dice)
    whole = await told(ledger, GetRosterAsOf(partner_id=partner.id, as_of=LATER, limit=1000))

    question = GetRosterAsOf(partner_id=partner.id, as_of=LATER, limit=3)
    page: RosterAsOf = await told(ledger, question)
    stays = list(page.data)
    while page.has_more:
        page = await told(ledger, question.model_copy(update={"starting_after": stays[-1].number}))
        stays += page.data

    assert len(stays) > 9
    assert tuple(stays) == whole.data


async def test_the_access_to_a_branch_comes_in_pages(ledger: Ledger) -> None:
    dice = random.Random(6)  # noqa: S311
    tenant = TenantLife(dice, 60)
    await record_lives(ledger, [tenant], dice)
    branch = tenant.shop.branches[0]
    whole = await told(ledger, GetBranchAccessAsOf(branch_id=branch, as_of=LATER))

    question = GetBranchAccessAsOf(branch_id=branch, as_of=LATER, limit=1)
    page: BranchAccessAsOf = await told(ledger, question)
    people = list(page.data)
    while page.has_more:
        page = await told(ledger, question.model_copy(update={"starting_after": people[-1].membership_id}))
        people += page.data

    assert len(people) > 1
    assert tuple(people) == whole.data
