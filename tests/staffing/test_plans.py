"""`dry_run=true`: a plan is what the call then does, refusals included, and holds while nothing it saw has moved."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.access import DefineRole, RemoveRole
from contracts.message import Actor, Context
from contracts.provisioning import PlanStaff, ProvisionStaff
from contracts.staff_changes import ChangeKind, ChangeRole, RemoveBranch, ReplaceBranches, RevokeStaff
from contracts.staffing import FreezeBranch, FreezeTenant, MembershipKind, SetQuotas, TenantCommand
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.replies import to_json
from services.staffing.credentials.caps import OtpLimits
from services.staffing.provisioning.plan_query import PlanQuestions
from services.wire.allowlist import Allowlist
from tests.staffing.office import STAFF_ISSUER, Answer, Office, Shop, new_phone, provision, staff

TELLING = ("membership.", "staff.", "branch_access.")
"""Events of the tenant; those of an identity would tell whether the phone was known."""


class Planner:
    """Asks what a call would do, as one person."""

    def __init__(self, office: Office, engine: AsyncEngine) -> None:
        allowlist = Allowlist(office.settings.oidc_issuer, "", office.settings.root_admin_subjects_file)
        self.office, self._engine = office, engine
        limits = OtpLimits.of(office.settings)
        self._plan = PlanQuestions(allowlist, STAFF_ISSUER, office.otp, limits, office.master).handlers()[PlanStaff]

    async def ask(self, command: ProvisionStaff, actor: Actor) -> Outcome:
        query = PlanStaff.model_validate(command.model_dump(exclude={"plan"}))
        call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid7(), datetime.now(UTC))
        async with self._engine.connect() as connection:
            return await self._plan(query, call, Read(connection))

    async def plan(self, command: ProvisionStaff, actor: Actor) -> tuple[dict[str, Any], str]:
        """The plan and its ETag."""
        outcome = await self.ask(command, actor)
        assert isinstance(outcome, Reply), outcome
        assert outcome.etag
        return orjson.loads(to_json(outcome.body)), outcome.etag


@pytest.fixture
def planner(office: Office, engine: AsyncEngine) -> Planner:
    return Planner(office, engine)


def applying(command: ProvisionStaff, etag: str) -> ProvisionStaff:
    return command.model_copy(update={"plan": etag})


def told(answer: Answer, known: set[str]) -> list[dict[str, Any]]:
    """What was emitted in the tenant, as a plan would tell it: without new ids, without what is sealed."""
    ids = ("account_id", "membership_id", "assignment_id")
    sealed = ("display_name", "previous_display_name")
    return [
        {
            "type": e["type"],
            "data": {k: v for k, v in e["data"].items() if k not in sealed and (k not in ids or v in known)},
        }
        for e in answer.events
        if e["type"].startswith(TELLING)
    ]


def ids_in(office: Office, shop: Shop) -> set[str]:
    """Every id of a person, membership or assignment that this tenant has."""
    people = "SELECT unnest(ARRAY[id, account_id]) AS id FROM memberships WHERE tenant_id = %s"
    rows = office.tables.rows(people, shop.tenant_id)
    rows += office.tables.rows("SELECT id FROM branch_assignments WHERE tenant_id = %s", shop.tenant_id)
    return {str(row["id"]) for row in rows}


def revoke(shop: Shop, account: str, version: int) -> RevokeStaff:
    return RevokeStaff(tenant_id=shop.tenant_id, account_id=UUID(account), expected_version=version)


async def test_a_plan_tells_what_the_call_then_does(office: Office, shop: Shop, planner: Planner) -> None:
    command = provision(shop)
    before = office.counts()

    plan, etag = await planner.plan(command, shop.owner)

    assert office.counts() == before
    named = {"tenant_id": str(shop.tenant_id)}
    role = {"membership_kind": "MEMBER", "role_key": "CASHIER"}
    branches = [str(branch) for branch in shop.branches]
    grants = [{**named, "branch_id": branch, "reason": "staff created"} for branch in branches]
    assert plan == {
        "status": 201,
        "outcome": "created",
        "events": [
            {"type": "membership.granted", "data": {**named, **role}},
            {"type": "staff.provisioned", "data": {**named, **role, "branch_ids": branches, "outcome": "created"}},
            *({"type": "branch_access.granted", "data": grant} for grant in grants),
        ],
    }
    done = await office.tell(applying(command, etag), shop.owner)
    assert (done.status, told(done, set())) == (plan["status"], plan["events"])


@pytest.mark.parametrize("count", [60, pytest.param(500, marks=pytest.mark.faults)])
async def test_random_plans_equal_the_events_that_follow(
    office: Office, shop: Shop, planner: Planner, count: int
) -> None:
    """Few people and much to do with them, so that every cell of the decision table comes up."""
    draw, outcomes = random.Random(count), list[str]()  # noqa: S311
    elsewhere = await office.open_shop()
    phones = [new_phone() for _ in range(5)]
    for phone in phones[:2]:
        await office.hire(elsewhere, phone=phone)

    for _ in range(count):
        command = provision(
            shop,
            phone=draw.choice([*phones, shop.owner_phone, new_phone(), "12"]),
            display_name=draw.choice(["Dara", "Bopha"]),
            role_key=draw.choice(["CASHIER", "CASHIER", "MANAGER"]),
            branch_ids=draw.sample([*shop.branches], draw.choice([1, 2, 2])),
            if_exists=draw.choice(["refuse", "update"]),
            notify=draw.choice(["none", "sms"]),
        )
        known = ids_in(office, shop)

        planned = await planner.ask(command, shop.owner)
        done = await office.tell(command, shop.owner)

        if isinstance(planned, Refusal):
            assert done.code == planned.code
            outcomes.append(planned.code)
            continue
        plan = orjson.loads(to_json(planned.body))
        assert (done.status, done.body["outcome"], told(done, known)) == tuple(plan.values())
        outcomes.append(plan["outcome"])
        if draw.random() < 0.15:
            await office.tell(revoke(shop, done.body["account_id"], done.body["version"]), shop.owner)

    expected = {"created", "unchanged", "updated", "reactivated", "STAFF_ALREADY_EXISTS"}
    assert expected | {"CANNOT_DEMOTE_OWNER_ROLE", "PHONE_INVALID"} <= set(outcomes)


@pytest.mark.parametrize(
    "changes",
    [{"phone": "12"}, {"display_name": ""}, {"role_key": "KING"}, {"branch_ids": ()}, {"branch_ids": (uuid4(),)}],
    ids=["phone", "name", "role", "no branch", "unknown branch"],
)
async def test_a_plan_is_refused_as_the_call_is(
    office: Office, shop: Shop, planner: Planner, changes: dict[str, Any]
) -> None:
    command = provision(shop, **changes)

    planned, done = await planner.ask(command, shop.owner), await office.tell(command, shop.owner)

    assert isinstance(planned, Refusal)
    assert planned.code == done.code
    assert [error.model_dump() for error in planned.extra["errors"]] == done.body["errors"]


async def test_a_plan_is_for_those_who_may_call(office: Office, shop: Shop, planner: Planner) -> None:  # S2.21
    clerk = await office.hired(shop)

    outcomes = [await planner.ask(provision(shop), actor) for actor in (staff(uuid4()), office.root, clerk)]

    assert [o.code for o in outcomes if isinstance(o, Refusal)] == ["NOT_FOUND", "NOT_FOUND", "PERMISSION_DENIED"]


async def test_a_plan_does_not_tell_whether_the_phone_was_known(office: Office, shop: Shop, planner: Planner) -> None:
    """S2.7: the same number, first of nobody, then of somebody elsewhere, then of somebody who can log in."""
    command = provision(shop, notify="sms")
    elsewhere = await office.open_shop()

    of_nobody = await planner.plan(command, shop.owner)
    await office.hire(elsewhere, phone=command.phone, role_key="ADMIN")
    of_somebody = await planner.plan(command, shop.owner)
    await office.activate(command.phone)
    of_active = await planner.plan(command, shop.owner)

    assert of_nobody == of_somebody == of_active


Change = Callable[[Office, Shop, ProvisionStaff], Awaitable[Any]]


async def freeze_branch(office: Office, shop: Shop, _: ProvisionStaff) -> None:
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0]), shop.owner)


async def hire_the_same(office: Office, shop: Shop, command: ProvisionStaff) -> None:
    await office.tell(command, shop.owner)


async def hire_with_other_facts(office: Office, shop: Shop, command: ProvisionStaff) -> None:
    await office.hire(shop, phone=command.phone, role_key="ADMIN")


async def fill_the_tenant(office: Office, shop: Shop, _: ProvisionStaff) -> None:
    await office.tell(SetQuotas(tenant_id=shop.tenant_id, staff=1, branches=9, role_keys=9), office.root)


async def remove_the_role(office: Office, shop: Shop, command: ProvisionStaff) -> None:
    gone = await office.tell(RemoveRole(tenant_id=shop.tenant_id, role_key=command.role_key), shop.owner)
    assert gone.status == 204


@pytest.mark.parametrize(
    "change",
    [freeze_branch, hire_the_same, hire_with_other_facts, fill_the_tenant, remove_the_role],
)
async def test_a_plan_is_stale_after_every_kind_of_change(
    office: Office, shop: Shop, planner: Planner, change: Change
) -> None:
    command = provision(shop)
    _, etag = await planner.plan(command, shop.owner)
    await change(office, shop, command)
    before = office.counts()

    refused = await office.tell(applying(command, etag), shop.owner)

    assert (refused.status, refused.code) == (412, "PRECONDITION_FAILED")
    assert office.counts() == before
    assert refused.told == ["staff.refused"]


@pytest.mark.parametrize(
    "changes",
    [
        {"phone": "+4915201234567"},
        {"display_name": "Dara C."},
        {"role_key": "MANAGER"},
        {"branch_ids": "one"},
        {"if_exists": "update"},
        {"notify": "sms"},
    ],
    ids="".join,
)
async def test_a_plan_is_for_the_call_that_it_was_made_for(
    office: Office, shop: Shop, planner: Planner, changes: dict[str, Any]
) -> None:
    command = provision(shop)
    _, etag = await planner.plan(command, shop.owner)
    if changes.get("branch_ids"):
        changes = {"branch_ids": shop.branches[:1]}

    other = ProvisionStaff.model_validate(command.model_dump() | changes | {"plan": etag})

    assert (await office.tell(other, shop.owner)).code == "PRECONDITION_FAILED"


def member(shop: Shop, person: Answer) -> dict[str, Any]:
    """Whom a change is about, and the version that was seen."""
    seen = {"account_id": UUID(person.body["account_id"]), "expected_version": person.body["version"]}
    return {"tenant_id": shop.tenant_id, **seen}


PERSON = new_phone()
CHANGES: dict[str, Callable[[Shop, Answer], TenantCommand]] = {
    "role": lambda shop, person: ChangeRole(**member(shop, person), role_key="CASHIER"),
    "kind": lambda shop, person: ChangeKind(**member(shop, person), kind=MembershipKind.OWNER),
    "fewer branches": lambda shop, person: RemoveBranch(**member(shop, person), branch_id=shop.branches[0]),
    "other branches": lambda shop, person: ReplaceBranches(**member(shop, person), branch_ids=shop.branches[:1]),
    "revoked": lambda shop, person: RevokeStaff(**member(shop, person)),
    "name": lambda shop, _: provision(shop, phone=PERSON, role_key="MANAGER", display_name="D.", if_exists="update"),
    "role definition": lambda shop, _: DefineRole(
        tenant_id=shop.tenant_id, role_key="MANAGER", level=50, permissions=("branch.work", "sale.refund")
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_plan_for_somebody_is_stale_after_every_change_of_theirs(
    office: Office, shop: Shop, planner: Planner, change: str
) -> None:
    person = await office.hire(shop, phone=PERSON, role_key="MANAGER")
    command = provision(shop, phone=PERSON, role_key="MANAGER", display_name="Dara C.", if_exists="update")
    _, etag = await planner.plan(command, shop.owner)
    changed = await office.tell(CHANGES[change](shop, person), shop.owner)
    assert changed.status < 300, changed

    refused = await office.tell(applying(command, etag), shop.owner)

    assert (refused.status, refused.code) == (412, "PRECONDITION_FAILED")


async def test_a_plan_is_stale_when_the_person_moved_and_moved_back(
    office: Office, shop: Shop, planner: Planner
) -> None:
    """The version counts on, so what was seen is not what is there."""
    phone = new_phone()
    person = await office.hire(shop, phone=phone)
    command = provision(shop, phone=phone, display_name="Dara C.", if_exists="update")
    _, etag = await planner.plan(command, shop.owner)
    there = await office.tell(ChangeRole(**member(shop, person), role_key="MANAGER"), shop.owner)
    back = await office.tell(ChangeRole(**member(shop, there), role_key="CASHIER"), shop.owner)

    assert back.body["membership"] == person.body["membership"]
    assert (await office.tell(applying(command, etag), shop.owner)).code == "PRECONDITION_FAILED"


async def test_what_others_do_elsewhere_leaves_a_plan_alone(office: Office, shop: Shop, planner: Planner) -> None:
    command = provision(shop)
    plan, etag = await planner.plan(command, shop.owner)
    elsewhere = await office.open_shop()
    await office.hire(elsewhere, phone=command.phone)
    await office.hire(shop)

    done = await office.tell(applying(command, etag), shop.owner)

    assert (done.status, told(done, set())) == (201, plan["events"])


async def test_a_plan_that_fails_leaves_its_batch_as_it_was(office: Office, shop: Shop, planner: Planner) -> None:
    """What the failing call tried out is no one's: the next command of the batch counts from where it stood."""
    phone = new_phone()
    elsewhere = await office.open_shop()
    await office.hire(elsewhere, phone=phone)
    stale = provision(shop, phone=phone, notify="sms", plan=f'"{"0" * 64}"')

    refused, hired = await office.tell_all(
        (stale, shop.owner), (provision(shop, phone=phone, notify="sms"), shop.owner)
    )

    assert (refused.code, hired.status, hired.etag) == ("PRECONDITION_FAILED", 201, '"4"')
    assert [e["aggregate_version"] for e in hired.events if e["aggregate_type"] == "account"] == [2]


async def test_authorization_goes_before_the_plan(office: Office, shop: Shop) -> None:
    stale = provision(shop, plan=f'"{"0" * 64}"')
    frozen = await office.open_shop()
    await office.tell(FreezeTenant(tenant_id=frozen.tenant_id), frozen.owner)

    assert (await office.tell(stale, staff(uuid4()))).code == "NOT_FOUND"
    assert (await office.tell(provision(frozen, plan=stale.plan), frozen.owner)).code == "TENANT_NOT_ACTIVE"
