"""Quotas are data (P15): what is over them is refused, a repeat costs nothing, and counters are true."""

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from contracts.access import DefineRole, RemoveRole
from contracts.message import Actor, ActorType, Context
from contracts.provisioning import BulkMode, BulkProvision
from contracts.roles import Role
from contracts.staff_changes import LeaveTenant, RevokeStaff
from contracts.staffing import CreateBranch, FreezeTenant, GetQuotas, SetQuotas
from services.chassis import Call, Read, Refusal, Reply
from services.staffing.queries import Questions
from tests.staffing.office import STAFF_ISSUER, Answer, Office, Shop, new_phone, provision, staff


async def limited(office: Office, shop: Shop, **limits: int) -> Answer:
    wanted = {"staff": 1_000, "branches": 1_000, "role_keys": 1_000} | limits
    return await office.tell(SetQuotas(tenant_id=shop.tenant_id, **wanted), office.root)


def counted(office: Office, shop: Shop) -> tuple[int, int]:
    """Active staff and branches, one by one."""
    people = "SELECT count(*) FROM memberships WHERE tenant_id = %s AND status = 'ACTIVE'"
    branches = "SELECT count(*) FROM branches WHERE tenant_id = %s"
    return office.tables.value(people, shop.tenant_id), office.tables.value(branches, shop.tenant_id)


def kept(office: Office, shop: Shop) -> tuple[int, int]:
    (row,) = office.tables.rows("SELECT staff, branches FROM tenant_usage WHERE tenant_id = %s", shop.tenant_id)
    return row["staff"], row["branches"]


async def read(engine: AsyncEngine, shop: Shop, actor: Actor) -> Any:
    ask = Questions(STAFF_ISSUER).handlers()[GetQuotas]
    async with engine.connect() as connection:
        call = Call(actor, Context(request_id="r", command_id=uuid4()), uuid7(), None)  # type: ignore[arg-type]
        outcome = await ask(GetQuotas(tenant_id=shop.tenant_id), call, Read(connection))
    if isinstance(outcome, Refusal):
        return outcome.code
    assert isinstance(outcome, Reply)
    assert outcome.body
    return outcome.body.model_dump()


async def test_who_is_over_the_quota_is_refused_until_it_is_raised(office: Office, shop: Shop) -> None:
    first, second = provision(shop), provision(shop)
    await limited(office, shop, staff=2)

    assert (await office.tell(first, shop.owner)).status == 201
    refused = await office.tell(second, shop.owner)
    raised = await limited(office, shop, staff=3)

    assert (refused.status, refused.code) == (403, "QUOTA_EXCEEDED")
    assert refused.body["existing"] == {"quota": "staff", "limit": 2, "used": 2}
    assert raised.body["staff"] == {"limit": 3, "used": 2}
    assert (await office.tell(second, shop.owner)).status == 201


async def test_a_quota_of_branches_stops_the_next_branch(office: Office, shop: Shop) -> None:
    opening = CreateBranch(tenant_id=shop.tenant_id, name="Airport")
    await limited(office, shop, branches=2)

    refused = await office.tell(opening, shop.owner)
    await limited(office, shop, branches=3)

    assert (refused.status, refused.code, refused.body["existing"]["used"]) == (403, "QUOTA_EXCEEDED", 2)
    assert (await office.tell(opening, shop.owner)).status == 201


async def test_what_is_answered_again_uses_nothing(office: Office, shop: Shop) -> None:
    hire, command_id = provision(shop), uuid4()
    first = await office.tell(hire, shop.owner, command_id)
    await limited(office, shop, staff=2)

    again = await office.tell(hire, shop.owner, command_id)
    same = await office.tell(hire, shop.owner)

    assert (again.status, again.body) == (201, first.body)
    assert (same.status, same.body["outcome"]) == (200, "unchanged")
    assert kept(office, shop) == (2, 2)


