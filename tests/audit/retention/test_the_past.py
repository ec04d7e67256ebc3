"""What was purged is not made up: the past that it told of is refused, and what came later is still answered."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.audit_as_of import BranchAccessAsOf, GetBranchAccessAsOf, GetMembershipAsOf, GetPartnerAsOf
from contracts.failures import Code
from contracts.staff_changes import AddBranches, ChangeRole
from contracts.staffing import CreateBranch
from services.audit.as_of.queries import branch_access_as_of, membership_as_of, partner_as_of
from services.chassis import Refusal, Reply
from tests.audit.as_of.partner_life import PartnerLife
from tests.audit.as_of.tenant_life import TenantLife
from tests.audit.asking import Asking
from tests.audit.retention.purging import Purging
from tests.staffing.office import provision

pytestmark = pytest.mark.asyncio
LATER = datetime(2100, 1, 1, tzinfo=UTC)


async def test_a_partner_whose_events_were_purged_is_refused(purging: Purging) -> None:  # AUDIT_RANGE_INVALID
    partner = PartnerLife(random.Random(1), steps=3)  # noqa: S311
    question, asking = GetPartnerAsOf(partner_id=partner.id, as_of=LATER), Asking(purging.ledger)
    await purging.ledger.take(partner.told)
    before = await asking.ask(question, partner_as_of)
    purging.grow_older(4_000)

    await purging.purge()

    after = await asking.ask(question, partner_as_of)
    assert isinstance(before, Reply)
    assert isinstance(after, Refusal)
    assert after.code is Code.AUDIT_RANGE_INVALID


async def test_a_branch_that_is_younger_than_its_people_is_still_answered(purging: Purging) -> None:
    life = TenantLife(random.Random(2), steps=0)  # noqa: S311
    tenant, owner = life.shop.tenant_id, life.shop.owner
    hired = {"phone": life.phones[1], "role_key": "CASHIER", "branch_ids": life.shop.branches[:1]}
    life.run(provision(life.shop, **hired), owner)
    (_, account), cashier = list(life.book.staff.items())[-1]
    member: dict[str, Any] = {"tenant_id": tenant, "account_id": account}
    life.run(ChangeRole(**member, expected_version=cashier.version, role_key="MANAGER"), owner)
    await purging.ledger.take(life.told)
    purging.grow_older(2_000)
    await purging.purge()
    told = len(life.told)

    life.run(CreateBranch(tenant_id=tenant, name="Airport"), owner)
    airport = list(life.book.branches)[-1]
    life.run(AddBranches(**member, expected_version=cashier.version, branch_ids=(airport,)), owner)
    newcomer = {"phone": life.phones[2], "role_key": "CASHIER", "branch_ids": (airport,)}
    life.run(provision(life.shop, **newcomer), owner)
    await purging.ledger.take(life.told[told:])

    asking = Asking(purging.ledger)
    access = await asking.ask(GetBranchAccessAsOf(branch_id=airport, as_of=LATER), branch_access_as_of)
    old = await asking.ask(GetMembershipAsOf(membership_id=cashier.id, as_of=LATER), membership_as_of)
    owners = await Asking(purging.ledger, owner).ask(
        GetBranchAccessAsOf(branch_id=airport, as_of=LATER), branch_access_as_of
    )
    assert isinstance(access, Reply)
    assert isinstance(access.body, BranchAccessAsOf)
    assert access.body.tenant_status is None, "all that told of the tenant is gone"
    assert [(one.membership_id == cashier.id, one.kind, one.role_key) for one in access.body.data] == [
        (True, "MEMBER", None),
        (False, "MEMBER", "CASHIER"),
    ]
    assert isinstance(old, Refusal)
    assert old.code is Code.AUDIT_RANGE_INVALID
    assert owners == access
