"""Add a person to the staff in one call: identity, membership, profile and branches, or nothing (S2.1-S2.10)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.failures import Code
from contracts.provisioning import IfExists, Notify, Person, ProvisionStaff
from contracts.staff_changes import ChangeRole, MemberCommand, ReplaceBranches
from contracts.staffing import MembershipKind, NotificationStatus, ProvisioningOutcome
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.staffing.access.admission import level_of, permitted
from services.staffing.account import Account
from services.staffing.book import Book
from services.staffing.provisioning.checks import check_provisioning
from services.staffing.provisioning.decision import Decision, decide_provisioning
from services.staffing.provisioning.plans import as_planned
from services.staffing.provisioning.quotas import Resource, quota_refusal
from services.staffing.staff import Staff, Wanted
from services.staffing.tenant import Tenant


def provision_staff(command: ProvisionStaff, call: Call, book: Book) -> Outcome:
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    adding = Adding(*admitted, command.if_exists, call)
    return as_planned(command, book, adding.add) if command.plan else adding.add(command, book)


@dataclass(frozen=True, slots=True)
class Adding:
    """One call of one actor who adds people to one tenant, one by one or many."""

    tenant: Tenant
    actor: Staff
    if_exists: IfExists
    call: Call

    def add(self, person: Person, book: Book) -> Outcome:
        """The whole person or nothing: a refusal leaves the book as it was."""
        checked = check_provisioning(person, self.tenant, self.actor, book)
        if isinstance(checked, Refusal):
            return checked
        phone, wanted = checked
        known = book.accounts.get(phone)
        standing = book.staff.get((self.tenant.id, known.id)) if known else None
        decision = decide_provisioning(standing, wanted, self.if_exists)
        if standing is None or known is None:
            return self._full(book) or self._create(person, phone, wanted, book)
        if decision is Decision.REACTIVATE:
            return self._full(book) or self._reactivate(person, standing, known, wanted, book)
        if decision is Decision.UPDATE:
            return self._may_not_change(standing, wanted, book) or self._update(standing, wanted, book)
        return _leave(decision, standing, wanted)

    def _full(self, book: Book) -> Refusal | None:
        return quota_refusal(book, self.tenant, Resource.STAFF)

    def _create(self, person: Person, phone: str, wanted: Wanted, book: Book) -> Reply:
        account, identified = book.identity(phone, self.call)
        seat, key = (self.tenant.id, account.id), book.keys.of(account.id)
        staff, granted = Staff.provision(seat, MembershipKind.MEMBER, wanted, self.call, key)
        book.staff[staff.seat] = staff
        prompts, sent = self._prompt(person, account, book)
        return _reply(staff, ProvisioningOutcome.CREATED, [*identified, *granted, *prompts], sent)

    def _reactivate(self, person: Person, standing: Staff, account: Account, wanted: Wanted, book: Book) -> Reply:
        granted = standing.reactivate(wanted, self.call, book.keys.of(account.id))
        prompts, sent = self._prompt(person, account, book)
        return _reply(standing, ProvisioningOutcome.REACTIVATED, [*granted, *prompts], sent)

    def _may_not_change(self, standing: Staff, wanted: Wanted, book: Book) -> Refusal | None:
        """Each change needs the permission of its own call, and nobody changes who stands above them (P3)."""
        if level_of(self.tenant, standing) > level_of(self.tenant, self.actor):
            return Refusal(Code.ROLE_CEILING_EXCEEDED, "this person stands above you")
        for change in _changes(standing, wanted):
            admitted = permitted(change, self.call.actor, book)
            if isinstance(admitted, Refusal):
                return admitted
        return None

    def _update(self, standing: Staff, wanted: Wanted, book: Book) -> Reply:
        key = book.keys.of(standing.account_id)
        facts = [
            *standing.change_role(wanted.role_key, self.call),
            *standing.rename(wanted.display_name, self.call, key),
            *standing.replace(wanted.branch_ids, f"staff {ProvisioningOutcome.UPDATED}", self.call),
        ]
        return _reply(standing, ProvisioningOutcome.UPDATED, facts)

    def _prompt(self, person: Person, account: Account, book: Book) -> tuple[list[Fact], NotificationStatus]:
        if person.notify is Notify.NONE:
            return [], NotificationStatus.NONE
        return book.prompts.tell(account, self.tenant.id, self.call.now)


def _changes(standing: Staff, wanted: Wanted) -> Iterator[MemberCommand]:
    """The calls that would have the same effect; a name has none of its own but this one."""
    who = {
        "tenant_id": standing.tenant_id,
        "account_id": standing.account_id,
        "expected_version": standing.version,
    }
    diff = standing.diff(wanted)
    if "role_key" in diff:
        yield ChangeRole.model_validate(who | {"role_key": wanted.role_key})
    if "branch_ids" in diff:
        yield ReplaceBranches.model_validate(who | {"branch_ids": wanted.branch_ids})


def _leave(decision: Decision, standing: Staff, wanted: Wanted) -> Outcome:
    if decision is Decision.LEAVE:
        return _reply(standing, ProvisioningOutcome.UNCHANGED)
    if decision is Decision.OWNER_STANDS:
        return Refusal(Code.CANNOT_DEMOTE_OWNER_ROLE)
    existing = standing.view().model_dump(mode="json", exclude={"outcome", "notification"})
    extra = {"existing": existing, "diff": standing.diff(wanted)}
    return Refusal(Code.STAFF_ALREADY_EXISTS, extra=extra, about=standing.account_id)


def _reply(
    staff: Staff,
    outcome: ProvisioningOutcome,
    facts: Sequence[Fact] = (),
    sent: NotificationStatus = NotificationStatus.NONE,
) -> Reply:
    status = 201 if outcome is ProvisioningOutcome.CREATED else 200
    location = f"/api/v1/tenants/{staff.tenant_id}/staff/{staff.account_id}"
    return Reply(status, staff.view(outcome, sent), facts, staff.etag, location)
