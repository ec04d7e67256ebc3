"""A membership after it was granted: role, kind and end, gate by gate (P1-P3, S2.12, S2.32, S2.35)."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.message import Actor
from contracts.staff_changes import ChangeKind, ChangeRole, LeaveTenant, RevokeStaff
from contracts.staffing import CreateBranch
from tests.staffing.office import Answer, Office, Shop, new_phone, provision, staff

REMOVED = ["branch_access.removed"] * 2


async def hired(office: Office, shop: Shop, **changes: Any) -> tuple[UUID, int]:
    """Somebody's account and version."""
    answer = await office.hire(shop, **changes)
    assert answer.status == 201, answer
    return UUID(answer.body["account_id"]), answer.body["version"]


async def revoke(office: Office, shop: Shop, account: UUID, version: int, actor: Actor | None = None) -> Answer:
    command = RevokeStaff(tenant_id=shop.tenant_id, account_id=account, expected_version=version, reason="left")
    return await office.tell(command, actor or shop.owner)


async def change_role(
    office: Office, shop: Shop, account: UUID, version: int, role_key: str, actor: Actor | None = None
) -> Answer:
    command = ChangeRole(tenant_id=shop.tenant_id, account_id=account, expected_version=version, role_key=role_key)
    return await office.tell(command, actor or shop.owner)


async def change_kind(office: Office, shop: Shop, account: UUID, version: int, kind: str, actor: Actor) -> Answer:
    command = ChangeKind.model_validate(
        {"tenant_id": shop.tenant_id, "account_id": account, "expected_version": version, "kind": kind}
    )
    return await office.tell(command, actor)


async def with_a_second_owner(office: Office) -> tuple[Shop, Actor]:
    shop = await office.open_shop()
    account, version = await hired(office, shop, role_key="ADMIN")
    promoted = await change_kind(office, shop, account, version, "OWNER", shop.owner)
    assert promoted.body["membership"]["kind"] == "OWNER"
    return shop, staff(account)


def version_of(office: Office, shop: Shop, actor: Actor) -> int:
    statement = "SELECT version FROM memberships WHERE tenant_id = %s AND account_id = %s"
    return int(office.tables.value(statement, shop.tenant_id, UUID(actor.subject)))


async def test_another_role_is_told_with_the_one_before(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)

    answer = await change_role(office, shop, account, version, "MANAGER")

    assert (answer.status, answer.told) == (200, ["membership.role_changed"])
    assert answer.etag == f'"{version + 1}"'
    told = answer.data("membership.role_changed")
    assert (told["previous_role_key"], told["role_key"]) == ("CASHIER", "MANAGER")
    assert answer.body["membership"]["role_key"] == "MANAGER"


async def test_the_same_role_is_no_change(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)

    answer = await change_role(office, shop, account, version, "CASHIER")

    assert (answer.status, answer.told, answer.etag) == (200, [], f'"{version}"')


async def test_a_role_change_binds_on_the_next_request(office: Office, shop: Shop) -> None:  # P3
    account, version = await hired(office, shop, role_key="ADMIN")
    assert (await office.tell(provision(shop), staff(account))).status == 201

    await change_role(office, shop, account, version, "CASHIER")

    assert (await office.tell(provision(shop), staff(account))).code == "PERMISSION_DENIED"


async def test_an_owners_role_stays(office: Office) -> None:  # S2.12, S2.32
    shop, second = await with_a_second_owner(office)

    answer = await change_role(
        office, shop, UUID(second.subject), version_of(office, shop, second), "CASHIER", shop.owner
    )

    assert (answer.status, answer.code) == (409, "CANNOT_DEMOTE_OWNER_ROLE")


async def test_an_unknown_role_is_refused_with_those_there_are(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)

    answer = await change_role(office, shop, account, version, "EMPEROR")

    assert (answer.status, answer.code) == (422, "ROLE_KEY_INVALID")
    assert "CASHIER" in answer.body["existing"]["role_keys"]


async def test_who_saw_an_older_version_decides_nothing(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)

    for answer in (
        await change_role(office, shop, account, version - 1, "MANAGER"),
        await revoke(office, shop, account, version + 1),
    ):
        assert (answer.status, answer.code, answer.told) == (412, "PRECONDITION_FAILED", ["staff.refused"])


async def test_a_stranger_of_the_tenant_is_not_there(office: Office, shop: Shop) -> None:
    elsewhere = await office.open_shop()
    account, version = await hired(office, elsewhere)

    assert (await revoke(office, shop, account, version)).status == 404
    assert (await revoke(office, shop, uuid4(), 1)).status == 404
    assert (await revoke(office, elsewhere, account, version, shop.owner)).status == 404


