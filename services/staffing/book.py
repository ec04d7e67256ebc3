"""What one batch of staffing commands sees and changes: loaded before the handlers run, written after them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from services.chassis import Aggregate, Call, Fact
from services.staffing.account import Account
from services.staffing.notification import Prompts
from services.staffing.phone import PhoneFault, e164
from services.staffing.staff import Staff
from services.staffing.tenant import Branch, Role, Tenant
from services.wire.allowlist import Allowlist

A = TypeVar("A", bound=Aggregate)
Seat = tuple[UUID, UUID]
"""A person in a tenant: (tenant id, account id)."""


@dataclass(slots=True)
class Book:
    """Handlers read and change this in memory; one handler sees what an earlier one of its batch did.

    `actors` are the memberships that stood when the batch was loaded: one granted in this batch acts from the next
    on, one revoked in it acts no more. `sessions` are those of the actors that are alive,
    `owners` the active ones of tenants that may lose one,
    `roles_in_use` those roles of a removal that somebody has or had, `shut_out` the accounts whose sessions end.
    """

    root_admins: Allowlist
    staff_issuer: str
    prompts: Prompts
    sessions: set[UUID] = field(default_factory=set)
    tenants: dict[UUID, Tenant] = field(default_factory=dict)
    branches: dict[UUID, Branch] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    actors: dict[Seat, Staff] = field(default_factory=dict)
    staff: dict[Seat, Staff] = field(default_factory=dict)
    owners: dict[UUID, set[UUID]] = field(default_factory=dict)
    roles_in_use: set[tuple[UUID, str]] = field(default_factory=set)
    shut_out: set[UUID] = field(default_factory=set)
    stored: dict[UUID, int] = field(default_factory=dict)
    stored_roles: dict[tuple[UUID, str], Role] = field(default_factory=dict)
    phones: dict[tuple[str, str], str | PhoneFault] = field(default_factory=dict)

    def phone(self, raw: str, region: str) -> str | PhoneFault:
        """The number in E.164 or what is wrong with it; each spelling is parsed once a batch."""
        spelling = (raw, region)
        if spelling not in self.phones:
            self.phones[spelling] = e164(raw, region)
        return self.phones[spelling]

    def person(self, account_id: UUID) -> Account | None:
        return next((account for account in self.accounts.values() if account.id == account_id), None)

    def identity(self, phone: str, call: Call) -> tuple[Account, list[Fact]]:
        """The account of this phone; a new one tells so."""
        known = self.accounts.get(phone)
        if known:
            return known, []
        account, provisioned = Account.provision(phone, call)
        self.accounts[phone] = account
        return account, [provisioned]

    def holds_role(self, tenant_id: UUID, role_key: str) -> bool:
        """Somebody has this role, or had it when their membership ended; in this batch or before it."""
        if (tenant_id, role_key) in self.roles_in_use:
            return True
        return any(member.tenant_id == tenant_id and member.role_key == role_key for member in self.staff.values())

    def know(self, aggregates: Iterable[Aggregate]) -> None:
        """Remember the versions that are stored."""
        self.stored.update({aggregate.id: aggregate.version for aggregate in aggregates})

    def know_staff(self, staff: dict[Seat, Staff]) -> None:
        self.staff |= staff
        self.know(staff.values())
        self.stored.update({a.id: 0 for member in staff.values() for a in member.assignments})

    def new(self, aggregates: Iterable[A]) -> list[A]:
        return [aggregate for aggregate in aggregates if aggregate.id not in self.stored]

    def changed(self, aggregates: Iterable[A]) -> list[A]:
        return [a for a in aggregates if self.stored.get(a.id, a.version) != a.version]
