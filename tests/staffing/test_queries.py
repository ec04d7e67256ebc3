"""What owners and admins may read of their tenant; everybody else finds nothing."""

from uuid import UUID, uuid4

import pytest

from contracts.message import Actor, ActorType, Query
from contracts.roles import Role
from contracts.staffing import FreezeBranch, GetStaff, GetTenant, ListBranches, ListStaff
from services.chassis import Reply
from services.chassis.replies import to_json
from tests.staffing.asking import Desk, body, code
from tests.staffing.office import Office, Shop, new_phone, provision, staff


async def test_an_owner_reads_tenant_branches_and_staff(office: Office, shop: Shop, desk: Desk) -> None:
    hired = await office.hire(shop)
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[1]), shop.owner)

    tenant = await desk.ask(GetTenant(tenant_id=shop.tenant_id), shop.owner)
    branches = body(await desk.ask(ListBranches(tenant_id=shop.tenant_id), shop.owner))
    people = body(await desk.ask(ListStaff(tenant_id=shop.tenant_id), shop.owner))

    assert isinstance(tenant, Reply)
    assert (body(tenant).name, tenant.etag) == ("Café Central", '"1"')
    assert [(b.name, b.status, b.version) for b in branches.data] == [
        ("Riverside", "ACTIVE", 1),
        ("Old Market", "FROZEN", 2),
    ]
    assert [(p.membership.kind, p.profile.display_name) for p in people.data] == [
        ("OWNER", "Sokha Owner"),
        ("MEMBER", "Dara Cashier"),
    ]
    assert str(people.data[1].account_id) == hired.body["account_id"]


async def test_a_person_is_read_as_they_were_provisioned(office: Office, shop: Shop, desk: Desk) -> None:
    hired = await office.hire(shop, notify="sms")
    account = UUID(hired.body["account_id"])

    found = await desk.ask(GetStaff(tenant_id=shop.tenant_id, account_id=account), shop.owner)

    assert isinstance(found, Reply)
    assert found.etag == hired.etag
    plain = {**hired.body, "outcome": None}
    assert to_json(body(found)) == to_json(type(body(found)).model_validate(plain, strict=False))


async def test_pages_follow_one_another_and_do_not_move(office: Office, shop: Shop, desk: Desk) -> None:  # P13
    answers = await office.tell_all(*((provision(shop), shop.owner) for _ in range(6)))
    wanted = [shop.owner.subject, *(answer.body["account_id"] for answer in answers)]
    seen: list[str] = []
    query = ListStaff(tenant_id=shop.tenant_id, limit=3)

    while True:
        page = body(await desk.ask(query, shop.owner))
        seen += [str(person.account_id) for person in page.data]
        if not page.has_more:
            break
        await office.hire(shop)
        query = ListStaff(tenant_id=shop.tenant_id, limit=3, starting_after=page.data[-1].account_id)

    assert seen[:7] == wanted
    assert len(seen) == len(set(seen)) == 9


async def test_branches_come_in_pages_too(shop: Shop, desk: Desk) -> None:
    first = body(await desk.ask(ListBranches(tenant_id=shop.tenant_id, limit=1), shop.owner))
    after = ListBranches(tenant_id=shop.tenant_id, limit=1, starting_after=first.data[0].id)
    second = body(await desk.ask(after, shop.owner))

    assert (first.has_more, second.has_more) == (True, False)
    assert [first.data[0].id, second.data[0].id] == list(shop.branches)


async def test_a_cursor_of_nobody_is_not_valid(office: Office, shop: Shop, desk: Desk) -> None:
    elsewhere = await office.open_shop()
    stranger = UUID(elsewhere.owner.subject)

    for account in (uuid4(), stranger):
        query = ListStaff(tenant_id=shop.tenant_id, starting_after=account)
        assert code(await desk.ask(query, shop.owner)) == "CURSOR_INVALID"


@pytest.mark.parametrize("size", [2, 60])
async def test_a_page_costs_the_same_statements_whatever_its_size(
    office: Office, shop: Shop, desk: Desk, size: int
) -> None:  # P11
    await office.tell_all(*((provision(shop, notify="sms"), shop.owner) for _ in range(size)))
    seen: list[str] = []

    with office.statements(seen):
        page = body(await desk.ask(ListStaff(tenant_id=shop.tenant_id, limit=100), shop.owner))

    assert len(page.data) == size + 1
    assert len(seen) == 7


async def test_a_stranger_finds_nothing_and_a_clerk_may_not(office: Office, shop: Shop, desk: Desk) -> None:
    clerk = await office.hired(shop)
    other = await office.open_shop()
    user = Actor(type=ActorType.USER, issuer="https://id.example", subject=shop.owner.subject)
    queries: list[Query] = [
        GetTenant(tenant_id=shop.tenant_id),
        ListBranches(tenant_id=shop.tenant_id),
        ListStaff(tenant_id=shop.tenant_id),
        GetStaff(tenant_id=shop.tenant_id, account_id=UUID(clerk.subject)),
    ]

    for query in queries:
        outcomes = [code(await desk.ask(query, actor)) for actor in (other.owner, staff(uuid4()), user, clerk)]
        assert outcomes == ["NOT_FOUND", "NOT_FOUND", "NOT_FOUND", "PERMISSION_DENIED"]


async def test_a_root_admin_sees_tenants_but_not_their_people(office: Office, shop: Shop, desk: Desk) -> None:
    auditor = office.root.model_copy(update={"roles": frozenset({Role.AUDITOR}), "subject": "auditor"})

    for actor in (office.root, auditor):
        assert body(await desk.ask(GetTenant(tenant_id=shop.tenant_id), actor)).id == shop.tenant_id
        assert code(await desk.ask(GetTenant(tenant_id=uuid4()), actor)) == "NOT_FOUND"
        assert code(await desk.ask(ListStaff(tenant_id=shop.tenant_id), actor)) == "NOT_FOUND"


async def test_a_member_of_another_tenant_is_not_there(office: Office, shop: Shop, desk: Desk) -> None:
    elsewhere = await office.open_shop()
    person = await office.hired(elsewhere, phone=new_phone())

    query = GetStaff(tenant_id=shop.tenant_id, account_id=UUID(person.subject))

    assert code(await desk.ask(query, shop.owner)) == "NOT_FOUND"
