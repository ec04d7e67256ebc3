"""Add a person to the staff in one call: identity, membership, profile and branches, or nothing (S2.1-S2.10)."""

from collections.abc import Sequence

from contracts.failures import Code
from contracts.provisioning import Notify, ProvisionStaff
from contracts.staffing import MembershipKind, NotificationStatus, ProvisioningOutcome
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.staffing.access import permitted
from services.staffing.account import Account
from services.staffing.book import Book
from services.staffing.checks import check_provisioning
from services.staffing.staff import Decision, Staff, Wanted, decide_provisioning

Prompted = tuple[list[Fact], NotificationStatus]


def provision_staff(command: ProvisionStaff, call: Call, book: Book) -> Outcome:
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    checked = check_provisioning(command, *admitted, book)
    if isinstance(checked, Refusal):
        return checked
    phone, wanted = checked
    known = book.accounts.get(phone)
    standing = book.staff.get((command.tenant_id, known.id)) if known else None
    decision = decide_provisioning(standing, wanted)
    if decision is Decision.CREATE or known is None or standing is None:
        return _create(command, phone, wanted, call, book)
    if decision is Decision.REACTIVATE:
        granted = standing.reactivate(wanted, call)
        prompts, sent = _prompt(command, known, call, book)
        return _reply(standing, ProvisioningOutcome.REACTIVATED, [*granted, *prompts], sent)
    return _leave(decision, standing, wanted)


def _create(command: ProvisionStaff, phone: str, wanted: Wanted, call: Call, book: Book) -> Reply:
    account, identified = book.identity(phone, call)
    staff, granted = Staff.provision(command.tenant_id, account.id, MembershipKind.MEMBER, wanted, call)
    book.staff[staff.seat] = staff
    prompts, sent = _prompt(command, account, call, book)
    return _reply(staff, ProvisioningOutcome.CREATED, [*identified, *granted, *prompts], sent)


def _leave(decision: Decision, standing: Staff, wanted: Wanted) -> Outcome:
    if decision is Decision.LEAVE:
        return _reply(standing, ProvisioningOutcome.UNCHANGED)
    if decision is Decision.OWNER_STANDS:
        return Refusal(Code.CANNOT_DEMOTE_OWNER_ROLE)
    existing = standing.view().model_dump(mode="json", exclude={"outcome", "notification"})
    return Refusal(Code.STAFF_ALREADY_EXISTS, extra={"existing": existing, "diff": standing.diff(wanted)})


def _prompt(command: ProvisionStaff, account: Account, call: Call, book: Book) -> Prompted:
    if command.notify is Notify.NONE:
        return [], NotificationStatus.NONE
    return book.prompts.tell(account, command.tenant_id, call.now)


def _reply(
    staff: Staff,
    outcome: ProvisioningOutcome,
    facts: Sequence[Fact] = (),
    sent: NotificationStatus = NotificationStatus.NONE,
) -> Reply:
    status = 201 if outcome is ProvisioningOutcome.CREATED else 200
    location = f"/api/v1/tenants/{staff.tenant_id}/staff/{staff.account_id}"
    return Reply(status, staff.view(outcome, sent), facts, staff.etag, location)
