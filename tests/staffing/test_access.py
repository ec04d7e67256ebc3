"""May they? Asked for oneself and for others, on the real database; every route answers what the question says."""

from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest

from contracts.access import AccessView, Action, CheckAccess, ListRoles
from contracts.legal_holds import HoldTenant, ReleaseTenant
from contracts.message import Actor, ActorType
from contracts.provisioning import ProvisionStaff
from contracts.roles import Role
from contracts.staff_changes import DisableAccount, EnableAccount, LeaveTenant
from contracts.staffing import (
    ActivateBranch,
    ActivateTenant,
    CreateBranch,
    FreezeBranch,
    FreezeTenant,
    GetStaff,
    GetTenant,
    SetQuotas,
    TenantCommand,
)
from services.staffing.access.actions import ACTIONS
from services.staffing.handlers import HANDLERS
from tests.staffing.asking import Changes, Desk, body, code, end_session, logged_in
from tests.staffing.office import Office, Shop, new_phone, provision, staff


async def check(desk: Desk, shop: Shop, actor: Actor, action: str = "branch.work", **more: Any) -> AccessView:
    view = body(await desk.ask(CheckAccess(tenant_id=shop.tenant_id, action=action, **more), actor))
    assert isinstance(view, AccessView)
    return view


def oidc(*roles: Role) -> Actor:
    return Actor(type=ActorType.USER, issuer="https://id.example", subject="somebody", roles=frozenset(roles))


async def test_branch_work_needs_a_branch_that_is_theirs_and_open(office: Office, shop: Shop, desk: Desk) -> None:
    """S2.13, S2.14, S2.42, S2.43"""
    riverside, market = shop.branches
    third = UUID((await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="Airport"), shop.owner)).body["id"])
    one = await office.hired(shop, branch_ids=(riverside,))
    two = await office.hired(shop)
    changes = Changes(office, shop)

    first = [
        await check(desk, shop, shop.owner),
        await check(desk, shop, one),
        await check(desk, shop, two),
        await check(desk, shop, two, branch_id=market),
        await check(desk, shop, two, branch_id=third),
    ]
    await changes.take_branch(two, riverside)
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=market), shop.owner)
    then = [
        await check(desk, shop, two, branch_id=riverside),
        await check(desk, shop, two, branch_id=market),
        await check(desk, shop, two),
    ]
    await office.tell(ActivateBranch(tenant_id=shop.tenant_id, branch_id=market), shop.owner)

    assert [(view.reason, view.branch_id) for view in first] == [
        ("NO_BRANCH_ASSIGNMENT", None),  # S2.60: the owner's too
        ("GRANTED", riverside),
        ("BRANCH_CONTEXT_REQUIRED", None),
        ("GRANTED", market),
        ("NO_BRANCH_ACCESS", None),
    ]
    assert [view.reason for view in then] == ["BRANCH_ACCESS_REVOKED", "BRANCH_FROZEN", "BRANCH_FROZEN"]
    assert (await check(desk, shop, two)).branch_id == market  # the assignment stayed


async def test_a_shops_own_action_is_branch_work_of_the_roles_that_permit_it(
    office: Office, shop: Shop, desk: Desk
) -> None:
    await Changes(office, shop).define_role("REFUNDER", 20, "sale.refund")
    clerk = await office.hired(shop, branch_ids=shop.branches[:1])
    refunder = await office.hired(shop, role_key="REFUNDER", branch_ids=shop.branches[:1])

    refused = await check(desk, shop, clerk, "sale.refund")

    assert (await check(desk, shop, refunder, "sale.refund")).branch_id == shop.branches[0]
    assert (await check(desk, shop, shop.owner, "sale.refund")).reason == "NO_BRANCH_ASSIGNMENT"
    assert (await check(desk, shop, shop.owner, "till.open")).reason == "ROUTE_NOT_REGISTERED"
    assert (refused.decision, refused.reason) == ("DENY", "PERMISSION_DENIED")
    assert [(fact.kind, fact.value) for fact in refused.missing] == [("permission", "sale.refund")]
    assert refused.who_may_grant == ("OWNER", "ADMIN")


