"""Every refusal of staffing: its code, its order among the others, and that nothing but its event is stored."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.message import Actor, ActorType
from contracts.roles import Role
from contracts.staffing import ActivateBranch, CreateBranch, FreezeBranch, FreezeTenant
from tests.staffing.office import Answer, Office, Shop, new_phone, provision, staff, tenant_named


async def refused(office: Office, shop: Shop, actor: Actor | None = None, **changes: Any) -> Answer:
    """A provisioning that must be refused and leave nothing."""
    before = office.counts()
    answer = await office.tell(provision(shop, **changes), actor or shop.owner)
    assert answer.status >= 400, answer
    assert office.counts() == before
    (event,) = answer.events
    assert (event["type"], event["outcome"], event["reason_code"]) == ("staff.refused", "REJECTED", answer.code)
    assert event["data"] == {"command": "staff.provision", "code": answer.code}
    return answer


EVERYTHING_WRONG: dict[str, Any] = {"phone": "", "display_name": "", "role_key": "KING", "branch_ids": ()}


@pytest.mark.parametrize("who", ["stranger", "owner of another tenant", "user", "subject that is no account"])
async def test_a_tenant_is_not_there_for_who_is_not_its_member(office: Office, shop: Shop, who: str) -> None:
    """S2.21: the same answer as for a tenant that does not exist, whatever else is wrong."""
    other = await office.open_shop()
    issuer = office.settings.staff_issuer
    actor = {
        "stranger": staff(uuid4()),
        "owner of another tenant": other.owner,
        "user": Actor(type=ActorType.USER, issuer=issuer, subject=shop.owner.subject, roles=frozenset(Role)),
        "subject that is no account": Actor(type=ActorType.STAFF, issuer=issuer, subject="owner"),
    }[who]
    nowhere = Shop(uuid4(), shop.owner, "", shop.branches)

    existing = await refused(office, shop, actor)
    wrong = await refused(office, shop, actor, **EVERYTHING_WRONG)
    unknown = await refused(office, nowhere, actor)

    bodies = [{k: v for k, v in a.body.items() if k != "request_id"} for a in (existing, wrong, unknown)]
    assert bodies[0] == bodies[1] == bodies[2]
    assert (existing.status, existing.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize("role_key", ["MANAGER", "CASHIER"])
async def test_only_owner_and_admin_provision(office: Office, shop: Shop, role_key: str) -> None:  # S2.17-20
    clerk = await office.hired(shop, role_key=role_key)
    admin = await office.hired(shop, role_key="ADMIN")

    answer = await refused(office, shop, clerk, **EVERYTHING_WRONG)

    assert (answer.status, answer.code) == (403, "PERMISSION_DENIED")
    assert (await office.tell(provision(shop), admin)).status == 201


async def test_a_revoked_admin_is_a_stranger(office: Office, shop: Shop) -> None:
    admin = await office.hired(shop, role_key="ADMIN")
    with office.tables.connection() as tables:
        tables.execute("UPDATE memberships SET status = 'REVOKED' WHERE account_id = %s", (admin.subject,))

    assert (await refused(office, shop, admin)).code == "NOT_FOUND"


async def test_the_gates_stand_in_their_order(office: Office, shop: Shop) -> None:  # S2.21-25
    frozen, mended = await office.open_shop(), dict(EVERYTHING_WRONG)
    await office.tell(FreezeTenant(tenant_id=frozen.tenant_id), frozen.owner)
    right = {"display_name": "Dara", "phone": new_phone(), "role_key": "CASHIER", "branch_ids": shop.branches}
    codes = []

    assert (await refused(office, frozen, **EVERYTHING_WRONG)).code == "TENANT_NOT_ACTIVE"
    for field, value in right.items():
        codes.append((await refused(office, shop, **mended)).code)
        mended[field] = value

    assert codes == ["DISPLAY_NAME_INVALID", "PHONE_INVALID", "ROLE_KEY_INVALID", "BRANCH_REQUIRED"]
    assert (await office.hire(shop, **mended)).status == 201


@pytest.mark.parametrize(
    "name",
    ["", "   ", "\u200b", "a\u0000b", "two\nlines", "x" * 81, "\u202egnirts"],
    ids=["empty", "blank", "invisible", "NUL", "line break", "81 characters", "reversed"],
)
async def test_a_display_name_is_visible_and_short(office: Office, shop: Shop, name: str) -> None:  # S2.17
    answer = await refused(office, shop, display_name=name)

    assert (answer.status, answer.code) == (422, "DISPLAY_NAME_INVALID")
    assert answer.body["errors"][0]["pointer"] == "/display_name"


async def test_a_display_name_is_kept_in_nfc(office: Office, shop: Shop) -> None:  # S2.17
    answer = await office.hire(shop, display_name="  Rene\u0301 " + "x" * 75)

    assert answer.body["profile"]["display_name"] == "Ren\u00e9 " + "x" * 75


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        ("", "empty"),
        (" \t ", "empty"),
        ("call me", "not_a_number"),
        ("012 FLOWERS", "not_a_number"),
        ("+855 96 123 4567 ext. 3", "not_a_number"),
        ("012", "too_short"),
        ("+855 96 123 4567 890 123", "too_long"),
        ("+999 123 456 78", "invalid_for_region"),
        ("1900 123 456", "not_mobile"),
        ("+44 20 7946 0958", "not_mobile"),
    ],
)
async def test_a_phone_is_refused_with_its_reason(office: Office, shop: Shop, phone: str, reason: str) -> None:
    answer = await refused(office, shop, phone=phone)  # S2.26

    assert (answer.status, answer.code, answer.body["reasons"]) == (422, "PHONE_INVALID", [reason])
    assert (answer.body["errors"][0]["pointer"], answer.body["errors"][0]["code"]) == ("/phone", reason)


@pytest.mark.parametrize("role_key", ["", "OWNER", "admin", "KING"])
async def test_a_role_is_of_the_registry(office: Office, shop: Shop, role_key: str) -> None:  # S2.20
    answer = await refused(office, shop, role_key=role_key)

    assert (answer.status, answer.code) == (422, "ROLE_KEY_INVALID")
    assert answer.body["existing"] == {"role_keys": ["ADMIN", "CASHIER", "MANAGER"]}


async def test_nobody_grants_above_their_own_level(office: Office, shop: Shop) -> None:  # P3
    admin = await office.hired(shop, role_key="ADMIN")
    with office.tables.connection() as tables:
        tables.execute("INSERT INTO tenant_roles VALUES (%s, 'DIRECTOR', 90, '{}')", (shop.tenant_id,))

    answer = await refused(office, shop, admin, role_key="DIRECTOR", branch_ids=())

    assert (answer.status, answer.code) == (403, "ROLE_CEILING_EXCEEDED")
    assert (await office.tell(provision(shop, role_key="ADMIN"), admin)).status == 201
    assert (await office.hire(shop, role_key="DIRECTOR")).status == 201


async def test_at_least_one_branch(office: Office, shop: Shop) -> None:  # S2.20
    answer = await refused(office, shop, branch_ids=())

    assert (answer.status, answer.code) == (422, "BRANCH_REQUIRED")


async def test_a_tenant_without_a_branch_takes_nobody_in(office: Office) -> None:  # S2.52
    opened = await office.tell(tenant_named("Kiosk", phone := new_phone()), office.root)
    owner = staff(opened.data("tenant.created")["owner_account_id"])
    shop = Shop(UUID(opened.body["id"]), owner, phone, (uuid4(), uuid4()))
    elsewhere = await office.open_shop()

    unknown = await refused(office, shop)
    foreign = await refused(office, shop, branch_ids=elsewhere.branches)
    empty = await refused(office, shop, branch_ids=())
    first = await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="Riverside"), owner)

    assert {(answer.status, answer.code) for answer in (unknown, foreign)} == {(409, "TENANT_HAS_NO_BRANCHES")}
    assert (empty.status, empty.code) == (422, "BRANCH_REQUIRED")
    assert (await office.hire(shop, branch_ids=(UUID(first.body["id"]),))).status == 201
    assert (await refused(office, shop)).code == "BRANCH_NOT_FOUND"


async def test_all_bad_branches_are_listed_in_the_order_of_the_request(office: Office, shop: Shop) -> None:
    """S2.23-25: another tenant's branch is as unknown as one that never was."""
    other, never = await office.open_shop(), uuid4()
    one, two = shop.branches
    await office.tell_all(
        (FreezeBranch(tenant_id=shop.tenant_id, branch_id=one), shop.owner),
        (FreezeBranch(tenant_id=shop.tenant_id, branch_id=two), shop.owner),
    )
    third = await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="Third"), shop.owner)

    frozen = await refused(office, shop, branch_ids=(two, UUID(third.body["id"]), one))
    mixed = await refused(office, shop, branch_ids=(other.branches[0], two, never, two))

    assert (frozen.status, frozen.code) == (409, "BRANCH_NOT_ACTIVE")
    assert frozen.body["existing"]["branches"] == [
        {"branch_id": str(two), "status": "FROZEN"},
        {"branch_id": str(one), "status": "FROZEN"},
    ]
    assert [error["pointer"] for error in frozen.body["errors"]] == ["/branch_ids/0", "/branch_ids/2"]
    assert (mixed.status, mixed.code) == (422, "BRANCH_NOT_FOUND")
    assert [(e["pointer"], e["code"]) for e in mixed.body["errors"]] == [
        ("/branch_ids/0", "BRANCH_NOT_FOUND"),
        ("/branch_ids/1", "BRANCH_NOT_ACTIVE"),
        ("/branch_ids/2", "BRANCH_NOT_FOUND"),
    ]


