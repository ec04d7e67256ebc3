"""How each command about a legal hold is prepared and its effect counted."""

from typing import LiteralString

from contracts.legal_holds import (
    HoldAccount,
    HoldPartner,
    HoldTenant,
    ReleaseAccount,
    ReleasePartner,
    ReleaseTenant,
)
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.partner_cases import submitted
from tests.support.people import root_admin
from tests.support.staffing_cases import new_shop, prepared, told

REASON = "court order 2026/114"


@case(HoldPartner)
async def hold_partner(bus: Bus) -> Prepared:
    application = await submitted(bus)
    held: LiteralString = "SELECT count(*) FROM partners WHERE id = %s AND held_at IS NOT NULL AND version = 2"
    command = HoldPartner(partner_id=application.partner_id, reason=REASON)
    return prepared(command, root_admin(bus.stack), ("partner.legal_hold_placed",), held, application.partner_id)


@case(ReleasePartner)
async def release_partner(bus: Bus) -> Prepared:
    application = await submitted(bus)
    await told(bus, HoldPartner(partner_id=application.partner_id, reason=REASON), root_admin(bus.stack))
    free: LiteralString = "SELECT count(*) FROM partners WHERE id = %s AND held_at IS NULL AND version = 3"
    command = ReleasePartner(partner_id=application.partner_id, reason=REASON)
    return prepared(command, root_admin(bus.stack), ("partner.legal_hold_released",), free, application.partner_id)


@case(HoldAccount)
async def hold_account(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    held: LiteralString = "SELECT count(*) FROM accounts WHERE id = %s AND held_at IS NOT NULL AND version = 2"
    command = HoldAccount(account_id=shop.account_id, reason=REASON)
    return prepared(command, root_admin(bus.stack), ("account.legal_hold_placed",), held, shop.account_id)


@case(ReleaseAccount)
async def release_account(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    await told(bus, HoldAccount(account_id=shop.account_id, reason=REASON), root_admin(bus.stack))
    free: LiteralString = "SELECT count(*) FROM accounts WHERE id = %s AND held_at IS NULL AND version = 3"
    command = ReleaseAccount(account_id=shop.account_id, reason=REASON)
    return prepared(command, root_admin(bus.stack), ("account.legal_hold_released",), free, shop.account_id)


@case(HoldTenant)
async def hold_tenant(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    held: LiteralString = "SELECT count(*) FROM tenants WHERE id = %s AND held_at IS NOT NULL AND version = 2"
    command = HoldTenant(tenant_id=shop.tenant_id, reason=REASON)
    return prepared(command, root_admin(bus.stack), ("tenant.legal_hold_placed",), held, shop.tenant_id)


@case(ReleaseTenant)
async def release_tenant(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    await told(bus, HoldTenant(tenant_id=shop.tenant_id, reason=REASON), root_admin(bus.stack))
    free: LiteralString = "SELECT count(*) FROM tenants WHERE id = %s AND held_at IS NULL AND version = 3"
    command = ReleaseTenant(tenant_id=shop.tenant_id, reason=REASON)
    return prepared(command, root_admin(bus.stack), ("tenant.legal_hold_released",), free, shop.tenant_id)
