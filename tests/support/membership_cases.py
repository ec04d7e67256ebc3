"""How each command about a membership or a role is prepared and its effect counted."""

from typing import Any, LiteralString
from uuid import UUID

from contracts.access import DefineRole, RemoveRole
from contracts.message import Actor, ActorType
from contracts.provisioning import ProvisionStaff
from contracts.staff_changes import (
    AddBranches,
    ChangeKind,
    ChangeRole,
    LeaveTenant,
    RemoveBranch,
    ReplaceBranches,
    RevokeStaff,
)
from contracts.staffing import MembershipKind
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.staffing_cases import Shop, new_branch, new_phone, new_shop, prepared, told

VERSION: LiteralString = "SELECT version FROM memberships WHERE tenant_id = %s AND account_id = %s"


class Hired:
    """A cashier of one branch, at version 3, in a shop with another branch."""

    def __init__(self, shop: Shop, account_id: UUID, branch: UUID, other: UUID) -> None:
        self.shop, self.account_id, self.branch, self.other = shop, account_id, branch, other

    @classmethod
    async def by(cls, bus: Bus) -> "Hired":
        shop = await new_shop(bus)
        branch, other = await new_branch(bus, shop), await new_branch(bus, shop)
        hire = ProvisionStaff(
            tenant_id=shop.tenant_id, phone=new_phone(), display_name="Dara", role_key="CASHIER", branch_ids=(branch,)
        )
        hired = await told(bus, hire, shop.owner)
        return cls(shop, UUID(hired.json["account_id"]), branch, other)

    @property
    def actor(self) -> Actor:
        return self.shop.owner.model_copy(update={"subject": str(self.account_id), "type": ActorType.STAFF})

    def change(self, command: Any, events: tuple[str, ...], **more: Any) -> Prepared:
        """By the owner, who saw the version that stands; the effect is one version for each event."""
        about = {"tenant_id": self.shop.tenant_id, "account_id": self.account_id, "expected_version": 3}
        return self.counted(command.model_validate(about | more), self.shop.owner, events)

    def counted(self, command: Any, actor: Actor, events: tuple[str, ...]) -> Prepared:
        def effects(tables: Any) -> int:
            return int((tables.value(VERSION, self.shop.tenant_id, self.account_id) - 3) / len(events))

        return Prepared(command, actor, effects, events)


@case(ChangeRole)
async def change_role(bus: Bus) -> Prepared:
    return (await Hired.by(bus)).change(ChangeRole, ("membership.role_changed",), role_key="MANAGER")


@case(ChangeKind)
async def change_kind(bus: Bus) -> Prepared:
    return (await Hired.by(bus)).change(ChangeKind, ("membership.kind_changed",), kind=MembershipKind.OWNER)


@case(AddBranches)
async def add_branches(bus: Bus) -> Prepared:
    hired = await Hired.by(bus)
    return hired.change(AddBranches, ("branch_access.granted",), branch_ids=(hired.other,))


@case(ReplaceBranches)
async def replace_branches(bus: Bus) -> Prepared:
    hired = await Hired.by(bus)
    events = ("branch_access.removed", "branch_access.granted")
    return hired.change(ReplaceBranches, events, branch_ids=(hired.other,))


@case(RemoveBranch)
async def remove_branch(bus: Bus) -> Prepared:
    hired = await Hired.by(bus)
    return hired.change(RemoveBranch, ("branch_access.removed",), branch_id=hired.branch)


@case(RevokeStaff)
async def revoke_staff(bus: Bus) -> Prepared:
    return (await Hired.by(bus)).change(RevokeStaff, ("membership.revoked", "branch_access.removed"), reason="gone")


@case(LeaveTenant)
async def leave_tenant(bus: Bus) -> Prepared:
    hired = await Hired.by(bus)
    command = LeaveTenant(tenant_id=hired.shop.tenant_id)
    return hired.counted(command, hired.actor, ("membership.revoked", "branch_access.removed"))


@case(DefineRole)
async def define_role(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    command = DefineRole(tenant_id=shop.tenant_id, role_key="BARISTA", level=20, permissions=("branch.work",))
    version: LiteralString = "SELECT version FROM tenants WHERE id = %s"
    return prepared(command, shop.owner, ("role.defined",), version, shop.tenant_id, less=1)


@case(RemoveRole)
async def remove_role(bus: Bus) -> Prepared:
    shop = await new_shop(bus)
    defined = DefineRole(tenant_id=shop.tenant_id, role_key="BARISTA", level=20, permissions=())
    await told(bus, defined, shop.owner)
    version: LiteralString = "SELECT version FROM tenants WHERE id = %s"
    command = RemoveRole(tenant_id=shop.tenant_id, role_key="BARISTA")
    return prepared(command, shop.owner, ("role.removed",), version, shop.tenant_id, less=2)