async def test_what_is_missing_and_who_may_grant_it_is_said(office: Office, shop: Shop, desk: Desk) -> None:
    clerk, admin = await office.hired(shop), await office.hired(shop, role_key="ADMIN")
    elsewhere = uuid4()

    said = {
        "owners": await check(desk, shop, admin, "role.define"),
        "branch": await check(desk, shop, clerk, branch_id=elsewhere),
        "ceiling": await check(desk, shop, shop.owner, branch_id=elsewhere),
        "choice": await check(desk, shop, clerk),
    }

    assert {name: (view.missing[0].kind, view.who_may_grant) for name, view in said.items()} == {
        "owners": ("membership_kind", ("OWNER",)),
        "branch": ("branch_assignment", ("OWNER", "ADMIN")),
        "ceiling": ("branch_assignment", ("OWNER",)),  # an admin does not reach up to an owner
        "choice": ("branch_context", ("the person",)),
    }


async def test_a_frozen_tenant_lets_people_look_and_nothing_else(office: Office, shop: Shop, desk: Desk) -> None:
    clerk = await office.hired(shop, branch_ids=shop.branches[:1])
    await office.tell(FreezeTenant(tenant_id=shop.tenant_id), shop.owner)

    work, add = await check(desk, shop, clerk), await check(desk, shop, shop.owner, "staff.provision")

    assert (work.reason, add.reason) == ("TENANT_NOT_ACTIVE", "TENANT_NOT_ACTIVE")
    assert (await check(desk, shop, shop.owner, "staff.read")).decision == "ALLOW"
    assert (await check(desk, shop, clerk, "staff.provision")).reason == "PERMISSION_DENIED"  # S2.21 comes first


async def test_who_is_outside_hears_the_same_of_every_tenant(office: Office, shop: Shop, desk: Desk) -> None:  # S2.21
    stranger = staff(uuid4())
    elsewhere = (await office.open_shop()).owner
    nowhere = Shop(uuid4(), shop.owner, shop.owner_phone, shop.branches)
    await Changes(office, shop).define_role("REFUNDER", 20, "sale.refund")

    for actor in (stranger, elsewhere):
        for action in ("tenant.read", "branch.work", "sale.refund", "nobody.knows"):
            here = await check(desk, shop, actor, action, branch_id=shop.branches[0])
            there = await check(desk, nowhere, actor, action, branch_id=shop.branches[0])
            assert (here.decision, here.reason) == ("DENY", "NO_MEMBERSHIP")
            alike = here.model_dump_json().replace(str(shop.tenant_id), "T")
            assert alike == there.model_dump_json().replace(str(nowhere.tenant_id), "T")


async def test_who_may_ask_about_somebody_else(office: Office, shop: Shop, desk: Desk) -> None:
    clerk, admin = await office.hired(shop, branch_ids=shop.branches[:1]), await office.hired(shop, role_key="ADMIN")
    former = await office.hired(shop)
    elsewhere = await office.open_shop()
    foreign = await office.hired(elsewhere)
    await Changes(office, shop).end_membership(former)

    async def asked(by: Actor, about: Actor, at: Shop = shop) -> str:
        query = CheckAccess(tenant_id=at.tenant_id, action="branch.work", account_id=UUID(about.subject))
        outcome = await desk.ask(query, by)
        return str(body(outcome).reason) if hasattr(outcome, "body") else code(outcome)

    for reader in (admin, shop.owner, office.root, oidc(Role.OPS), oidc(Role.AUDITOR)):
        assert await asked(reader, clerk) == "GRANTED"
        assert await asked(reader, former) == "MEMBERSHIP_NOT_ACTIVE"
    for reader in (oidc(Role.OPS), oidc(Role.AUDITOR), office.root):
        assert await asked(reader, foreign) == "NO_MEMBERSHIP"
        assert await asked(reader, staff(uuid4())) == "NO_MEMBERSHIP"
    assert await asked(clerk, clerk) == "GRANTED"
    nobody = [
        await asked(clerk, admin),
        await asked(former, clerk),
        await asked(foreign, clerk),
        await asked(oidc(Role.PARTNER_ADMIN), clerk),
        await asked(admin, foreign),
        await asked(admin, staff(uuid4())),
        await asked(admin, foreign, elsewhere),
    ]
    assert nobody == ["NOT_FOUND"] * 7


