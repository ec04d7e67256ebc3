"""How each erasure is prepared and its effect counted."""

from typing import LiteralString
from uuid import UUID, uuid4

from contracts.erasure import EraseAccount, EraseContact
from contracts.provisioning import ProvisionStaff
from contracts.staff_changes import RevokeStaff
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.partner_cases import ELSEWHERE, roster_of, submitted
from tests.support.people import root_admin
from tests.support.staffing_cases import new_branch, new_phone, new_shop, prepared, told

REASON = "request 2026/31"


@case(EraseAccount)
async def erase_account(bus: Bus) -> Prepared:
    """Somebody who was on a staff for a moment; one version for their beginning and one for their end."""
    shop = await new_shop(bus)
    hire = ProvisionStaff(
        tenant_id=shop.tenant_id,
        phone=new_phone(),
        display_name="Dara",
        role_key="CASHIER",
        branch_ids=(await new_branch(bus, shop),),
    )
    hired = (await told(bus, hire, shop.owner)).json
    account = UUID(hired["account_id"])
    leave = RevokeStaff(tenant_id=shop.tenant_id, account_id=account, expected_version=hired["version"])
    await told(bus, leave, shop.owner)
    erased: LiteralString = (
        "SELECT count(*) FROM accounts a WHERE id = %s AND erased_at IS NOT NULL AND version = 2"
        " AND NOT EXISTS (SELECT FROM person_keys k WHERE k.person_id = a.id)"
    )
    command = EraseAccount(account_id=account, reason=REASON)
    return prepared(command, root_admin(bus.stack), ("account.erased",), erased, account)


@case(EraseContact)
async def erase_contact(bus: Bus) -> Prepared:
    """Somebody of another provider joined and left, so that nobody has anything else to do about them."""
    application = await submitted(bus)
    guest, staying = f"guest-{uuid4().hex[:12]}", application.actor.subject
    for version, subjects in ((1, (staying, guest)), (3, (staying,))):
        await told(bus, roster_of(application, version, subjects, issuers={guest: ELSEWHERE}), application.actor)
    erased: LiteralString = (
        "SELECT count(*) FROM partner_contacts c WHERE subject = %s AND erased_at IS NOT NULL AND name = '[erased]'"
        " AND NOT EXISTS (SELECT FROM person_keys k WHERE k.person_id = c.person_id)"
    )
    command = EraseContact(
        partner_id=application.partner_id, expected_version=4, issuer=ELSEWHERE, subject=guest, reason=REASON
    )
    return prepared(command, root_admin(bus.stack), ("partner.contact.erased",), erased, guest)
