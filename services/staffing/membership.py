"""Changes of a membership that stands: another role, another kind, its end.

The gates come in one order for all: may they, is the person there, is the version the one that was seen, is the
membership alive, does the person stand no higher than who acts, and only then what the change itself needs.
"""

from contracts.failures import Code
from contracts.staff_changes import ChangeKind, ChangeRole, LeaveTenant, MemberCommand, RevokeStaff
from contracts.staffing import MembershipKind, Standing
from services.chassis import Call, Fact, Outcome, Refusal, Reply
from services.staffing.access.admission import account_of, level_of, permitted
from services.staffing.book import Book
from services.staffing.provisioning.checks import check_role
from services.staffing.staff import Staff
from services.staffing.tenant import Tenant


def changeable(command: MemberCommand, call: Call, book: Book) -> tuple[Tenant, Staff, Staff] | Refusal:
    """The tenant, who acts and whom it is about; P3: nobody touches somebody above their own level."""
    admitted = permitted(command, call.actor, book)
    if isinstance(admitted, Refusal):
        return admitted
    tenant, actor = admitted
    target = book.staff.get((command.tenant_id, command.account_id))
    if target is None:
        return Refusal(Code.NOT_FOUND)
    if target.version != command.expected_version:
        return Refusal(Code.PRECONDITION_FAILED)
    if target.status is Standing.REVOKED:
        return Refusal(Code.MEMBER_REVOKED)
    if level_of(tenant, target) > level_of(tenant, actor):
        return Refusal(Code.ROLE_CEILING_EXCEEDED, "the person stands above you")
    return tenant, actor, target


def change_role(command: ChangeRole, call: Call, book: Book) -> Outcome:
    found = changeable(command, call, book)
    if isinstance(found, Refusal):
        return found
    tenant, actor, target = found
    if target.membership_kind is MembershipKind.OWNER:
        return Refusal(Code.CANNOT_DEMOTE_OWNER_ROLE)
    refused = check_role(command.role_key, tenant, actor)
    return refused or _as_it_stands(target, target.change_role(command.role_key, call))


def change_kind(command: ChangeKind, call: Call, book: Book) -> Outcome:
    """Ownership is given and taken by owners alone, as the catalogue of actions says."""
    found = changeable(command, call, book)
    if isinstance(found, Refusal):
        return found
    _, _, target = found
    owners = book.owners[command.tenant_id]
    if command.kind is MembershipKind.OWNER:
        owners.add(target.account_id)
    elif _is_last_owner(target, book):
        return Refusal(Code.CANNOT_REMOVE_LAST_OWNER)
    else:
        owners.discard(target.account_id)
    return _as_it_stands(target, target.change_kind(command.kind, call))


def revoke_staff(command: RevokeStaff, call: Call, book: Book) -> Outcome:
    found = changeable(command, call, book)
    if isinstance(found, Refusal):
        return found
    _, _, target = found
    if _is_last_owner(target, book):
        return Refusal(Code.CANNOT_REMOVE_LAST_OWNER)
    return _as_it_stands(target, _end(target, command.reason or "revoked", call, book))


def leave_tenant(command: LeaveTenant, call: Call, book: Book) -> Outcome:
    """Everybody may go; a token of a session that is over says nothing any more."""
    account_id = account_of(call.actor, book.staff_issuer)
    if call.actor.session_id and call.actor.session_id not in book.sessions:
        return Refusal(Code.TOKEN_INVALID, "the session is over")
    member = book.actors.get((command.tenant_id, account_id)) if account_id else None
    if member is None or member.status is Standing.REVOKED:
        return Refusal(Code.NOT_FOUND)
    if _is_last_owner(member, book):
        return Refusal(Code.CANNOT_REMOVE_LAST_OWNER)
    return Reply(204, None, _end(member, "left", call, book, left=True))


def _end(member: Staff, reason: str, call: Call, book: Book, *, left: bool = False) -> list[Fact]:
    book.owners[member.tenant_id].discard(member.account_id)
    book.shut_out.add(member.account_id)
    return member.revoke(reason, call, left=left)


def _is_last_owner(member: Staff, book: Book) -> bool:
    """Under the tenant's lock, so of two owners who turn each other out at once one stays."""
    return book.owners[member.tenant_id] == {member.account_id}


def _as_it_stands(target: Staff, facts: list[Fact]) -> Reply:
    return Reply(200, target.view(), facts, target.etag)
