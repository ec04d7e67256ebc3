"""Everything about memberships and branch access is in the events: dropped and made again, no row differs."""

import random
from typing import Any
from uuid import UUID

import pytest

from contracts.access import DefineRole, RemoveRole
from contracts.message import Actor
from contracts.staff_changes import AddBranches, ChangeKind, ChangeRole, RemoveBranch, ReplaceBranches, RevokeStaff
from contracts.staffing import ActivateBranch, FreezeBranch, FreezeTenant, MembershipKind, TenantCommand
from services.staffing.tenant import SEEDED_ROLES, Role
from tests.staffing.office import Office, Shop, provision
from tests.staffing.rebuilding import MissingEventError, Tables, differences, events_about, rebuilt, stored

COMMANDS, PEOPLE, DROPPED = 80, 4, 40
NEEDED = {
    "tenant.created",
    "tenant.frozen",
    "branch.created",
    "branch.frozen",
    "role.defined",
    "role.removed",
    "membership.granted",
    "membership.role_changed",
    "membership.kind_changed",
    "membership.revoked",
    "branch_access.granted",
    "branch_access.removed",
}
"""What the random life of a tenant must have told at least, to prove anything."""


async def lively(office: Office, dice: random.Random) -> Shop:
    """A tenant in which much has happened, refused commands among it."""
    shop = await office.open_shop()
    people = [await office.hired(shop, branch_ids=shop.branches[:1]) for _ in range(PEOPLE)]
    for _ in range(COMMANDS):
        await office.tell(_next(office, shop, dice, dice.choice(people)), shop.owner)
    await office.tell(FreezeTenant(tenant_id=shop.tenant_id), shop.owner)
    return shop


def _next(office: Office, shop: Shop, dice: random.Random, person: Actor) -> TenantCommand:
    tenant, account = {"tenant_id": shop.tenant_id}, UUID(person.subject)
    row = office.tables.rows(
        "SELECT m.version, a.phone FROM memberships m JOIN accounts a ON a.id = m.account_id"
        " WHERE tenant_id = %s AND account_id = %s",
        shop.tenant_id,
        account,
    )[0]
    member = {**tenant, "account_id": account, "expected_version": row["version"]}
    branches = dice.sample(shop.branches, dice.choice([1, 2]))
    role_key = dice.choice(["CASHIER", "MANAGER", "SHIFT_LEAD"])
    kind = dice.choice([MembershipKind.OWNER, MembershipKind.MEMBER, MembershipKind.MEMBER])
    choices: list[TenantCommand] = [
        provision(shop, phone=row["phone"], role_key=role_key, branch_ids=branches),
        ChangeRole(**member, role_key=role_key),
        ChangeKind(**member, kind=kind),
        AddBranches(**member, branch_ids=tuple(branches), reason="busy"),
        ReplaceBranches(**member, branch_ids=tuple(branches), reason="moved"),
        RemoveBranch(**member, branch_id=branches[0]),
        RevokeStaff(**member, reason="gone"),
        DefineRole(**tenant, role_key="SHIFT_LEAD", level=dice.randint(1, 90), permissions=("sale.refund",)),
        RemoveRole(**tenant, role_key="SHIFT_LEAD"),
        FreezeBranch(**tenant, branch_id=branches[0]),
        ActivateBranch(**tenant, branch_id=shop.branches[0]),
        ActivateBranch(**tenant, branch_id=shop.branches[1]),
    ]
    return dice.choice(choices)


@pytest.mark.parametrize("seed", [7, pytest.param(2026, marks=pytest.mark.faults)])
async def test_the_events_alone_make_the_same_rows_and_none_can_be_missing(office: Office, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    shops = [await lively(office, dice), await office.open_shop()]
    tenants = [shop.tenant_id for shop in shops]
    events, standing = events_about(office, tenants), stored(office, tenants)
    dice.shuffle(events)

    assert {event["type"] for event in events} >= NEEDED
    assert standing["staff_profile_periods"], "nobody came back"
    assert differences(rebuilt(events), standing) == []

    for n in dice.sample(range(len(events)), DROPPED):
        assert _shows([*events[:n], *events[n + 1 :]], standing), f"nobody misses {events[n]['type']}"


async def test_a_tenant_keeps_the_roles_it_began_with_however_the_next_release_seeds(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is taken from the code: a registry seeded in another way is in the log as it was."""
    monkeypatch.setitem(SEEDED_ROLES, "PORTER", Role(7, frozenset({"sale.refund"})))
    monkeypatch.delitem(SEEDED_ROLES, "CASHIER")
    tenants = [(await office.open_shop()).tenant_id]
    monkeypatch.undo()

    standing = stored(office, tenants)

    assert {role_key for _, role_key in standing["tenant_roles"]} == {"ADMIN", "MANAGER", "PORTER"}
    assert differences(rebuilt(events_about(office, tenants)), standing) == []


def _shows(events: list[dict[str, Any]], standing: Tables) -> bool:
    """The control: an event that is not there is missed, as a hole or as a difference."""
    try:
        return differences(rebuilt(events), standing) != []
    except MissingEventError:
        return True
