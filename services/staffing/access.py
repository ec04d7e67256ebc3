"""Who may: decided on facts of this moment, before anything else is looked at (S2.21).

A stranger gets the same answer for a tenant that exists and one that does not.
"""

from uuid import UUID

from contracts.failures import Code
from contracts.message import Actor, ActorType
from contracts.roles import Role
from contracts.staffing import MembershipKind, Standing
from services.chassis import Refusal
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


def administrator(book: Book, tenant_id: UUID, actor: Actor) -> tuple[Tenant, Staff] | Refusal:
    """The tenant and the owner or admin who acts in it (S2.17)."""
    found = _member(book, tenant_id, actor)
    if isinstance(found, Refusal) or administers(found[1]):
        return found
    return Refusal(Code.PERMISSION_DENIED, "only an owner or an admin of the tenant may do this")


def controller(book: Book, tenant_id: UUID, actor: Actor) -> Tenant | Refusal:
    """The tenant, for one of its owners or a root admin."""
    if is_root_admin(book, actor):
        return book.tenants.get(tenant_id) or Refusal(Code.NOT_FOUND)
    found = _member(book, tenant_id, actor)
    if isinstance(found, Refusal):
        return found
    tenant, member = found
    if member.membership_kind is MembershipKind.OWNER:
        return tenant
    return Refusal(Code.PERMISSION_DENIED, "only an owner of the tenant may do this")


def administers(member: Staff) -> bool:
    return member.membership_kind is MembershipKind.OWNER or member.role_key == ADMIN


def level_of(tenant: Tenant, member: Staff) -> int:
    """How high this member may grant; kind and role are separate facts (S2.12)."""
    return OWNER_LEVEL if member.membership_kind is MembershipKind.OWNER else tenant.roles[member.role_key]


def _member(book: Book, tenant_id: UUID, actor: Actor) -> tuple[Tenant, Staff] | Refusal:
    account_id = account_of(actor, book.staff_issuer)
    tenant = book.tenants.get(tenant_id)
    member = book.actors.get((tenant_id, account_id)) if account_id else None
    if tenant is None or member is None or member.status is not Standing.ACTIVE:
        return Refusal(Code.NOT_FOUND)
    return tenant, member