async def test_a_revocation_ends_branches_sessions_and_the_next_request(office: Office, shop: Shop) -> None:  # P3
    phone = new_phone()
    account, version = await hired(office, shop, phone=phone, role_key="ADMIN")
    await office.activate(phone)
    assert (await office.log_in(phone)).status == 201

    answer = await revoke(office, shop, account, version)

    assert (answer.status, answer.told) == (200, ["membership.revoked", *REMOVED])
    assert (answer.body["membership"]["status"], answer.body["profile"]["status"]) == ("REVOKED", "REVOKED")
    assert answer.body["branches"] == []
    assert not office.tables.value(
        "SELECT count(*) FROM sessions WHERE account_id = %s AND revoked_at IS NULL", account
    )
    assert (await office.tell(provision(shop), staff(account))).status == 404
    again = await revoke(office, shop, account, version + 3)
    assert (again.status, again.code) == (409, "MEMBER_REVOKED")


async def test_who_comes_back_has_a_new_period_and_none_of_the_old_branches(office: Office, shop: Shop) -> None:
    """S2.35, S2.36: the same membership."""
    phone = new_phone()
    first = await office.hire(shop, phone=phone)
    account = UUID(first.body["account_id"])
    await revoke(office, shop, account, first.body["version"])

    back = await office.hire(shop, phone=phone, branch_ids=shop.branches[:1])

    assert (back.status, back.body["outcome"]) == (200, "reactivated")
    assert back.body["membership"]["id"] == first.body["membership"]["id"]
    assert [branch["branch_id"] for branch in back.body["branches"]] == [str(shop.branches[0])]
    (over,) = office.tables.rows("SELECT * FROM staff_profile_periods WHERE account_id = %s", account)
    (now,) = office.tables.rows("SELECT * FROM staff_profiles WHERE account_id = %s", account)
    assert over["active_since"] < over["revoked_at"] <= now["active_since"]
    assert now["revoked_at"] is None


async def test_in_and_out_and_in_within_one_batch_keeps_every_period(office: Office, shop: Shop) -> None:
    phone = new_phone()
    account, version = await hired(office, shop, phone=phone)
    out = RevokeStaff(tenant_id=shop.tenant_id, account_id=account, expected_version=version)
    once_more = RevokeStaff(tenant_id=shop.tenant_id, account_id=account, expected_version=version + 7)
    back = provision(shop, phone=phone)

    answers = await office.tell_all((out, shop.owner), (back, shop.owner), (once_more, shop.owner), (back, shop.owner))

    assert [answer.status for answer in answers] == [200, 200, 200, 200]
    periods = office.tables.rows(
        "SELECT active_since, revoked_at FROM staff_profile_periods WHERE account_id = %s ORDER BY active_since",
        account,
    )
    assert len(periods) == 2
    assert periods[0]["revoked_at"] <= periods[1]["active_since"]
    assert len({event["aggregate_version"] for answer in answers for event in answer.events}) == 14


async def test_everybody_may_leave_but_the_last_owner(office: Office, shop: Shop) -> None:  # P1, P11
    cashier = await office.hired(shop)
    leave = LeaveTenant(tenant_id=shop.tenant_id)

    gone = await office.tell(leave, cashier)

    assert (gone.status, gone.body, gone.told) == (204, None, ["membership.revoked", *REMOVED])
    assert gone.data("membership.revoked")["left"] is True
    assert (await office.tell(leave, cashier)).status == 404
    assert (await office.tell(leave, staff(uuid4()))).status == 404
    last = await office.tell(leave, shop.owner)
    assert (last.status, last.code) == (409, "CANNOT_REMOVE_LAST_OWNER")


async def test_the_last_owner_is_neither_revoked_nor_demoted(office: Office) -> None:  # P1
    shop, second = await with_a_second_owner(office)
    account = UUID(second.subject)
    demoted = await change_kind(office, shop, account, version_of(office, shop, second), "MEMBER", shop.owner)
    assert (demoted.status, demoted.told) == (200, ["membership.kind_changed"])
    mine, version = UUID(shop.owner.subject), version_of(office, shop, shop.owner)

    for answer in (
        await change_kind(office, shop, mine, version, "MEMBER", shop.owner),
        await revoke(office, shop, mine, version),
    ):
        assert (answer.status, answer.code) == (409, "CANNOT_REMOVE_LAST_OWNER")