async def test_a_service_says_whom_it_asks_about(shop: Shop, desk: Desk) -> None:
    query = CheckAccess(tenant_id=shop.tenant_id, action="branch.work")

    assert code(await desk.ask(query, oidc(Role.OPS))) == "VALIDATION_FAILED"
    assert code(await desk.ask(query, oidc(Role.COMPLIANCE))) == "NOT_FOUND"


async def test_a_dead_session_is_401_on_every_question(office: Office, shop: Shop, desk: Desk) -> None:  # P3
    owner = await logged_in(office, shop.owner_phone)
    other = await office.hired(shop)
    queries = [
        CheckAccess(tenant_id=shop.tenant_id, action="tenant.read"),
        CheckAccess(tenant_id=shop.tenant_id, action="tenant.read", account_id=UUID(other.subject)),
        ListRoles(tenant_id=shop.tenant_id),
        GetTenant(tenant_id=shop.tenant_id),
    ]

    alive = [type(await desk.ask(query, owner)).__name__ for query in queries]
    end_session(office, owner)

    assert alive == ["Reply"] * 4
    assert [code(await desk.ask(query, owner)) for query in queries] == ["TOKEN_INVALID"] * 4
    freeze = FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0])
    assert (await office.tell(freeze, owner)).code == "TOKEN_INVALID"


async def test_a_disabled_account_is_told_so(office: Office, shop: Shop, desk: Desk) -> None:
    clerk = await office.hired(shop)
    await office.tell(DisableAccount(account_id=UUID(clerk.subject)), office.root)

    refused = await check(desk, shop, clerk)
    await office.tell(EnableAccount(account_id=UUID(clerk.subject)), office.root)

    assert (refused.reason, refused.who_may_grant) == ("ACCOUNT_DISABLED", ("root admin",))
    assert (await check(desk, shop, clerk)).reason == "BRANCH_CONTEXT_REQUIRED"


def commands(shop: Shop) -> list[TenantCommand]:
    """One of each that the table names and this service handles; those that turn the tenant come last."""
    person = {"phone": new_phone(), "display_name": "Dara", "role_key": "MANAGER", "branch_ids": shop.branches}
    fields: dict[str, Any] = {
        "tenant_id": shop.tenant_id,
        "account_id": UUID(shop.owner.subject),
        "branch_id": shop.branches[0],
        "expected_version": 999,
        "kind": "MEMBER",
        "name": "Airport",
        "level": 5,
        "permissions": ("sale.refund",),
        "mode": "per_row",
        "rows": ({"key": "1", **person},),
        **person,
    }
    turning: list[type[TenantCommand]] = [ActivateTenant, FreezeTenant]
    kinds = [kind for kind in ACTIONS if kind in HANDLERS and kind not in turning] + turning
    return [kind.model_validate({f: fields[f] for f in kind.model_fields if f in fields}) for kind in kinds]


ACCESS_CODES = {"NOT_FOUND", "PERMISSION_DENIED", "TENANT_NOT_ACTIVE", "ROUTE_NOT_REGISTERED", "ACCESS_CHANGED"}


