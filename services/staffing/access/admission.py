"""Who may: decided on facts of this moment, before anything else is looked at (S2.21).

A stranger gets the same answer for a tenant that exists and one that does not.
"""

from uuid import UUID

from contracts.failures import Code
from contracts.message import Actor, ActorType
from contracts.roles import Role
from contracts.staffing import MembershipKind, TenantCommand
from services.chassis import Refusal
from services.staffing.access.actions import ACTIONS
from services.staffing.access.verdict import Facts, Member, Verdict, decide
from services.staffing.book import Book
from services.staffing.staff import Staff
from services.staffing.tenant import OWNER_LEVEL, Tenant

ROOT_ADMINS = frozenset({Role.ROOT_ADMIN})
_OUTSIDE = frozenset({Code.NO_MEMBERSHIP, Code.MEMBERSHIP_NOT_ACTIVE})


def account_of(actor: Actor, staff_issuer: str) -> UUID | None:
    """The account behind a staff token; nobody else has one."""
    if actor.type is not ActorType.STAFF or actor.issuer != staff_issuer:
        return None
    try:
        return UUID(actor.subject)
    except ValueError:
        return None


def is_root_admin(book: Book, actor: Actor) -> bool:
    return actor.holds_any(ROOT_ADMINS) and book.root_admins.allows(actor)


def permitted(command: TenantCommand, actor: Actor, book: Book) -> tuple[Tenant, Staff] | Refusal:
    """The tenant and the member who acts in it, when they may do this there (S2.17)."""
    account_id = account_of(actor, book.staff_issuer)
    tenant = book.tenants.get(command.tenant_id)
    member = book.actors.get((command.tenant_id, account_id)) if account_id else None
    facts = Facts(
        tenant_id=command.tenant_id,
        session_over=bool(actor.session_id) and actor.session_id not in book.sessions,
        tenant=tenant.status if tenant else None,
        member=as_member(member) if member else None,
        roles=tenant.roles if tenant else {},
        chosen=actor.chosen,
    )
    refused = refusal(decide(facts, ACTIONS.get(type(command))))
    if refused or tenant is None or member is None:
        return refused or Refusal(Code.NOT_FOUND)
    return tenant, member


def refusal(verdict: Verdict) -> Refusal | None:
    """What a route of the tenant answers; for those outside, it is not there."""
    return Refusal(Code.NOT_FOUND) if verdict.code in _OUTSIDE else explained(verdict)


def explained(verdict: Verdict) -> Refusal | None:
    """The reason by its own code, and what is missing."""
    if verdict.code is None:
        return None
    return Refusal(verdict.code, "".join(f"missing: {fact.kind} {fact.value}" for fact in verdict.missing))


def as_member(staff: Staff) -> Member:
    return Member(staff.membership_kind, staff.role_key, staff.status, staff.active_since)


def controller(command: TenantCommand, actor: Actor, book: Book) -> Tenant | Refusal:
    """The tenant, for those whom it permits or a root admin."""
    if is_root_admin(book, actor):
        return book.tenants.get(command.tenant_id) or Refusal(Code.NOT_FOUND)
    found = permitted(command, actor, book)
    return found if isinstance(found, Refusal) else found[0]


def level_of(tenant: Tenant, member: Staff) -> int:
    """How high this member may grant; kind and role are separate facts (S2.12)."""
    return OWNER_LEVEL if member.membership_kind is MembershipKind.OWNER else tenant.roles[member.role_key].level
