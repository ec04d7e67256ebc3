"""A context is chosen before branch work (S2.42-43): a token of the same session that carries a choice and no right."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from contracts.access import CheckAccess, ChooseContext, ContextView
from contracts.credentials import Purpose
from contracts.message import Actor, Chosen
from contracts.staffing import ActivateTenant, CreateBranch, FreezeBranch, FreezeTenant, ListBranches
from services.wire.sealing import UnsealError
from tests.staffing.asking import Changes, Desk, body, code, logged_in, logged_in_again, shown
from tests.staffing.office import Office, Shop, new_phone


async def chosen(office: Office, desk: Desk, shop: Shop, actor: Actor, branch: UUID | None = None) -> ContextView:
    sealed = body(await desk.ask(ChooseContext(tenant_id=shop.tenant_id, branch_id=branch), actor)).sealed
    return ContextView.model_validate_json(office.sealer.unseal(sealed, Purpose.CONTEXT, actor.subject))


async def refused(desk: Desk, shop: Shop, actor: Actor, branch: UUID | None = None) -> str:
    return code(await desk.ask(ChooseContext(tenant_id=shop.tenant_id, branch_id=branch), actor))


async def work(desk: Desk, shop: Shop, actor: Actor, **more: Any) -> str:
    query = CheckAccess(tenant_id=shop.tenant_id, action="branch.work", **more)
    return str(body(await desk.ask(query, actor)).reason)


async def clerk_of(office: Office, shop: Shop, **changes: Any) -> Actor:
    """A cashier, logged in."""
    phone = new_phone()
    await office.hired(shop, phone=phone, **changes)
    return await logged_in(office, phone)


async def test_none_one_and_many_branches(office: Office, shop: Shop, desk: Desk) -> None:
    none = await logged_in(office, shop.owner_phone)
    one = await clerk_of(office, shop, branch_ids=shop.branches[:1])
    many = await clerk_of(office, shop)

    automatic = await chosen(office, desk, shop, one)
    picked = await chosen(office, desk, shop, many, shop.branches[1])

    assert await refused(desk, shop, none) == "NO_BRANCH_ASSIGNMENT"
    assert await refused(desk, shop, many) == "BRANCH_CONTEXT_REQUIRED"
    assert (automatic.tenant_id, automatic.branch_id) == (shop.tenant_id, shop.branches[0])
    assert picked.branch_id == shop.branches[1]
    assert await work(desk, shop, many) == "BRANCH_CONTEXT_REQUIRED"
    assert await work(desk, shop, shown(picked.access_token)) == "GRANTED"


async def test_each_reason_against_a_choice_has_its_code(office: Office, shop: Shop, desk: Desk) -> None:
    phone, changes = new_phone(), Changes(office, shop)
    await office.hired(shop, phone=phone)
    clerk = await logged_in(office, phone)
    elsewhere, frozen = await office.open_shop(), FreezeTenant(tenant_id=shop.tenant_id)
    opened = await office.tell(CreateBranch(tenant_id=shop.tenant_id, name="Airport"), shop.owner)
    nowhere = Shop(uuid4(), shop.owner, "", shop.branches)

    assert await refused(desk, elsewhere, clerk, elsewhere.branches[0]) == "NO_MEMBERSHIP"
    assert await refused(desk, nowhere, clerk) == "NO_MEMBERSHIP"
    for branch in (UUID(opened.body["id"]), elsewhere.branches[0], uuid4()):
        assert await refused(desk, shop, clerk, branch) == "NO_BRANCH_ACCESS"
    await changes.take_branch(clerk, shop.branches[0])
    assert await refused(desk, shop, clerk, shop.branches[0]) == "BRANCH_ACCESS_REVOKED"
    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[1]), shop.owner)
    assert await refused(desk, shop, clerk) == "BRANCH_FROZEN"
    await office.tell(frozen, shop.owner)
    assert await refused(desk, shop, clerk) == "TENANT_NOT_ACTIVE"
    await office.tell(ActivateTenant(tenant_id=shop.tenant_id), shop.owner)
    await changes.end_membership(clerk)
    assert await refused(desk, shop, clerk) == "TOKEN_INVALID"
    assert await refused(desk, shop, await logged_in_again(office, phone)) == "MEMBERSHIP_NOT_ACTIVE"
    assert await refused(desk, shop, office.root) == "PERMISSION_DENIED"


async def test_the_token_is_of_the_same_session_and_ends_with_the_one_it_was_made_from(
    office: Office, shop: Shop, desk: Desk
) -> None:
    clerk = await clerk_of(office, shop)
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=90)

    fresh = await chosen(office, desk, shop, clerk, shop.branches[0])
    late = await chosen(office, desk, shop, clerk.model_copy(update={"token_expires_at": soon}), shop.branches[0])

    actor = shown(fresh.access_token)
    since = Changes(office, shop).since(clerk)
    assert (actor.subject, actor.session_id) == (clerk.subject, clerk.session_id)
    assert actor.chosen == Chosen(tenant_id=shop.tenant_id, branch_id=shop.branches[0], since=since)
    assert actor.token_expires_at == clerk.token_expires_at
    assert 590 <= fresh.expires_in <= 600
    assert shown(late.access_token).token_expires_at == soon
    assert 80 <= late.expires_in <= 90
    claims = jwt.decode(fresh.access_token, options={"verify_signature": False})
    assert claims.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "ctx"}


async def test_a_chosen_token_opens_for_its_account_alone(office: Office, shop: Shop, desk: Desk) -> None:
    clerk = await clerk_of(office, shop)

    reply = body(await desk.ask(ChooseContext(tenant_id=shop.tenant_id, branch_id=shop.branches[0]), clerk))

    assert "ey" not in reply.sealed[:2]
    for purpose, account in ((Purpose.SESSION, clerk.subject), (Purpose.CONTEXT, shop.owner.subject)):
        with pytest.raises(UnsealError):
            office.sealer.unseal(reply.sealed, purpose, account)


async def test_a_choice_gives_no_right_that_was_taken_since(office: Office, shop: Shop, desk: Desk) -> None:  # P3
    clerk, changes = await clerk_of(office, shop), Changes(office, shop)
    token = await chosen(office, desk, shop, clerk, shop.branches[0])
    at_work = shown(token.access_token)
    assert await work(desk, shop, at_work) == "GRANTED"

    await office.tell(FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0]), shop.owner)
    frozen = await work(desk, shop, at_work)
    await changes.take_branch(clerk, shop.branches[0])
    taken = await work(desk, shop, at_work)

    assert (frozen, taken) == ("BRANCH_FROZEN", "BRANCH_ACCESS_REVOKED")
    assert await work(desk, shop, at_work, branch_id=shop.branches[1]) == "GRANTED"


async def test_a_choice_of_an_earlier_membership_must_be_made_again(office: Office, shop: Shop, desk: Desk) -> None:
    phone = new_phone()
    await office.hired(shop, phone=phone, role_key="ADMIN")
    admin = await logged_in(office, phone)
    before = shown((await chosen(office, desk, shop, admin, shop.branches[0])).access_token)
    await Changes(office, shop).end_membership(admin)
    again = await office.hire(shop, phone=phone, role_key="ADMIN")
    assert again.body["outcome"] == "reactivated"
    before = (await logged_in_again(office, phone)).model_copy(update={"chosen": before.chosen})

    freeze = FreezeBranch(tenant_id=shop.tenant_id, branch_id=shop.branches[0])
    stale = [
        await work(desk, shop, before),
        code(await desk.ask(ListBranches(tenant_id=shop.tenant_id), before)),
        (await office.tell(freeze, before)).code,
    ]
    after = shown((await chosen(office, desk, shop, before, shop.branches[0])).access_token)

    assert stale == ["ACCESS_CHANGED"] * 3
    assert await work(desk, shop, after) == "GRANTED"
    assert (await office.tell(freeze, after)).status == 200


async def test_a_choice_says_nothing_in_another_tenant(office: Office, shop: Shop, desk: Desk) -> None:
    elsewhere, phone = await office.open_shop(), new_phone()
    await office.hired(elsewhere, phone=phone, branch_ids=elsewhere.branches[:1])
    await office.hired(shop, phone=phone)
    person = await logged_in(office, phone)

    at_work = shown((await chosen(office, desk, shop, person, shop.branches[0])).access_token)

    assert await work(desk, elsewhere, at_work) == "GRANTED"
    assert await work(desk, elsewhere, at_work, branch_id=shop.branches[0]) == "NO_BRANCH_ACCESS"
    await Changes(office, shop).end_membership(person)
    again = (await logged_in_again(office, phone)).model_copy(update={"chosen": at_work.chosen})
    assert await work(desk, elsewhere, again) == "GRANTED"


async def test_a_choice_counts_for_oneself_alone(office: Office, shop: Shop, desk: Desk) -> None:
    admin, clerk = await clerk_of(office, shop, role_key="ADMIN"), await office.hired(shop)
    at_work = shown((await chosen(office, desk, shop, admin, shop.branches[0])).access_token)

    assert await work(desk, shop, at_work) == "GRANTED"
    assert await work(desk, shop, at_work, account_id=UUID(clerk.subject)) == "BRANCH_CONTEXT_REQUIRED"
