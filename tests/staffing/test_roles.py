"""The role registry grows while the tenant works, and a role that somebody has stays (P5)."""

import pytest

from contracts.access import OWNER_ONLY, DefineRole, RemoveRole
from tests.staffing.office import Answer, Office, Shop, provision
from tests.staffing.test_memberships import change_role, hired, revoke


async def define(
    office: Office, shop: Shop, role_key: str = "BARISTA", level: int = 20, permissions: tuple[str, ...] = ()
) -> Answer:
    command = DefineRole(tenant_id=shop.tenant_id, role_key=role_key, level=level, permissions=permissions)
    return await office.tell(command, shop.owner)


async def remove(office: Office, shop: Shop, role_key: str = "BARISTA") -> Answer:
    return await office.tell(RemoveRole(tenant_id=shop.tenant_id, role_key=role_key), shop.owner)


async def test_a_new_role_is_there_for_the_next_person(office: Office, shop: Shop) -> None:
    answer = await define(office, shop, permissions=("sale.create", "branch.work"))

    assert (answer.status, answer.told) == (201, ["role.defined"])
    assert answer.body == {"role_key": "BARISTA", "level": 20, "permissions": ["branch.work", "sale.create"]}
    assert (await office.hire(shop, role_key="BARISTA")).status == 201


async def test_defined_again_it_is_changed_or_not(office: Office, shop: Shop) -> None:
    await define(office, shop)

    same, other = await define(office, shop), await define(office, shop, level=30)

    assert (same.status, same.told) == (200, [])
    assert (other.status, other.told, other.body["level"]) == (200, ["role.defined"], 30)


async def test_what_a_role_permits_binds_at_once(office: Office, shop: Shop) -> None:
    await define(office, shop, "STEWARD", 60, ("staff.provision",))
    steward = await office.hired(shop, role_key="STEWARD")
    assert (await office.tell(provision(shop), steward)).status == 201

    await define(office, shop, "STEWARD", 60, ())

    assert (await office.tell(provision(shop), steward)).code == "PERMISSION_DENIED"


@pytest.mark.parametrize("permission", [*sorted(OWNER_ONLY), "staff.crown", "tenant.sell"])
async def test_no_role_permits_what_comes_with_owning_or_what_does_not_exist(
    office: Office, shop: Shop, permission: str
) -> None:
    answer = await define(office, shop, permissions=("branch.work", permission))

    assert (answer.status, answer.code) == (422, "VALIDATION_FAILED")
    assert [error["pointer"] for error in answer.body["errors"]] == ["/permissions/1"]


@pytest.mark.parametrize("role_key", ["barista", "", "9LIVES", "A B", "ADMIN"])
async def test_a_key_is_capitals_and_admin_stays_as_it_is(office: Office, shop: Shop, role_key: str) -> None:
    answer = await define(office, shop, role_key)

    assert (answer.status, answer.code) == (422, "ROLE_KEY_INVALID")


async def test_only_owners_touch_the_registry(office: Office, shop: Shop) -> None:
    admin = await office.hired(shop, role_key="ADMIN")
    command = DefineRole(tenant_id=shop.tenant_id, role_key="BARISTA", level=1, permissions=())

    for answer in (
        await office.tell(command, admin),
        await office.tell(RemoveRole(tenant_id=shop.tenant_id, role_key="MANAGER"), admin),
    ):
        assert (answer.status, answer.code) == (403, "PERMISSION_DENIED")


async def test_a_role_that_somebody_has_or_had_stays(office: Office, shop: Shop) -> None:
    await define(office, shop)
    account, version = await hired(office, shop, role_key="BARISTA")
    in_use = await remove(office, shop)
    assert (in_use.status, in_use.code) == (409, "ROLE_IN_USE")
    await revoke(office, shop, account, version)
    assert (await remove(office, shop)).code == "ROLE_IN_USE"


async def test_a_role_that_nobody_has_goes(office: Office, shop: Shop) -> None:
    await define(office, shop)
    account, version = await hired(office, shop, role_key="BARISTA")
    await change_role(office, shop, account, version, "CASHIER")

    answer = await remove(office, shop)

    assert (answer.status, answer.told) == (204, ["role.removed"])
    assert (await office.hire(shop, role_key="BARISTA")).code == "ROLE_KEY_INVALID"
    assert (await remove(office, shop)).status == 404
    assert (await remove(office, shop, "ADMIN")).code == "ROLE_IN_USE"


async def test_a_role_given_in_the_same_batch_stays(office: Office, shop: Shop) -> None:
    await define(office, shop)

    hired_as, removed = await office.tell_all(
        (provision(shop, role_key="BARISTA"), shop.owner),
        (RemoveRole(tenant_id=shop.tenant_id, role_key="BARISTA"), shop.owner),
    )

    assert (hired_as.status, removed.code) == (201, "ROLE_IN_USE")