async def test_every_route_answers_what_the_question_says(office: Office, shop: Shop, desk: Desk) -> None:  # S2.9
    changes = Changes(office, shop)
    await changes.define_role("OPENER", 60, "branch.create")
    former = await office.hired(shop)
    await changes.end_membership(former)
    people = [await office.hired(shop, role_key=key) for key in ("OPENER", "MANAGER", "ADMIN")]
    seen = set()

    for frozen in (False, True):
        if frozen:
            await office.tell(FreezeTenant(tenant_id=shop.tenant_id), shop.owner)
        for actor in (staff(uuid4()), former, *people, shop.owner):
            told = [(await check(desk, shop, actor, ACTIONS[type(command)])).reason for command in commands(shop)]
            answers = await office.tell_all(*((command, actor) for command in commands(shop)))
            heard = [answer.code if answer.code in ACCESS_CODES else "GRANTED" for answer in answers]
            outside = {"NO_MEMBERSHIP": "NOT_FOUND", "MEMBERSHIP_NOT_ACTIVE": "NOT_FOUND"}
            expected = [outside.get(reason, reason) for reason in told]
            assert heard == expected, (actor, commands(shop))
            seen.update(told)

    assert len(told) >= 14
    assert seen == {"GRANTED", "NO_MEMBERSHIP", "MEMBERSHIP_NOT_ACTIVE", "PERMISSION_DENIED", "TENANT_NOT_ACTIVE"}


async def test_a_command_that_no_table_names_is_refused_to_everybody(
    office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:  # S2.15
    before, unnamed = office.counts(), commands(shop)

    for command in unnamed:
        monkeypatch.delitem(ACTIONS, type(command))
        answer = await office.tell(command, shop.owner)
        assert (answer.status, answer.code, answer.told) == (403, "ROUTE_NOT_REGISTERED", ["staff.refused"])

    assert len(unnamed) >= 14
    assert office.counts() == before


def test_what_the_table_leaves_out_is_decided_elsewhere_and_known() -> None:
    """Of oneself, and of a root admin."""
    handled = {kind for kind in HANDLERS if issubclass(kind, TenantCommand)}

    assert handled - ACTIONS.keys() <= {LeaveTenant, SetQuotas, HoldTenant, ReleaseTenant}


async def test_a_role_that_names_an_owners_action_does_not_get_it(office: Office, shop: Shop, desk: Desk) -> None:
    usurping: LiteralString = "INSERT INTO tenant_roles VALUES (%s, 'USURPER', 99, %s)"  # no command defines it
    with office.tables.connection() as tables:
        tables.execute(usurping, (shop.tenant_id, list(map(str, Action))))
    usurper = await office.hired(shop, role_key="USURPER")

    assert (await office.tell(FreezeTenant(tenant_id=shop.tenant_id), usurper)).code == "PERMISSION_DENIED"
    assert code(await desk.ask(ListRoles(tenant_id=shop.tenant_id), usurper)) == "PERMISSION_DENIED"
    assert body(await desk.ask(ListRoles(tenant_id=shop.tenant_id), shop.owner)).data[0].role_key == "USURPER"


async def test_a_change_binds_on_the_next_request(office: Office, shop: Shop, desk: Desk) -> None:  # P3
    phone = new_phone()
    admin = await office.hired(shop, role_key="ADMIN", phone=phone)
    changes = Changes(office, shop)
    look = GetStaff(tenant_id=shop.tenant_id, account_id=UUID(shop.owner.subject))
    hire: ProvisionStaff = provision(shop)

    assert body(await desk.ask(look, admin))
    await changes.give_role(admin, "CASHIER")
    lowered = [code(await desk.ask(look, admin)), (await office.tell(hire, admin)).code]
    await changes.give_role(admin, "ADMIN")
    await changes.end_membership(admin)
    ended = [code(await desk.ask(look, admin)), (await office.tell(hire, admin)).code]

    assert lowered == ["PERMISSION_DENIED"] * 2
    assert ended == ["NOT_FOUND"] * 2
    assert (await check(desk, shop, admin)).reason == "MEMBERSHIP_NOT_ACTIVE"