async def test_only_an_owner_makes_owners(office: Office, shop: Shop) -> None:
    admin = await office.hired(shop, role_key="ADMIN")
    account, version = await hired(office, shop)

    answer = await change_kind(office, shop, account, version, "OWNER", admin)

    assert (answer.status, answer.code) == (403, "PERMISSION_DENIED")


async def two_owners_turn_each_other_out(office: Office, first: Actor, second: Actor, shop: Shop) -> int:
    """Both at once, each in a batch of its own; how many owners are left."""
    versions = {actor.subject: version_of(office, shop, actor) for actor in (first, second)}
    await asyncio.gather(
        revoke(office, shop, UUID(second.subject), versions[second.subject], first),
        revoke(office, shop, UUID(first.subject), versions[first.subject], second),
    )
    left = "SELECT count(*) FROM memberships WHERE tenant_id = %s AND kind = 'OWNER' AND status = 'ACTIVE'"
    return int(office.tables.value(left, shop.tenant_id))


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=pytest.mark.faults)])
async def test_two_owners_who_turn_each_other_out_leave_one(office: Office, rounds: int) -> None:  # P1
    for _ in range(rounds):
        shop, second = await with_a_second_owner(office)
        assert await two_owners_turn_each_other_out(office, shop.owner, second, shop) == 1


async def test_control_without_the_tenants_lock_both_may_go(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is what leaves one: without it some round of these loses both."""
    monkeypatch.setattr("services.staffing.desk.load_tenants", _unlocked)
    left = []
    while 0 not in left and len(left) < 60:
        shop, second = await with_a_second_owner(office)
        left.append(await two_owners_turn_each_other_out(office, shop.owner, second, shop))

    assert 0 in left


async def _unlocked(connection: Any, ids: Any, *, lock: bool) -> Any:
    from services.staffing.store import load_tenants  # noqa: PLC0415 - the real one, not the one that is replaced

    return await load_tenants(connection, ids, lock=False)


LEVELS = {"OWNER": 100, "ADMIN": 80, "STEWARD": 80, "MANAGER": 50, "CASHIER": 10}
"""STEWARD is a shop's own role that administers staff as ADMIN does."""


@pytest.mark.parametrize("actor_is", ["OWNER", "ADMIN", "STEWARD", "MANAGER"])
async def test_nobody_changes_above_their_own_level(office: Office, actor_is: str) -> None:  # P2: the whole matrix
    shop = await office.open_shop()
    with office.tables.connection() as tables:
        tables.execute(
            "INSERT INTO tenant_roles VALUES (%s, 'STEWARD', 80, '{staff.change_role}'), (%s, 'DIRECTOR', 90, '{}')",
            (shop.tenant_id, shop.tenant_id),
        )
    actor = shop.owner if actor_is == "OWNER" else await office.hired(shop, role_key=actor_is)
    allowed = actor_is != "MANAGER"
    for target_is in ("OWNER", "DIRECTOR", "ADMIN", "MANAGER", "CASHIER"):
        for wanted in ("DIRECTOR", "ADMIN", "MANAGER", "CASHIER"):
            if target_is == "OWNER":
                account, version = UUID(shop.owner.subject), version_of(office, shop, shop.owner)
            else:
                account, version = await hired(office, shop, role_key=target_is)

            answer = await change_role(office, shop, account, version, wanted, actor)

            assert (answer.code or answer.status) == _expected(actor_is, target_is, wanted, allowed=allowed)


def _expected(actor: str, target: str, wanted: str, *, allowed: bool) -> str | int:
    levels = LEVELS | {"DIRECTOR": 90}
    if not allowed:
        return "PERMISSION_DENIED"
    if levels[target] > levels[actor]:
        return "ROLE_CEILING_EXCEEDED"
    if target == "OWNER":
        return "CANNOT_DEMOTE_OWNER_ROLE"
    return "ROLE_CEILING_EXCEEDED" if levels[wanted] > levels[actor] else 200


async def test_a_frozen_tenant_still_locks_people_out(office: Office, shop: Shop) -> None:
    account, version = await hired(office, shop)
    other, other_version = await hired(office, shop)
    with office.tables.connection() as tables:
        tables.execute("UPDATE tenants SET status = 'FROZEN' WHERE id = %s", (shop.tenant_id,))

    assert (await change_role(office, shop, other, other_version, "MANAGER")).code == "TENANT_NOT_ACTIVE"
    assert (await revoke(office, shop, account, version)).status == 200
    assert (await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="Late"), shop.owner)).status == 409
