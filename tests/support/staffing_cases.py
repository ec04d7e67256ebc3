"""How each command of the staffing service is prepared and its effect counted."""

import hashlib
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID, uuid4

import jwt

from contracts.credentials import (
    CloseSession,
    OpenSession,
    Purpose,
    RefreshSession,
    RequestActivation,
    Session,
    VerifyActivation,
)
from contracts.message import Actor, ActorType, Command
from contracts.provisioning import BulkMode, BulkProvision, BulkRow, ProvisionStaff
from contracts.staff_changes import DisableAccount, EnableAccount
from contracts.staffing import (
    ActivateBranch,
    ActivateTenant,
    CreateBranch,
    CreateTenant,
    FreezeBranch,
    FreezeTenant,
    Owner,
    SetQuotas,
)
from services.staffing.credentials.otp import Otp
from services.wire.sealing import Sealer
from tests.support.bus import Answer, Bus
from tests.support.cases import Prepared, case
from tests.support.people import root_admin
from tests.support.tables import Tables

ANYBODY = Actor(type=ActorType.USER, subject="anonymous")
SECRET = "correct horse battery"
PROVISIONED = ("identity.provisioned", "membership.granted", "staff.provisioned")


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant and its owner, who has no password yet."""

    tenant_id: UUID
    owner: Actor
    phone: str

    @property
    def account_id(self) -> UUID:
        return UUID(self.owner.subject)


def new_phone() -> str:
    drawn = uuid4().int
    return f"+4915{(drawn >> 64) % 3}{drawn % 10**8:08}"


def _tenant(phone: str) -> CreateTenant:
    return CreateTenant(name=f"Café {phone}", region="DE", owner=Owner(phone=phone, display_name="Sokha Owner"))


async def told(bus: Bus, command: Command, actor: Actor) -> Answer:
    answer = await bus.ask(command, actor)
    assert answer.status < 300, answer
    return answer


async def new_shop(bus: Bus) -> Shop:
    phone = new_phone()
    tenant_id = UUID((await told(bus, _tenant(phone), root_admin(bus.stack))).json["id"])
    owner = Tables(bus.stack, "staffing").value("SELECT account_id FROM memberships WHERE tenant_id = %s", tenant_id)
    return Shop(tenant_id, Actor(type=ActorType.STAFF, issuer="gatehouse-staff", subject=str(owner)), phone)


def prepared(
    command: Command, actor: Actor, events: tuple[str, ...], counted: LiteralString, *args: object, less: int = 0
) -> Prepared:
    return Prepared(command, actor, lambda tables: tables.value(counted, *args) - less, events)


@case(CreateTenant)
async def create_tenant(bus: Bus) -> Prepared:
    command = _tenant(new_phone())
    events = ("tenant.created", *PROVISIONED)
    return prepared(
        command, root_admin(bus.stack), events, "SELECT count(*) FROM tenants WHERE name = %s", command.name
    )


@case(FreezeTenant)
async def freeze_tenant(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    version = "SELECT version FROM tenants WHERE id = %s"
    command = FreezeTenant(tenant_id=shop.tenant_id)
    return prepared(command, shop.owner, ("tenant.frozen",), version, shop.tenant_id, less=1)


@case(ActivateTenant)
async def activate_tenant(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    await told(bus, FreezeTenant(tenant_id=shop.tenant_id), shop.owner)
    version = "SELECT version FROM tenants WHERE id = %s"
    command = ActivateTenant(tenant_id=shop.tenant_id)
    return prepared(command, shop.owner, ("tenant.activated",), version, shop.tenant_id, less=2)


@case(CreateBranch)
async def create_branch(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    counted = "SELECT count(*) FROM branches WHERE tenant_id = %s"
    command = CreateBranch(tenant_id=shop.tenant_id, name="Riverside")
    return prepared(command, shop.owner, ("branch.created",), counted, shop.tenant_id)


async def new_branch(bus: Bus, shop: Shop) -> UUID:
    opened = await told(bus, CreateBranch(tenant_id=shop.tenant_id, name="Old Market"), shop.owner)
    return UUID(opened.json["id"])


@case(FreezeBranch)
async def freeze_branch(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    branch = await new_branch(bus, shop)
    command = FreezeBranch(tenant_id=shop.tenant_id, branch_id=branch)
    return prepared(
        command, shop.owner, ("branch.frozen",), "SELECT version FROM branches WHERE id = %s", branch, less=1
    )


@case(ActivateBranch)
async def activate_branch(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    branch = await new_branch(bus, shop)
    await told(bus, FreezeBranch(tenant_id=shop.tenant_id, branch_id=branch), shop.owner)
    command = ActivateBranch(tenant_id=shop.tenant_id, branch_id=branch)
    return prepared(
        command, shop.owner, ("branch.activated",), "SELECT version FROM branches WHERE id = %s", branch, less=2
    )


@case(ProvisionStaff)
async def provision_staff(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    branches = (await new_branch(bus, shop), await new_branch(bus, shop))
    command = ProvisionStaff(
        tenant_id=shop.tenant_id, phone=new_phone(), display_name="Dara", role_key="CASHIER", branch_ids=branches
    )
    events = (*PROVISIONED, "branch_access.granted", "branch_access.granted")
    counted = "SELECT count(*) FROM memberships WHERE tenant_id = %s"
    return prepared(command, shop.owner, events, counted, shop.tenant_id, less=1)


@case(BulkProvision)
async def bulk_provision(bus: Bus) -> Prepared:
    """Two people, so two of each event."""
    shop = await new_shop(bus)
    branch = await new_branch(bus, shop)
    rows = tuple(
        BulkRow(key=f"row-{n}", phone=new_phone(), display_name="Dara", role_key="CASHIER", branch_ids=(branch,))
        for n in range(2)
    )
    command = BulkProvision(tenant_id=shop.tenant_id, mode=BulkMode.PER_ROW, rows=rows)
    events = (*PROVISIONED, "branch_access.granted") * 2
    counted = "SELECT count(*) / 2 FROM staff_bulk_rows r JOIN memberships m USING (account_id) WHERE r.tenant_id = %s"
    return prepared(command, shop.owner, events, counted, shop.tenant_id)


@case(SetQuotas)
async def set_quotas(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    command = SetQuotas(tenant_id=shop.tenant_id, staff=7, branches=7, role_keys=7)
    version = "SELECT version FROM tenants WHERE id = %s"
    return prepared(command, root_admin(bus.stack), ("tenant.quotas_set",), version, shop.tenant_id, less=1)


@case(RequestActivation)
async def request_activation(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    counted = "SELECT count(*) FROM otp_challenges WHERE account_id = %s"
    asked = ("identity.activation_requested",)
    return prepared(RequestActivation(phone=shop.phone), ANYBODY, asked, counted, shop.account_id)


@case(VerifyActivation)
async def verify_activation(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    await told(bus, RequestActivation(phone=shop.phone), ANYBODY)
    tried = "SELECT attempts FROM otp_challenges WHERE account_id = %s"
    return prepared(_verification(bus, shop), ANYBODY, ("identity.activated",), tried, shop.account_id)


@case(OpenSession)
async def open_session(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    await _activate(bus, shop)
    counted = "SELECT count(*) FROM sessions WHERE account_id = %s"
    return prepared(_login(bus, shop), ANYBODY, ("session.opened",), counted, shop.account_id)


@case(RefreshSession)
async def refresh_session(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    session_id, session = await _logged_in(bus, shop)
    used = "SELECT count(*) FROM refresh_tokens WHERE session_id = %s AND used_at IS NOT NULL"
    command = RefreshSession(refresh_sha256=hashlib.sha256(session.refresh_token.encode()).hexdigest())
    return prepared(command, ANYBODY, ("session.refreshed",), used, session_id)


@case(CloseSession)
async def close_session(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    session_id, _ = await _logged_in(bus, shop)
    caller = shop.owner.model_copy(update={"session_id": session_id})
    ended = "SELECT count(*) FROM sessions WHERE id = %s AND revoked_at IS NOT NULL"
    return prepared(CloseSession(), caller, ("session.ended",), ended, session_id)


@case(DisableAccount)
async def disable_account(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    disabled = "SELECT count(*) FROM accounts WHERE id = %s AND disabled_at IS NOT NULL"
    command = DisableAccount(account_id=shop.account_id, reason="Lost their phone")
    return prepared(command, root_admin(bus.stack), ("account.disabled",), disabled, shop.account_id)


@case(EnableAccount)
async def enable_account(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    await told(bus, DisableAccount(account_id=shop.account_id), root_admin(bus.stack))
    enabled = "SELECT count(*) FROM accounts WHERE id = %s AND disabled_at IS NULL"
    command = EnableAccount(account_id=shop.account_id)
    return prepared(command, root_admin(bus.stack), ("account.enabled",), enabled, shop.account_id)


async def _activate(bus: Bus, shop: Shop) -> None:
    await told(bus, RequestActivation(phone=shop.phone), ANYBODY)
    await told(bus, _verification(bus, shop), ANYBODY)


def _login(bus: Bus, shop: Shop) -> OpenSession:
    return OpenSession(phone=shop.phone, sealed_password=_sealed(bus, SECRET, Purpose.PASSWORD, shop.phone))


async def _logged_in(bus: Bus, shop: Shop) -> tuple[UUID, Session]:
    await _activate(bus, shop)
    sealed = (await told(bus, _login(bus, shop), ANYBODY)).json["sealed"]
    opened = Sealer(bus.stack.state.secrets["credential_key"]).unseal(sealed, Purpose.SESSION, shop.phone)
    session = Session.model_validate_json(opened)
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    return UUID(claims["sid"]), session


def _verification(bus: Bus, shop: Shop) -> VerifyActivation:
    newest = "SELECT id FROM otp_challenges WHERE account_id = %s ORDER BY created_at DESC LIMIT 1"
    challenge = Tables(bus.stack, "staffing").value(newest, shop.account_id)
    code = Otp(bus.stack.state.secrets["otp_pepper"]).code(challenge)
    return VerifyActivation(
        phone=shop.phone,
        sealed_code=_sealed(bus, code, Purpose.CODE, shop.phone),
        sealed_password=_sealed(bus, SECRET, Purpose.PASSWORD, shop.phone),
    )


def _sealed(bus: Bus, secret: str, *purpose: str) -> str:
    return Sealer(bus.stack.state.secrets["credential_key"]).seal(secret, *purpose)
