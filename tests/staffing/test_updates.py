"""`if_exists=update`: the explicit changes of somebody who is there, each with its own permission and event (S2.34)."""

from typing import Any
from uuid import UUID

import pytest

from contracts.access import Action
from contracts.message import Actor
from services.staffing.tenant import SEEDED_ROLES
from tests.staffing.office import Answer, Office, Shop, new_phone, provision
from tests.staffing.test_bulk import bulk, codes, row


async def updated(office: Office, shop: Shop, actor: Actor | None = None, **changes: Any) -> Answer:
    return await office.tell(provision(shop, if_exists="update", **changes), actor or shop.owner)


async def admin_who_may(office: Office, shop: Shop, *, level: int = 80, without: set[str] | None = None) -> Actor:
    """Somebody with all that an ADMIN may but this."""
    permissions = sorted(SEEDED_ROLES["ADMIN"].permissions - (without or set()))
    with office.tables.connection() as tables:
        role = "INSERT INTO tenant_roles (tenant_id, role_key, level, permissions) VALUES (%s, 'DEPUTY', %s, %s)"
        tables.execute(role, (shop.tenant_id, level, permissions))
    return await office.hired(shop, role_key="DEPUTY")


def standing(office: Office, account: str) -> tuple[str, str, set[UUID]]:
    """Role, name and branches as they are stored."""
    (person,) = office.tables.rows(
        "SELECT role_key, display_name FROM memberships JOIN staff_profiles USING (tenant_id, account_id)"
        " WHERE account_id = %s",
        account,
    )
    branches = "SELECT branch_id FROM branch_assignments WHERE account_id = %s AND status = 'ACTIVE'"
    held = {row["branch_id"] for row in office.tables.rows(branches, account)}
    return person["role_key"], person["display_name"], held


async def test_every_difference_is_changed_with_an_event_of_its_own(office: Office, shop: Shop) -> None:
    phone = new_phone()
    first, second = shop.branches
    hired = await office.hire(shop, phone=phone, branch_ids=[first])
    account = hired.body["account_id"]

    answer = await updated(
        office, shop, phone=phone, role_key="MANAGER", display_name="Dara M.", branch_ids=[second], notify="sms"
    )

    assert (answer.status, answer.body["outcome"], answer.etag) == (200, "updated", '"7"')
    assert answer.told == [
        "membership.role_changed",
        "staff.renamed",
        "branch_access.removed",
        "branch_access.granted",
    ]
    assert answer.data("membership.role_changed")["previous_role_key"] == "CASHIER"
    assert answer.data("branch_access.removed")["branch_id"] == str(first)
    assert answer.data("branch_access.granted")["branch_id"] == str(second)
    assert answer.data("branch_access.granted")["reason"] == "staff updated"
    assert standing(office, account) == ("MANAGER", "Dara M.", {second})
    assert answer.body["notification"] == {"status": "none"}
    assert [branch["branch_id"] for branch in answer.body["branches"]] == [str(second)]


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        ({"role_key": "MANAGER"}, "membership.role_changed"),
        ({"display_name": "Dara M."}, "staff.renamed"),
        ({"branch_ids": "one"}, "branch_access.removed"),
    ],
    ids=["role", "name", "branches"],
)
async def test_only_what_differs_is_changed(office: Office, shop: Shop, changes: dict[str, Any], event: str) -> None:
    phone = new_phone()
    await office.hire(shop, phone=phone)
    if "branch_ids" in changes:
        changes = {"branch_ids": shop.branches[:1]}

    answer = await updated(office, shop, phone=phone, **changes)

    assert (answer.body["outcome"], answer.told) == ("updated", [event])


async def test_the_same_facts_are_left_alone(office: Office, shop: Shop) -> None:  # S2.31
    phone = new_phone()
    await office.hire(shop, phone=phone)
    before = office.counts()

    answer = await updated(office, shop, phone=phone, branch_ids=shop.branches[::-1], notify="sms")

    assert (answer.status, answer.body["outcome"], answer.told) == (200, "unchanged", [])
    assert office.counts() == before


