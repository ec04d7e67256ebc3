"""Tenants and branches: who opens, freezes and activates them."""

from uuid import UUID, uuid4

import pytest

from contracts.access import ADMINISTRATION, Action
from contracts.message import Actor, ActorType
from contracts.roles import Role
from contracts.staffing import ActivateBranch, ActivateTenant, CreateBranch, FreezeBranch, FreezeTenant
from tests.staffing.office import Office, Shop, new_phone, provision, staff, tenant_named


async def test_a_tenant_opens_with_its_roles_and_its_owner(office: Office) -> None:
    phone = new_phone()

    answer = await office.tell(tenant_named("Café Central", phone), office.root)

    assert (answer.status, answer.etag, answer.body["status"]) == (201, '"1"', "ACTIVE")
    assert answer.location == f"/api/v1/tenants/{answer.body['id']}"
    roles = {role["role_key"]: (role["level"], role["permissions"]) for role in answer.body["roles"]}
    assert list(roles) == ["ADMIN", "MANAGER", "CASHIER"]
    assert roles["MANAGER"] == (50, ["branch.work"])
    assert roles["CASHIER"] == (10, ["branch.work"])
    assert roles["ADMIN"] == (80, sorted(ADMINISTRATION | {Action.BRANCH_WORK}))
    assert answer.told == ["tenant.created", "identity.provisioned", "membership.granted", "staff.provisioned"]
    granted = answer.data("membership.granted")
    assert (granted["membership_kind"], granted["role_key"]) == ("OWNER", "ADMIN")  # S2.12
    assert granted["account_id"] == answer.data("tenant.created")["owner_account_id"]


async def test_one_person_owns_two_tenants_with_one_identity(office: Office, shop: Shop) -> None:  # S2.7
    answer = await office.tell(tenant_named("Second", shop.owner_phone, display_name="Other Name"), office.root)

    assert answer.data("tenant.created")["owner_account_id"] == shop.owner.subject
    assert "identity.provisioned" not in answer.told
    names = office.tables.rows("SELECT display_name FROM staff_profiles WHERE account_id = %s", shop.owner.subject)
    assert sorted(row["display_name"] for row in names) == ["Other Name", "Sokha Owner"]  # S2.59


async def test_only_allowlisted_root_admins_open_tenants(office: Office) -> None:
    before = office.counts()
    unlisted = office.root.model_copy(update={"subject": "somebody"})
    foreign = office.root.model_copy(update={"issuer": "https://other.example"})
    roleless = office.root.model_copy(update={"roles": frozenset({Role.PARTNER_ADMIN})})

    codes = [(await office.tell(tenant_named("X", new_phone()), actor)).code for actor in (unlisted, foreign, roleless)]

    assert codes == ["ROOT_ADMIN_REQUIRED", "ROOT_ADMIN_REQUIRED", "ROLE_REQUIRED"]
    assert office.counts() == before


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"region": "ZZ"}, "VALIDATION_FAILED", "/region"),
        ({"display_name": "\u200b"}, "DISPLAY_NAME_INVALID", "/owner/display_name"),
        ({"phone": "123"}, "PHONE_INVALID", "/owner/phone"),
    ],
)
async def test_a_tenant_is_refused_for_what_is_wrong(
    office: Office, changes: dict[str, str], code: str, pointer: str
) -> None:
    before = office.counts()

    answer = await office.tell(tenant_named("X", **{"phone": new_phone(), **changes}), office.root)

    assert (answer.status, answer.code, answer.body["errors"][0]["pointer"]) == (422, code, pointer)
    assert office.counts() == before


