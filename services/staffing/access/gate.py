"""Who may ask about a tenant: the same decision as for its commands, on facts read for this one question."""

from uuid import UUID

from contracts.access import Action
from contracts.failures import Code
from contracts.message import Actor
from contracts.roles import Role
from services.chassis import Read, Refusal
from services.staffing.access.admission import account_of, refusal
from services.staffing.access.facts import load_facts
from services.staffing.access.verdict import decide

READERS = frozenset({Role.ROOT_ADMIN, Role.OPS, Role.AUDITOR})
"""Who may look at every tenant."""


async def refused(action: Action, tenant_id: UUID, actor: Actor, staff_issuer: str, read: Read) -> Refusal | None:
    """None when the actor is a member who may do this in the tenant; it is not there for anybody outside."""
    account_id = account_of(actor, staff_issuer)
    if account_id is None:
        return Refusal(Code.NOT_FOUND)
    return refusal(decide(await load_facts(read, tenant_id, account_id, actor), action))