async def test_a_refused_call_uses_nothing(office: Office, shop: Shop) -> None:
    await office.hire(shop, role_key="KING")
    await office.hire(shop, phone=shop.owner_phone)

    assert kept(office, shop) == (1, 2)


@pytest.mark.parametrize("together", [True, False])
async def test_nobody_slips_over_the_quota_in_a_crowd(office: Office, shop: Shop, *, together: bool) -> None:
    await limited(office, shop, staff=6)
    calls = [(provision(shop), shop.owner) for _ in range(20)]

    if together:
        answers = await office.tell_all(*calls)
    else:
        answers = await asyncio.gather(*(office.tell(*call) for call in calls))

    assert Counter(answer.code or answer.status for answer in answers) == {201: 5, "QUOTA_EXCEEDED": 15}
    assert kept(office, shop) == counted(office, shop) == (6, 2)


async def test_the_last_free_place_of_a_bulk_is_the_last(office: Office, shop: Shop) -> None:
    await limited(office, shop, staff=3)
    rows = [
        {"key": f"row-{n}", "phone": new_phone(), "display_name": "Dara", "role_key": "CASHIER",
         "branch_ids": shop.branches}
        for n in range(4)
    ]  # fmt: skip

    for mode, created in ((BulkMode.ATOMIC, None), (BulkMode.PER_ROW, 2)):
        bulk = BulkProvision.model_validate({"tenant_id": shop.tenant_id, "mode": mode, "rows": rows})
        answer = await office.tell(bulk, shop.owner)
        assert (answer.code, answer.body.get("created")) == ("QUOTA_EXCEEDED" if created is None else None, created)

    assert kept(office, shop) == counted(office, shop) == (3, 2)


async def test_who_comes_back_needs_a_place(office: Office, shop: Shop) -> None:
    phone = new_phone()
    hired = await office.hire(shop, phone=phone)
    revoke = RevokeStaff(tenant_id=shop.tenant_id, account_id=UUID(hired.body["account_id"]), expected_version=4)
    await office.tell(revoke, shop.owner)
    freed = kept(office, shop)
    await limited(office, shop, staff=1)

    refused = await office.hire(shop, phone=phone)
    await limited(office, shop, staff=2)

    assert freed == (1, 2)
    assert (refused.status, refused.code) == (403, "QUOTA_EXCEEDED")
    assert (await office.hire(shop, phone=phone)).body["outcome"] == "reactivated"
    assert kept(office, shop) == (2, 2)


async def test_a_quota_of_roles_stops_the_next_role_and_no_change_of_one(office: Office, shop: Shop) -> None:
    await limited(office, shop, role_keys=4)
    barista = DefineRole(tenant_id=shop.tenant_id, role_key="BARISTA", level=10, permissions=("branch.work",))
    waiter = barista.model_copy(update={"role_key": "WAITER"})

    defined, changed, refused = await office.tell_all(
        (barista, shop.owner), (barista.model_copy(update={"level": 20}), shop.owner), (waiter, shop.owner)
    )
    await office.tell(RemoveRole(tenant_id=shop.tenant_id, role_key="BARISTA"), shop.owner)

    assert (defined.status, changed.status) == (201, 200)
    assert (refused.status, refused.code) == (403, "QUOTA_EXCEEDED")
    assert refused.body["existing"] == {"quota": "role_keys", "limit": 4, "used": 4}
    assert (await office.tell(waiter, shop.owner)).status == 201