async def test_tenants_that_share_a_batch_do_not_share_branches(office: Office, shop: Shop) -> None:
    other = await office.open_shop()

    theirs, ours, freeze = await office.tell_all(
        (provision(other), other.owner),
        (provision(shop, branch_ids=other.branches), shop.owner),
        (FreezeBranch(tenant_id=shop.tenant_id, branch_id=other.branches[0]), shop.owner),
    )

    assert (theirs.status, ours.code, ours.status) == (201, "BRANCH_NOT_FOUND", 422)
    assert (freeze.code, freeze.status) == ("BRANCH_NOT_FOUND", 404)


async def test_a_branch_that_is_active_again_is_granted(office: Office, shop: Shop) -> None:
    branch = {"tenant_id": shop.tenant_id, "branch_id": shop.branches[0]}
    await office.tell(FreezeBranch(**branch), shop.owner)
    assert (await refused(office, shop)).code == "BRANCH_NOT_ACTIVE"

    await office.tell(ActivateBranch(**branch), shop.owner)

    assert (await office.hire(shop)).status == 201


async def test_who_may_not_is_not_looked_up_either(office: Office, shop: Shop) -> None:
    """S2.21: the statements of a refused stranger name no phone and no branch."""
    seen: list[str] = []

    with office.statements(seen):
        await office.tell(provision(shop, phone=shop.owner_phone), staff(uuid4()))
    refused_at = " ".join(seen)
    seen.clear()
    with office.statements(seen):
        await office.tell(provision(shop, phone=shop.owner_phone), shop.owner)

    assert "FROM accounts" not in refused_at
    assert "FROM branches" not in refused_at
    assert "FROM accounts" in " ".join(seen)
    assert "FROM branches" in " ".join(seen)
