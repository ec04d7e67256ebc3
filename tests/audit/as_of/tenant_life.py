"""A tenant's life at random, in memory: people come, change, leave and come back; branches and the tenant freeze."""

import random
from datetime import timedelta
from typing import Any

from contracts.access import DefineRole, RemoveRole
from contracts.message import Actor, Command
from contracts.provisioning import IfExists
from contracts.roles import Role
from contracts.staff_changes import (
    AddBranches,
    ChangeKind,
    ChangeRole,
    LeaveTenant,
    RemoveBranch,
    ReplaceBranches,
    RevokeStaff,
)
from contracts.staff_events import StaffCommandRefused
from contracts.staffing import (
    ActivateBranch,
    ActivateTenant,
    CreateBranch,
    FreezeBranch,
    FreezeTenant,
    MembershipKind,
    Standing,
)
from services.chassis import Outcome
from services.staffing.book import Book
from services.staffing.credentials.caps import OtpLimits
from services.staffing.credentials.notification import Prompts
from services.staffing.credentials.otp import Otp
from services.staffing.handlers import HANDLERS
from services.staffing.provisioning.usage import Count, Limits, Used
from services.staffing.staff import Staff
from services.staffing.tenant import Branch, Tenant
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring
from tests.audit.as_of.telling import Life, Seen
from tests.partners.desk import ISSUER, MASTER, answered, person
from tests.staffing.office import STAFF_ISSUER, Shop, new_phone, provision, staff, tenant_named

ROOT = person("root-1", Role.ROOT_ADMIN)
ROLES = ("CASHIER", "MANAGER", "SHIFT_LEAD")


class TenantLife(Life):
    """The book of one batch that never ends: whoever was granted a membership may act at once."""

    refused_as = StaffCommandRefused

    def __init__(self, dice: random.Random, steps: int) -> None:
        super().__init__(dice)
        limits = OtpLimits(timedelta(0), {})
        self.book = Book(Allowlist(ISSUER, "root-1"), STAFF_ISSUER, Prompts(Otp("pepper"), limits), Keyring(MASTER))
        self.book.actors = self.book.staff
        self.phones = [new_phone() for _ in range(4)]
        with self.watched({Staff: look_at_staff, Tenant: look_at_place, Branch: look_at_place}):
            self._open()
            for _ in range(steps):
                self._step()

    def run(self, command: Command, actor: Actor) -> Outcome:
        self.book.owners = {
            tenant: {
                account
                for (of, account), member in self.book.staff.items()
                if of == tenant and member.membership_kind is MembershipKind.OWNER and member.status is Standing.ACTIVE
            }
            for tenant in self.book.tenants
        }
        call = self.call(actor)
        outcome = answered(HANDLERS[type(command)](command, call, self.book))
        self.tell(command, call, outcome)
        return outcome

    def _open(self) -> None:
        self.run(tenant_named("Café Central", self.phones[0]), ROOT)
        [tenant] = self.book.tenants
        [(_, owner)] = self.book.staff
        self.book.counts[tenant] = Count(Limits(100, 100, 100), Used(staff=1, branches=2))
        for name in ("Riverside", "Old Market"):
            self.run(CreateBranch(tenant_id=tenant, name=name), staff(owner))
        first, second = self.book.branches
        self.shop = Shop(tenant, staff(owner), self.phones[0], (first, second))

    def _step(self) -> None:
        actor = self.shop.owner if self.dice.random() < 0.8 else staff(self.dice.choice(list(self.book.staff))[1])
        command = self._command()
        frozen = isinstance(command, FreezeTenant)
        self.run(command, actor)
        if frozen:
            self.run(ActivateTenant(tenant_id=self.shop.tenant_id), ROOT)

    def _command(self) -> Command:
        dice, tenant = self.dice, {"tenant_id": self.shop.tenant_id}
        (_, account), target = dice.choice(list(self.book.staff.items())[-3:])
        member: dict[str, Any] = {**tenant, "account_id": account, "expected_version": target.version}
        branches = tuple(dice.sample(self.shop.branches, dice.choice((1, 2))))
        role_key = dice.choice(ROLES)
        hire: dict[str, Any] = {"phone": dice.choice(self.phones), "branch_ids": branches, "role_key": role_key}
        update = hire | {"if_exists": IfExists.UPDATE, "display_name": dice.choice(("Dara", "Bopha"))}
        commands: dict[Command, int] = {
            provision(self.shop, **hire): 6,
            provision(self.shop, **update): 3,
            ChangeRole(**member, role_key=role_key): 3,
            ChangeKind(**member, kind=dice.choice((MembershipKind.OWNER, MembershipKind.MEMBER))): 2,
            AddBranches(**member, branch_ids=branches, reason="busy"): 3,
            ReplaceBranches(**member, branch_ids=branches, reason="moved"): 3,
            RemoveBranch(**member, branch_id=branches[0]): 2,
            RevokeStaff(**member, reason="gone"): 3,
            LeaveTenant(**tenant): 1,
            DefineRole(**tenant, role_key="SHIFT_LEAD", level=dice.randint(1, 90), permissions=()): 1,
            RemoveRole(**tenant, role_key="SHIFT_LEAD"): 1,
            FreezeBranch(**tenant, branch_id=branches[0]): 1,
            ActivateBranch(**tenant, branch_id=self.shop.branches[0]): 1,
            ActivateBranch(**tenant, branch_id=self.shop.branches[1]): 1,
            FreezeTenant(**tenant): 1,
        }
        [command] = dice.choices(list(commands), weights=list(commands.values()))
        return command


def look_at_staff(member: Staff) -> Seen:
    return {
        "version": member.version,
        "tenant_id": member.tenant_id,
        "account_id": member.account_id,
        "kind": member.membership_kind,
        "role_key": member.role_key,
        "status": member.status,
        "periods": [*member.periods_over, (member.active_since, member.revoked_at)],
        "branches": [(a.branch_id, a.id, a.assigned_at, a.assigned_by, a.reason) for a in member.active_assignments],
    }


def look_at_place(place: Tenant | Branch) -> Seen:
    return {"status": place.status, "name": place.name}