async def test_who_is_not_there_is_created_and_who_was_revoked_comes_back(office: Office, shop: Shop) -> None:
    phone = new_phone()

    created = await updated(office, shop, phone=phone)
    with office.tables.connection() as tables:
        profile = "UPDATE staff_profiles SET status = 'REVOKED', revoked_at = now() WHERE account_id = %s"
        tables.execute(profile, (created.body["account_id"],))
        tables.execute("UPDATE memberships SET status = 'REVOKED' WHERE account_id = %s", (created.body["account_id"],))
        taken = "UPDATE branch_assignments SET status = 'REMOVED', removed_at = now() WHERE account_id = %s"
        tables.execute(taken, (created.body["account_id"],))
    back = await updated(office, shop, phone=phone)

    assert (created.status, created.body["outcome"]) == (201, "created")
    assert (back.status, back.body["outcome"]) == (200, "reactivated")


async def test_an_owner_is_not_updated_either(office: Office, shop: Shop) -> None:  # S2.32
    refused = await updated(office, shop, phone=shop.owner_phone)

    assert (refused.status, refused.code) == (409, "CANNOT_DEMOTE_OWNER_ROLE")
    assert standing(office, shop.owner.subject) == ("ADMIN", "Sokha Owner", set())


PERMISSIONS = [
    (Action.STAFF_CHANGE_ROLE, {"role_key": "MANAGER"}),
    (Action.BRANCH_ACCESS_CHANGE, {"branch_ids": "one"}),
]


@pytest.mark.parametrize(("missing", "changes"), PERMISSIONS, ids=["role", "branches"])
async def test_each_change_needs_its_own_permission(
    office: Office, shop: Shop, missing: str, changes: dict[str, Any]
) -> None:
    """Whoever lacks one is refused as a whole, the changes they may make included; a name needs none of the two."""
    deputy, phone = await admin_who_may(office, shop, without={missing}), new_phone()
    hired = await office.hire(shop, phone=phone)
    if "branch_ids" in changes:
        changes = {"branch_ids": shop.branches[:1]}
    before = standing(office, hired.body["account_id"])

    refused = await updated(office, shop, deputy, phone=phone, display_name="Dara M.", **changes)

    assert (refused.status, refused.code, refused.told) == (403, "PERMISSION_DENIED", ["staff.refused"])
    assert standing(office, hired.body["account_id"]) == before
    assert (await updated(office, shop, deputy, phone=phone, display_name="Dara M.")).told == ["staff.renamed"]


@pytest.mark.parametrize(
    ("target", "wanted", "code"),
    [
        ("MANAGER", "CASHIER", None),
        ("CASHIER", "DEPUTY", None),
        ("CASHIER", "ADMIN", "ROLE_CEILING_EXCEEDED"),
        ("ADMIN", "CASHIER", "ROLE_CEILING_EXCEEDED"),
        ("ADMIN", "ADMIN", "ROLE_CEILING_EXCEEDED"),
    ],
)
async def test_nobody_changes_from_or_to_above_their_own_level(
    office: Office, shop: Shop, target: str, wanted: str, code: str | None
) -> None:  # P3
    deputy, phone = await admin_who_may(office, shop, level=60), new_phone()
    hired = await office.hire(shop, phone=phone, role_key=target)

    answer = await updated(office, shop, deputy, phone=phone, role_key=wanted, display_name="Dara M.")

    assert answer.code == code
    after = (target, "Dara Cashier") if code else (wanted, "Dara M.")
    assert standing(office, hired.body["account_id"])[:2] == after


async def test_a_bulk_updates_too(office: Office, shop: Shop) -> None:
    phone = new_phone()
    await office.hire(shop, phone=phone)
    asked = row(shop, phone=phone, role_key="MANAGER", display_name="Dara Cashier")

    answer = await office.tell(bulk(shop, [asked], "atomic", "update"), shop.owner)
    again = await office.tell(bulk(shop, [asked], "atomic", "update"), shop.owner)

    assert (codes(answer), answer.body["created"]) == ([200], 0)
    assert answer.body["results"][0]["outcome"] == "updated"
    assert answer.told == ["membership.role_changed"]
    assert (again.body, again.told) == (answer.body, [])
