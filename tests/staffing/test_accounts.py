"""A root admin shuts a person out of every tenant and lets them in again, without ever touching a credential."""

import asyncio
from uuid import UUID, uuid4

import pytest

from contracts.credentials import RequestActivation
from contracts.message import Actor, ActorType
from contracts.roles import Role
from contracts.staff_changes import DisableAccount, EnableAccount
from tests.staffing.office import ANYBODY, Office, Shop, new_phone, provision


@pytest.fixture
async def owner(office: Office, shop: Shop) -> UUID:
    """The account of the shop's owner, who chose a password."""
    await office.activate(shop.owner_phone)
    return UUID(shop.owner.subject)


async def disable(office: Office, account: UUID, reason: str = "Lost their phone") -> None:
    answer = await office.tell(DisableAccount(account_id=account, reason=reason), office.root)
    assert answer.status == 200, answer


async def test_a_disabled_person_is_out_at_once_and_stays_a_member(office: Office, shop: Shop, owner: UUID) -> None:
    caller, session = await office.signed_in(shop.owner_phone)

    answer = await office.tell(DisableAccount(account_id=owner, reason="Lost their phone"), office.root)

    assert (answer.status, answer.told) == (200, ["account.disabled"])
    assert answer.body == {"account_id": str(owner), "disabled": True, "version": answer.events[0]["aggregate_version"]}
    assert answer.data("account.disabled")["reason"] == "Lost their phone"
    assert (await office.tell(provision(shop), caller)).code == "TOKEN_INVALID"
    assert (await office.refresh(session)).code == "TOKEN_INVALID"
    assert office.tables.value("SELECT status FROM memberships WHERE account_id = %s", owner) == "ACTIVE"


async def test_only_the_right_password_hears_that_the_account_is_disabled(
    office: Office, shop: Shop, owner: UUID
) -> None:
    await disable(office, owner)

    right, wrong = await office.log_in(shop.owner_phone), await office.log_in(shop.owner_phone, "not the password")
    stranger = await office.log_in(new_phone(), "not the password")

    assert (right.status, right.code) == (403, "ACCOUNT_DISABLED")
    assert (wrong.status, wrong.code, wrong.body["detail"]) == (401, "AUTH_REQUIRED", stranger.body["detail"])


async def test_a_disabled_person_is_a_stranger_to_activation(office: Office, shop: Shop, owner: UUID) -> None:
    code = await office.ask_for_code(shop.owner_phone)
    await disable(office, owner)

    proven = await office.verify(shop.owner_phone, code, "another good one")
    asked = await office.tell(RequestActivation(phone=shop.owner_phone), ANYBODY)
    verified = await office.verify(shop.owner_phone, office.newest_code(shop.owner_phone), "another good one")

    assert (proven.status, proven.code) == (403, "ACCOUNT_DISABLED")
    assert (asked.status, asked.body, asked.told) == (202, None, ["activation.unanswered"])
    assert verified.code == "OTP_INVALID"
    assert (await office.log_in(shop.owner_phone)).code == "ACCOUNT_DISABLED"


async def test_an_enabled_person_logs_in_anew_with_the_password_they_had(
    office: Office, shop: Shop, owner: UUID
) -> None:
    _, session = await office.signed_in(shop.owner_phone)
    await disable(office, owner)

    enabled = await office.tell(EnableAccount(account_id=owner), office.root)

    assert (enabled.status, enabled.told, enabled.body["disabled"]) == (200, ["account.enabled"], False)
    assert (await office.refresh(session)).code == "TOKEN_INVALID"
    caller, _ = await office.signed_in(shop.owner_phone)
    assert (await office.tell(provision(shop), caller)).status == 201


async def test_disabled_twice_is_told_once(office: Office, owner: UUID) -> None:
    await disable(office, owner)

    again = await office.tell(DisableAccount(account_id=owner), office.root)
    enabled = [await office.tell(EnableAccount(account_id=owner), office.root) for _ in range(2)]

    assert (again.status, again.told, again.body["disabled"]) == (200, [], True)
    assert [answer.told for answer in enabled] == [["account.enabled"], []]


async def test_only_allowlisted_root_admins_may(office: Office, shop: Shop, owner: UUID) -> None:
    issuer = office.settings.oidc_issuer
    unlisted = Actor(type=ActorType.USER, issuer=issuer, subject="mallory", roles=frozenset({Role.ROOT_ADMIN}))

    for command in (DisableAccount(account_id=owner), EnableAccount(account_id=owner)):
        assert (await office.tell(command, shop.owner)).code == "ROLE_REQUIRED"
        assert (await office.tell(command, unlisted)).code == "ROOT_ADMIN_REQUIRED"
        assert (await office.tell(type(command)(account_id=uuid4()), unlisted)).code == "ROOT_ADMIN_REQUIRED"
        assert (await office.tell(type(command)(account_id=uuid4()), office.root)).code == "NOT_FOUND"


async def test_no_login_slips_past_a_disabling(office: Office, shop: Shop, owner: UUID) -> None:
    for _ in range(5):
        logging_in = asyncio.gather(*(office.log_in(shop.owner_phone) for _ in range(4)))
        logins, _ = await asyncio.gather(logging_in, disable(office, owner))

        assert {answer.code or answer.status for answer in logins} <= {201, "ACCOUNT_DISABLED"}
        alive = "SELECT count(*) FROM sessions WHERE account_id = %s AND revoked_at IS NULL"
        assert office.tables.value(alive, owner) == 0
        await office.tell(EnableAccount(account_id=owner), office.root)
