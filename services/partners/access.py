"""Who may act for a partner: its current contacts and allowlisted root admins (S1.15); to others it is not there."""

from contracts.failures import Code
from contracts.message import Actor
from contracts.roles import Role
from services.chassis import Refusal
from services.partners.partner import Partner
from services.wire.allowlist import Allowlist

ROOT = frozenset({Role.ROOT_ADMIN})


def is_root_admin(actor: Actor, root_admins: Allowlist) -> bool:
    """The token says so and the allowlist does (S1.19)."""
    return actor.holds_any(ROOT) and root_admins.allows(actor)


def refuse_outsider(partner: Partner | None, actor: Actor, root_admins: Allowlist) -> Refusal | None:
    """None for who may act; a removed contact is told so, since it knows that the partner is there."""
    if partner is None:
        return Refusal(Code.NOT_FOUND)
    if partner.is_contact(actor) or is_root_admin(actor, root_admins):
        return None
    if partner.was_contact(actor):
        return Refusal(Code.CONTACT_REMOVED)
    return Refusal(Code.ROOT_ADMIN_REQUIRED if actor.holds_any(ROOT) else Code.NOT_FOUND)