async def test_a_frozen_tenant_takes_no_change_until_it_is_active_again(office: Office, shop: Shop) -> None:  # S2.22
    frozen = await office.tell(FreezeTenant(tenant_id=shop.tenant_id), shop.owner)
    again = await office.tell(FreezeTenant(tenant_id=shop.tenant_id), shop.owner)
    branch = await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="New"), shop.owner)
    person = await office.hire(shop)
    active = await office.tell(ActivateTenant(tenant_id=shop.tenant_id), office.root)

    assert (frozen.status, frozen.told, frozen.etag) == (200, ["tenant.frozen"], '"2"')
    assert (again.status, again.told, again.etag) == (200, [], '"2"')
    assert (branch.code, person.code) == ("TENANT_NOT_ACTIVE", "TENANT_NOT_ACTIVE")
    assert (active.told, active.body["status"]) == (["tenant.activated"], "ACTIVE")
    assert active.body["updated_at"] > frozen.body["updated_at"]
    assert (await office.hire(shop)).status == 201


async def test_only_an_owner_or_a_root_admin_freezes_a_tenant(office: Office, shop: Shop) -> None:
    admin = await office.hired(shop, role_key="ADMIN")
    unlisted = office.root.model_copy(update={"subject": "somebody"})
    command = FreezeTenant(tenant_id=shop.tenant_id)

    answers = [await office.tell(command, actor) for actor in (admin, unlisted, staff(uuid4()))]
    unknown = await office.tell(FreezeTenant(tenant_id=uuid4()), office.root)

    assert [answer.code for answer in answers] == ["PERMISSION_DENIED", "NOT_FOUND", "NOT_FOUND"]
    assert (unknown.status, unknown.code) == (404, "NOT_FOUND")


async def test_a_branch_opens_freezes_and_opens_again(office: Office, shop: Shop) -> None:
    admin = await office.hired(shop, role_key="ADMIN")
    opened = await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="Airport"), admin)
    named = {"tenant_id": shop.tenant_id, "branch_id": UUID(opened.body["id"])}

    frozen = await office.tell(FreezeBranch(**named), admin)
    twice = await office.tell(FreezeBranch(**named), shop.owner)
    active = await office.tell(ActivateBranch(**named), shop.owner)

    assert (opened.status, opened.told) == (201, ["branch.created"])
    assert (frozen.told, frozen.body["status"], frozen.etag) == (["branch.frozen"], "FROZEN", '"2"')
    assert (twice.told, twice.etag) == ([], '"2"')
    assert (active.told, active.body["status"], active.etag) == (["branch.activated"], "ACTIVE", '"3"')
    data = {"tenant_id": str(shop.tenant_id), "branch_id": opened.body["id"]}
    assert frozen.data("branch.frozen") == data


async def test_a_freeze_takes_no_assignment_away(office: Office, shop: Shop) -> None:  # S2.14
    person = await office.hire(shop)
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0]), shop.owner)

    statement = "SELECT count(*) FROM branch_assignments WHERE account_id = %s AND status = 'ACTIVE'"
    assert office.tables.value(statement, person.body["account_id"]) == 2


async def test_a_branch_of_another_tenant_is_not_there(office: Office, shop: Shop) -> None:
    other = await office.open_shop()

    answer = await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=other.branches[0]), shop.owner)

    assert (answer.status, answer.code) == (404, "BRANCH_NOT_FOUND")


async def test_a_manager_runs_no_branches(office: Office, shop: Shop) -> None:
    manager = await office.hired(shop, role_key="MANAGER")
    commands = [
        CreateBranch(tenant_id=shop.tenant_id, name="Mine"),
        FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0]),
        ActivateBranch(tenant_id=shop.tenant_id, branch_id=uuid4()),
    ]
    user = Actor(type=ActorType.USER, issuer="https://id.example", subject=manager.subject)

    codes = [(await office.tell(command, manager)).code for command in commands]
    strangers = [(await office.tell(command, user)).code for command in commands]

    assert codes == ["PERMISSION_DENIED"] * 3
    assert strangers == ["NOT_FOUND"] * 3
    assert (await office.tell(provision(shop), shop.owner)).status == 201
