"""Where do I belong: every tenant one is or was a member of, in three statements for any number (P11)."""

from uuid import UUID

import pytest

from contracts.access import ListMyMemberships
from contracts.staffing import FreezeBranch, FreezeTenant
from tests.staffing.asking import Changes, Desk, body, code, end_session, logged_in
from tests.staffing.office import Office, Shop, new_phone


async def test_every_tenant_is_listed_with_the_branches_one_has_there_now(
    office: Office, shop: Shop, desk: Desk
) -> None:
    phone, left = new_phone(), await office.open_shop()
    person = await office.hired(shop, phone=phone, role_key="MANAGER")
    await office.hired(left, phone=phone)
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[1]), shop.owner)
    await office.tell(FreezeTenant(tenant_id=left.tenant_id), left.owner)
    await Changes(office, left).end_membership(person)

    mine = body(await desk.ask(ListMyMemberships(), person))

    here, there = mine.data
    assert (here.tenant_id, here.tenant_name, here.tenant_status) == (shop.tenant_id, "Café Central", "ACTIVE")
    assert (here.kind, here.role_key, here.status) == ("MEMBER", "MANAGER", "ACTIVE")
    assert [(b.branch_id, b.name, b.status) for b in here.branches] == [
        (shop.branches[0], "Riverside", "ACTIVE"),
        (shop.branches[1], "Old Market", "FROZEN"),
    ]
    assert (there.tenant_id, there.tenant_status, there.status, there.branches) == (
        left.tenant_id,
        "FROZEN",
        "REVOKED",
        (),
    )
    assert not mine.has_more


async def test_only_staff_with_a_session_that_is_alive_may_ask(office: Office, shop: Shop, desk: Desk) -> None:
    owner = await logged_in(office, shop.owner_phone)
    assert [m.kind for m in body(await desk.ask(ListMyMemberships(), owner)).data] == ["OWNER"]

    end_session(office, owner)

    assert code(await desk.ask(ListMyMemberships(), owner)) == "TOKEN_INVALID"
    assert code(await desk.ask(ListMyMemberships(), office.root)) == "PERMISSION_DENIED"


@pytest.mark.parametrize("tenants", [1, 6])
async def test_it_costs_the_same_statements_for_one_and_for_many(
    office: Office, shop: Shop, desk: Desk, tenants: int
) -> None:
    phone, shops = new_phone(), [shop, *[await office.open_shop() for _ in range(tenants - 1)]]
    people = [await office.hired(each, phone=phone) for each in shops]
    seen: list[str] = []

    with office.statements(seen):
        mine = body(await desk.ask(ListMyMemberships(), people[0]))

    assert [m.tenant_id for m in mine.data] == [each.tenant_id for each in shops]
    assert {UUID(str(b.branch_id)) for m in mine.data for b in m.branches} == {b for s in shops for b in s.branches}
    assert len(seen) == 3
