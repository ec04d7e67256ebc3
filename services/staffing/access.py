"""Who may: decided on facts of this moment, before anything else is looked at (S2.21).

A stranger gets the same answer for a tenant that exists and one that does not.
"""

from uuid import UUID

from contracts.access import OWNER_ONLY, WHILE_FROZEN
from contracts.failures import Code
from contracts.message import Actor, ActorType
from contracts.roles import Role
from contracts.staffing import MembershipKind, Standing, Status, TenantCommand
from services.chassis import Refusal
from services.staffing.actions import ACTIONS
from services.staffing.book import Book
from services.staffing.staff import Staff
from services.staffing.tenant import ADMIN, OWNER_LEVEL, Tenant

ROOT_ADMINS = frozenset({Role.ROOT_ADMIN})


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
    action = ACTIONS.get(type(command))
    if action is None:
        return Refusal(Code.ROUTE_NOT_REGISTERED)
    found = _member(book, command.tenant_id, actor)
    if isinstance(found, Refusal):
        return found
    tenant, member = found
    if not may(tenant, member, action):
        return Refusal(Code.PERMISSION_DENIED, f"no role of yours permits {action}")
    if tenant.status is not Status.ACTIVE and action not in WHILE_FROZEN:
        return Refusal(Code.TENANT_NOT_ACTIVE)
    return found


def controller(command: TenantCommand, actor: Actor, book: Book) -> Tenant | Refusal:
    """The tenant, for those whom it permits or a root admin."""
    if is_root_admin(book, actor):
        return book.tenants.get(command.tenant_id) or Refusal(Code.NOT_FOUND)
    found = permitted(command, actor, book)
    return found if isinstance(found, Refusal) else found[0]


def may(tenant: Tenant, member: Staff, action: str) -> bool:
    if member.membership_kind is MembershipKind.OWNER:
        return True
    return action not in OWNER_ONLY and action in tenant.roles[member.role_key].permissions


def administers(member: Staff) -> bool:
    return member.membership_kind is MembershipKind.OWNER or member.role_key == ADMIN


def level_of(tenant: Tenant, member: Staff) -> int:
    """How high this member may grant; kind and role are separate facts (S2.12)."""
    return OWNER_LEVEL if member.membership_kind is MembershipKind.OWNER else tenant.roles[member.role_key].level


def _member(book: Book, tenant_id: UUID, actor: Actor) -> tuple[Tenant, Staff] | Refusal:
    account_id = account_of(actor, book.staff_issuer)
    tenant = book.tenants.get(tenant_id)
    member = book.actors.get((tenant_id, account_id)) if account_id else None
    if actor.session_id and actor.session_id not in book.sessions:
        return Refusal(Code.TOKEN_INVALID, "the session is over")
    if tenant is None or member is None or member.status is not Standing.ACTIVE:
        return Refusal(Code.NOT_FOUND)
    return tenant, member
