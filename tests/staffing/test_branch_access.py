"""Branch verbs: add never takes away, replace says what it takes, remove takes one; an event for each (P6)."""

from typing import Any
from uuid import UUID, uuid4

from contracts.message import Actor
from contracts.staff_changes import AddBranches, RemoveBranch, ReplaceBranches
from contracts.staffing import CreateBranch, FreezeBranch
from tests.staffing.office import Answer, Office, Shop
from tests.staffing.test_memberships import hired, revoke


async def change(
    office: Office, shop: Shop, kind: type[AddBranches | ReplaceBranches], person: tuple[UUID, int], *branches: UUID
) -> Answer:
    account, version = person
    command = kind(
        tenant_id=shop.tenant_id, account_id=account, expected_version=version, branch_ids=branches, reason="a shift"
    )
    return await office.tell(command, shop.owner)


async def remove(
    office: Office, shop: Shop, person: tuple[UUID, int], branch: UUID, actor: Actor | None = None
) -> Answer:
    account, version = person
    command = RemoveBranch(tenant_id=shop.tenant_id, account_id=account, expected_version=version, branch_id=branch)
    return await office.tell(command, actor or shop.owner)


async def third_branch(office: Office, shop: Shop) -> UUID:
    opened = await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="Airport"), shop.owner)
    return UUID(opened.body["id"])


def names(answer: Answer) -> list[str]:
    return [branch["branch_id"] for branch in answer.body["branches"]]


def diff(added: list[UUID], removed: list[UUID]) -> dict[str, Any]:
    return {"added": sorted(map(str, added)), "removed": sorted(map(str, removed))}


async def test_add_leaves_what_is_there(office: Office, shop: Shop) -> None:
    first, second = shop.branches
    person = await hired(office, shop, branch_ids=(first,))

    answer = await change(office, shop, AddBranches, person, first, second, second)

    assert (answer.status, answer.told) == (200, ["branch_access.granted"])
    assert names(answer) == [str(first), str(second)]
    assert answer.body["diff"] == diff([second], [])
    told = answer.data("branch_access.granted")
    assert (told["branch_id"], told["reason"]) == (str(second), "a shift")
    (row,) = office.tables.rows("SELECT * FROM branch_assignments WHERE id = %s", UUID(told["assignment_id"]))
    assert (row["assigned_by"], row["reason"], row["status"]) == (shop.owner.subject, "a shift", "ACTIVE")


async def test_adding_what_is_there_changes_nothing(office: Office, shop: Shop) -> None:
    person = await hired(office, shop)

    answer = await change(office, shop, AddBranches, person, *shop.branches)

    assert (answer.status, answer.told, answer.etag) == (200, [], f'"{person[1]}"')
    assert answer.body["diff"] == diff([], [])


async def test_replace_takes_and_gives_with_an_event_for_each(office: Office, shop: Shop) -> None:
    first, second = shop.branches
    third = await third_branch(office, shop)
    person = await hired(office, shop)

    answer = await change(office, shop, ReplaceBranches, person, second, third)

    assert answer.told == ["branch_access.removed", "branch_access.granted"]
    assert names(answer) == [str(second), str(third)]
    assert answer.body["diff"] == diff([third], [first])
    removed = UUID(answer.data("branch_access.removed")["assignment_id"])
    (row,) = office.tables.rows("SELECT * FROM branch_assignments WHERE id = %s", removed)
    assert (row["status"], row["removed_at"] is not None) == ("REMOVED", True)


async def test_replace_by_nothing_takes_all(office: Office, shop: Shop) -> None:
    person = await hired(office, shop)

    answer = await change(office, shop, ReplaceBranches, person)

    assert answer.told == ["branch_access.removed"] * 2
    assert names(answer) == []


async def test_remove_takes_one_and_the_next_time_nothing(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)

    answer = await remove(office, shop, (account, version), shop.branches[0])

    assert (answer.status, answer.told) == (200, ["branch_access.removed"])
    assert names(answer) == [str(shop.branches[1])]
    again = await remove(office, shop, (account, version + 1), shop.branches[0])
    assert (again.status, again.told) == (200, [])


async def test_gone_and_given_again_is_another_assignment(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)
    first = shop.branches[0]

    named: dict[str, Any] = {"tenant_id": shop.tenant_id, "account_id": account}
    out = RemoveBranch(**named, expected_version=version, branch_id=first)
    back_in = AddBranches(**named, expected_version=version + 1, branch_ids=(first,))

    gone, back = await office.tell_all((out, shop.owner), (back_in, shop.owner))

    assert (gone.status, back.status) == (200, 200)
    removed, granted = gone.data("branch_access.removed"), back.data("branch_access.granted")
    assert removed["assignment_id"] != granted["assignment_id"]
    rows = "SELECT status FROM branch_assignments WHERE account_id = %s AND branch_id = %s ORDER BY id"
    assert [row["status"] for row in office.tables.rows(rows, account, first)] == ["REMOVED", "ACTIVE"]


async def test_all_bad_branches_are_listed_in_the_order_of_the_request(office: Office, shop: Shop) -> None:
    first, second = shop.branches
    person = await hired(office, shop, branch_ids=(first,))
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=second), shop.owner)
    never = uuid4()

    for verb in (AddBranches, ReplaceBranches):
        answer = await change(office, shop, verb, person, never, second)

        assert (answer.status, answer.code) == (422, "BRANCH_NOT_FOUND")
        listed = [(bad["branch_id"], bad["status"]) for bad in answer.body["existing"]["branches"]]
        assert listed == [(str(never), "UNKNOWN"), (str(second), "FROZEN")]
    frozen = await change(office, shop, AddBranches, person, second)
    assert (frozen.status, frozen.code) == (409, "BRANCH_NOT_ACTIVE")
    assert (await change(office, shop, AddBranches, person)).code == "BRANCH_REQUIRED"


async def test_a_frozen_branch_stays_with_those_who_have_it(office: Office, shop: Shop) -> None:  # S2.14
    first, second = shop.branches
    person = await hired(office, shop)
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=second), shop.owner)

    answer = await change(office, shop, ReplaceBranches, person, second)

    assert (answer.status, names(answer)) == (200, [str(second)])
    assert answer.body["diff"] == diff([], [first])


async def test_the_gates_are_those_of_every_change(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)
    manager = await office.hired(shop, role_key="MANAGER")
    elsewhere = await office.open_shop()

    assert (await remove(office, shop, (account, version), shop.branches[0], manager)).code == "PERMISSION_DENIED"
    assert (await remove(office, shop, (uuid4(), version), shop.branches[0])).status == 404
    assert (await remove(office, shop, (account, version - 1), shop.branches[0])).status == 412
    unknown = await remove(office, shop, (account, version), elsewhere.branches[0])
    assert (unknown.status, unknown.code) == (404, "BRANCH_NOT_FOUND")
    await revoke(office, shop, account, version)
    assert (await remove(office, shop, (account, version + 3), shop.branches[0])).code == "MEMBER_REVOKED"
    admin = await office.hired(shop, role_key="ADMIN")
    owner = (UUID(shop.owner.subject), 2)
    assert (await remove(office, shop, owner, shop.branches[0], admin)).code == "ROLE_CEILING_EXCEEDED"
