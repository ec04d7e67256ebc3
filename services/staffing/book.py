"""What one batch of staffing commands sees and changes: loaded before the handlers run, written after them."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import UUID

from services.chassis import Aggregate, Call, Fact
from services.exports.book import ExportBook
from services.staffing.account import Account
from services.staffing.credentials.notification import Prompts
from services.staffing.erasure.erased import Erasure
from services.staffing.phone import PhoneFault, e164
from services.staffing.provisioning.bulk_rows import DoneRow, RowKey
from services.staffing.provisioning.usage import Count, Counted
from services.staffing.staff import Staff
from services.staffing.tenant import Branch, Role, Tenant
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring

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
    `ties` are the tenants of whom this batch may erase, `erased` who is erased already, `erasures` who is erased now.
    """

    root_admins: Allowlist
    staff_issuer: str
    prompts: Prompts
    keys: Keyring
    sessions: set[UUID] = field(default_factory=set)
    tenants: dict[UUID, Tenant] = field(default_factory=dict)
    branches: dict[UUID, Branch] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    actors: dict[Seat, Staff] = field(default_factory=dict)
    staff: dict[Seat, Staff] = field(default_factory=dict)
    owners: dict[UUID, set[UUID]] = field(default_factory=dict)
    roles_in_use: set[tuple[UUID, str]] = field(default_factory=set)
    shut_out: set[UUID] = field(default_factory=set)
    erased: dict[UUID, Account] = field(default_factory=dict)
    ties: dict[UUID, set[UUID]] = field(default_factory=dict)
    erasures: list[Erasure] = field(default_factory=list)
    counts: dict[UUID, Count] = field(default_factory=dict)
    done_rows: dict[RowKey, DoneRow] = field(default_factory=dict)
    new_rows: list[DoneRow] = field(default_factory=list)
    stored: dict[UUID, int] = field(default_factory=dict)
    stored_roles: dict[tuple[UUID, str], Role] = field(default_factory=dict)
    phones: dict[tuple[str, str], str | PhoneFault] = field(default_factory=dict)
    exports: ExportBook = field(default_factory=ExportBook)

    def phone(self, raw: str, region: str) -> str | PhoneFault:
        """The number in E.164 or what is wrong with it; each spelling is parsed once a batch."""
        spelling = (raw, region)
        if spelling not in self.phones:
            self.phones[spelling] = e164(raw, region)
        return self.phones[spelling]

    def person(self, account_id: UUID) -> Account | None:
        return next((account for account in self.accounts.values() if account.id == account_id), None)

    def stays(self, account_id: UUID) -> list[Staff]:
        """Every membership of this person that is in the book."""
        return [member for member in self.staff.values() if member.account_id == account_id]

    def identity(self, phone: str, call: Call) -> tuple[Account, list[Fact]]:
        """The account of this phone; a new one tells so."""
        known = self.accounts.get(phone)
        if known:
            return known, []
        account, provisioned = Account.provision(phone, call, self.keys)
        self.accounts[phone] = account
        return account, [provisioned]

    def trial(self, tenant_id: UUID, phones: Iterable[str]) -> "Book":
        """A book in which these people may be added to this tenant without this one showing it, unless it adopts it."""
        accounts = {phone: copy(self.accounts[phone]) for phone in phones if phone in self.accounts}
        seats = [(tenant_id, account.id) for account in accounts.values()]
        return replace(
            self,
            prompts=self.prompts.copied(),
            keys=self.keys.copied(),
            accounts=accounts,
            staff={seat: self.staff[seat].copied() for seat in seats if seat in self.staff},
            counts={tenant_id: copy(self.counts[tenant_id])},
            done_rows=dict(self.done_rows),
            new_rows=[],
        )

    def adopt(self, trial: "Book") -> None:
        self.prompts, self.keys = trial.prompts, trial.keys
        self.accounts |= trial.accounts
        self.staff |= trial.staff
        self.actors |= {seat: member for seat, member in trial.staff.items() if seat in self.actors}
        self.counts |= trial.counts
        self.done_rows = trial.done_rows
        self.new_rows += trial.new_rows

    def keep_row(self, row: DoneRow) -> None:
        self.done_rows[row.place] = row
        self.new_rows.append(row)

    def count(self, facts: Iterable[Fact]) -> None:
        """Let what happened show in what its tenant uses."""
        for fact in facts:
            if isinstance(fact.data, Counted):
                count = self.counts[fact.data.tenant_id]
                count.used = count.used.after(fact.data)

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
