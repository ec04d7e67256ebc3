"""A root admin puts a person or a tenant under legal hold and ends it; each is told once."""

from uuid import UUID, uuid4

import pytest

from contracts.legal_holds import HoldAccount, HoldTenant, ReleaseAccount, ReleaseTenant
from contracts.message import Actor, ActorType, Command
from contracts.roles import Role
from contracts.staffing import FreezeTenant
from tests.staffing.office import Office, Shop

REASON = "court order 2026/114"


def holds(shop: Shop) -> dict[str, tuple[Command, Command]]:
    """Placing and releasing, by what is held."""
    account = {"account_id": UUID(shop.owner.subject), "reason": REASON}
    tenant = {"tenant_id": shop.tenant_id, "reason": REASON}
    return {
        "account": (HoldAccount.model_validate(account), ReleaseAccount.model_validate(account)),
        "tenant": (HoldTenant.model_validate(tenant), ReleaseTenant.model_validate(tenant)),
    }


@pytest.mark.parametrize("kind", ["account", "tenant"])
async def test_a_hold_is_placed_once_and_released_once(office: Office, shop: Shop, kind: str) -> None:
    place, release = holds(shop)[kind]

    placed, again = await office.tell(place, office.root), await office.tell(place, office.root)
    released, free = await office.tell(release, office.root), await office.tell(release, office.root)

    assert [a.told for a in (placed, again)] == [[f"{kind}.legal_hold_placed"], []]
    assert [a.told for a in (released, free)] == [[f"{kind}.legal_hold_released"], []]
    assert [a.body["held"] for a in (placed, again, released, free)] == [True, True, False, False]
    assert placed.body["subject"] in placed.events[0]["targets"]
    assert placed.events[0]["data"]["reason"] == REASON
    assert placed.etag == f'"{placed.events[0]["aggregate_version"]}"'


@pytest.mark.parametrize("kind", ["account", "tenant"])
async def test_only_allowlisted_root_admins_may(office: Office, shop: Shop, kind: str) -> None:
    issuer = office.settings.oidc_issuer
    unlisted = Actor(type=ActorType.USER, issuer=issuer, subject="mallory", roles=frozenset({Role.ROOT_ADMIN}))

    for command in holds(shop)[kind]:
        nobody = command.model_copy(update={f"{kind}_id": uuid4()})

        assert (await office.tell(command, shop.owner)).code == "ROLE_REQUIRED"
        assert (await office.tell(command, unlisted)).code == "ROOT_ADMIN_REQUIRED"
        assert (await office.tell(nobody, unlisted)).code == "ROOT_ADMIN_REQUIRED"
        assert (await office.tell(nobody, office.root)).code == "NOT_FOUND"


async def test_a_hold_stops_nothing_of_the_daily_work(office: Office, shop: Shop) -> None:
    place, release = holds(shop)["tenant"]
    await office.tell(place, office.root)

    hired = await office.hire(shop)
    frozen = await office.tell(FreezeTenant(tenant_id=shop.tenant_id), shop.owner)

    assert (hired.status, frozen.body["status"]) == (201, "FROZEN")
    assert (await office.tell(release, office.root)).body["held"] is False