async def test_counters_equal_a_count_after_random_work(office: Office, shop: Shop) -> None:
    """Hired, refused, hired again, revoked, gone by themselves, in batches that run side by side."""
    draw, phones = random.Random(5), [new_phone() for _ in range(12)]  # noqa: S311
    done: Counter[str] = Counter()

    def something() -> tuple[Any, Actor]:
        people = office.tables.rows(
            "SELECT account_id, version, kind FROM memberships WHERE tenant_id = %s AND status = 'ACTIVE'",
            shop.tenant_id,
        )
        person, chance = draw.choice(people), draw.random()
        if chance < 0.15:
            return CreateBranch(tenant_id=shop.tenant_id, name="Kiosk"), shop.owner
        if chance < 0.35:
            found = {"account_id": person["account_id"], "expected_version": person["version"]}
            return RevokeStaff(tenant_id=shop.tenant_id, **found), shop.owner
        if chance < 0.45:
            return LeaveTenant(tenant_id=shop.tenant_id), staff(person["account_id"])
        if chance < 0.55:
            return FreezeTenant(tenant_id=shop.tenant_id), staff(uuid4())
        role = draw.choice(["CASHIER", "MANAGER", "KING"])
        return provision(shop, phone=draw.choice(phones), role_key=role, if_exists="update"), shop.owner

    for _ in range(10):
        batches = [[something() for _ in range(6)] for _ in range(3)]
        answers = await asyncio.gather(*(office.tell_all(*batch) for batch in batches))

        done.update(kind for batch in answers for answer in batch for kind in answer.told)
        assert kept(office, shop) == counted(office, shop)
    assert min(done[kind] for kind in ("membership.granted", "membership.revoked", "branch.created")) > 5


async def test_a_tenant_that_was_never_counted_is_counted_once(office: Office, shop: Shop) -> None:
    with office.tables.connection() as tables:
        tables.execute("DELETE FROM tenant_usage WHERE tenant_id = %s", (shop.tenant_id,))

    await office.hire(shop)

    assert kept(office, shop) == counted(office, shop) == (2, 2)


async def test_only_an_allowlisted_root_admin_sets_quotas(office: Office, shop: Shop) -> None:
    command = SetQuotas(tenant_id=shop.tenant_id, staff=5, branches=5, role_keys=5)
    impostor = office.root.model_copy(update={"subject": "mallory"})
    user = Actor(type=ActorType.USER, issuer=office.root.issuer, subject="u", roles=frozenset({Role.OPS}))
    nowhere = command.model_copy(update={"tenant_id": uuid4()})

    codes = [(await office.tell(command, actor)).code for actor in (shop.owner, user, impostor)]
    codes.append((await office.tell(nowhere, office.root)).code)
    done, again = await office.tell_all((command, office.root), (command, office.root))

    assert codes == ["ROLE_REQUIRED", "ROLE_REQUIRED", "ROOT_ADMIN_REQUIRED", "NOT_FOUND"]
    assert (done.status, done.told, again.told) == (200, ["tenant.quotas_set"], [])
    limits = {"staff": 5, "branches": 5, "role_keys": 5}
    assert done.data("tenant.quotas_set") == {"tenant_id": str(shop.tenant_id), **limits}
    assert (done.body, again.body) == (again.body, done.body)


async def test_a_limit_below_what_is_used_lets_nothing_in_and_takes_nothing(office: Office, shop: Shop) -> None:
    clerk = await office.hired(shop)

    lowered = await limited(office, shop, staff=0)

    assert lowered.body["staff"] == {"limit": 0, "used": 2}
    assert (await office.hire(shop)).code == "QUOTA_EXCEEDED"
    assert office.tables.value("SELECT status FROM memberships WHERE account_id = %s", UUID(clerk.subject)) == "ACTIVE"


async def test_owners_admins_and_root_admins_read_them(office: Office, shop: Shop, engine: AsyncEngine) -> None:
    clerk, admin = await office.hired(shop), await office.hired(shop, role_key="ADMIN")

    seen = [await read(engine, shop, actor) for actor in (shop.owner, admin, office.root)]
    refused = [await read(engine, shop, actor) for actor in (clerk, staff(uuid4()))]

    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["branches"]["used"] == 2
    assert seen[0]["staff"]["used"] == seen[0]["role_keys"]["used"] == 3
    defaults = office.tables.rows("SELECT staff, branches, role_keys FROM quota_defaults")
    assert [{name: quota["limit"] for name, quota in seen[0].items()}] == defaults
    assert refused == ["PERMISSION_DENIED", "NOT_FOUND"]
