"""Who owns a tenant, answered from the log itself (A13).

The log holds every `membership.*` event, so it can tell who is an owner now without a copy that could differ from it,
and without asking a service that may be away. Folded in the order of the membership's own versions: its events come on
several topics, and the later may be recorded first.

Invariant: closed when in doubt. A membership with a version missing owns nothing until that event is here. What decides
who owns is never purged; of other events of a membership, and of sessions long ended, a stub is enough.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from contracts.credentials import AccountDisabled, AccountEnabled, SessionEnded, SessionOpened
from contracts.message import Actor, ActorType
from contracts.staff_events import MembershipGranted, MembershipKindChanged, MembershipRevoked
from contracts.staffing import MembershipKind
from services.chassis import Read, fetch

_MEMBERSHIPS = """
    SELECT m.aggregate_id, m.aggregate_version, m.type, m.raw FROM events m
    WHERE m.aggregate_type = 'membership' AND m.aggregate_id IN (
        SELECT g.aggregate_id FROM event_targets t JOIN event_targets a USING (position) JOIN events g USING (position)
        WHERE t.type = 'tenant' AND t.id = $1 AND a.type = 'account' AND a.id = $2
          AND g.type = 'membership.granted' AND g.aggregate_type = 'membership')
    ORDER BY m.aggregate_id, m.aggregate_version
"""
_ACCOUNT = """
    SELECT type, raw FROM events
    WHERE aggregate_type = 'account' AND aggregate_id = $1 AND type = ANY($2::text[])
    ORDER BY aggregate_version DESC LIMIT 1000
"""
_ENDS_AND_BEGINNINGS = (SessionOpened.type, SessionEnded.type, AccountDisabled.type, AccountEnabled.type)
_CHANGES_OF_KIND = (MembershipGranted.type, MembershipKindChanged.type)


async def owns(read: Read, actor: Actor, tenants: Sequence[str]) -> bool:
    """Whether this actor is an owner of one of these tenants, on a session that has not ended."""
    account = account_of(actor)
    if account is None or not await _is_admitted(read, account, actor.session_id):
        return False
    for tenant in tenants:
        if is_owner(await fetch(read, _MEMBERSHIPS, tenant, str(account))):
            return True
    return False


def account_of(actor: Actor) -> UUID | None:
    """The account behind a staff token; nobody else has one."""
    try:
        return UUID(actor.subject) if actor.type is ActorType.STAFF else None
    except ValueError:
        return None


def is_owner(history: Sequence[Any]) -> bool:
    """From rows of aggregate, version, type and bytes: is one of the memberships whole, and that of an owner?"""
    standing: dict[UUID, tuple[int, bool]] = {}
    for membership, version, kind, raw in history:
        before, owner = standing.get(membership, (0, False))
        if version != before + 1:
            standing[membership] = (-1, False)  # no version follows on this one
            continue
        if kind in _CHANGES_OF_KIND:
            owner = orjson.loads(raw)["data"].get("membership_kind") == MembershipKind.OWNER
        elif kind == MembershipRevoked.type:
            owner = False
        standing[membership] = (version, owner)
    return any(owner for _, owner in standing.values())


async def _is_admitted(read: Read, account: UUID, session_id: UUID | None) -> bool:
    """Newest first: whatever is found first decides. A session so new that the log has not seen it is the gateway's."""
    for kind, raw in await fetch(read, _ACCOUNT, account, list(_ENDS_AND_BEGINNINGS)):
        if kind == AccountDisabled.type:
            return False
        if raw is None:
            continue
        session = orjson.loads(raw)["data"].get("session_id")
        if kind == SessionOpened.type and session == str(session_id):
            return True
        if kind == SessionEnded.type and session in (None, str(session_id)):
            return False
    return True
