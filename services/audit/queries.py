"""Answers from the log. Events are given from their raw bytes; columns find them, and tell what stays of a stub."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from contracts.audit import (
    READERS,
    CheckpointView,
    EventPage,
    EventView,
    GetCheckpoint,
    GetEvent,
    ListEvents,
    PurgedView,
)
from contracts.failures import Code
from contracts.message import Actor, ActorType
from contracts.roles import Role
from services.audit.envelope import DERIVED
from services.audit.owners import owns
from services.audit.search import EVENTS, OF_TENANT, statement
from services.chassis import Call, Outcome, Read, Refusal, Reply, fetch

_KEPT = DERIVED[: DERIVED.index("actor_type")]
_NEWEST = "SELECT size, encode(root, 'hex') AS root, note, created_at FROM checkpoints ORDER BY size DESC LIMIT 1"
_PLACE = "SELECT e.position FROM events e WHERE e.id = $1"
_TENANTS = """
    SELECT t.id FROM events e JOIN event_targets t USING (position) WHERE e.id = $1 AND t.type = 'tenant'
"""


async def list_events(query: ListEvents, call: Call, read: Read) -> Outcome:
    if refused := _refusal_to_unseal(query, call):
        return refused
    ends = [end for end in (query.recorded_to, query.as_of) if end]
    if query.recorded_from and any(query.recorded_from > end for end in ends):
        return Refusal(Code.AUDIT_RANGE_INVALID)
    tenant = await _scope(query, call, read)
    if isinstance(tenant, Refusal):
        return tenant
    after = await _place(query.starting_after, tenant, read)
    if isinstance(after, Refusal):
        return after
    found = statement(query, tenant, after)
    rows = (await read.exec_driver_sql(found.sql, found.arguments)).all()
    page = EventPage(data=tuple(map(_view, rows[: query.limit])), has_more=len(rows) > query.limit)
    return Reply(200, page)


async def get_event(query: GetEvent, call: Call, read: Read) -> Outcome:
    refused = _refusal_to_unseal(query, call) or await refusal_to_show(query.event_id, call, read)
    if refused:
        return refused
    row = (await read.exec_driver_sql(EVENTS.format(conditions="e.id = $1", limit=1), (query.event_id,))).first()
    return Reply(200, _view(row)) if row else Refusal(Code.NOT_FOUND)


async def get_checkpoint(_: GetCheckpoint, __: Call, read: Read) -> Outcome:
    newest = (await read.exec_driver_sql(_NEWEST)).mappings().first()
    if newest is None:
        return Refusal(Code.NOT_FOUND, "nothing has been recorded yet")
    return Reply(200, CheckpointView(**newest))


async def refusal_to_show(event_id: UUID, call: Call, read: Read) -> Refusal | None:
    """Why this event is not for them."""
    if call.actor.holds_any(READERS):
        return None
    return await refusal_to_outsider(call.actor, read, [row.id for row in await fetch(read, _TENANTS, event_id)])


async def refusal_to_outsider(actor: Actor, read: Read, tenants: Sequence[str]) -> Refusal | None:
    """For who reads only what is of their own tenant; a stranger's and what does not exist look the same (S2.21)."""
    if actor.type is not ActorType.STAFF:
        return _outsider()
    return None if await owns(read, actor, tenants) else Refusal(Code.NOT_FOUND)


async def _scope(query: ListEvents, call: Call, read: Read) -> UUID | Refusal | None:
    """The only tenant whose events may be shown; None where everything may."""
    if call.actor.holds_any(READERS):
        return query.tenant_id
    chosen = call.actor.chosen
    tenant = query.tenant_id or (chosen.tenant_id if chosen else None)
    if tenant is None or call.actor.type is not ActorType.STAFF:
        return _outsider()
    return tenant if await owns(read, call.actor, [str(tenant)]) else Refusal(Code.NOT_FOUND)


async def _place(cursor: int | UUID | None, tenant: UUID | None, read: Read) -> int | Refusal | None:
    """The position that a cursor means; the id of an event that is not shown is no cursor."""
    if not isinstance(cursor, UUID):
        return cursor
    if tenant is None:
        found = await fetch(read, _PLACE, cursor)
    else:
        found = await fetch(read, f"{_PLACE} AND {OF_TENANT.format('$2')}", cursor, str(tenant))
    return found[0].position if found else Refusal(Code.CURSOR_INVALID)


def _refusal_to_unseal(query: ListEvents | GetEvent, call: Call) -> Refusal | None:
    """Plain text is for those who may erase it; whoever checks the log needs none."""
    if query.unseal and not call.actor.holds_any(frozenset({Role.ROOT_ADMIN})):
        return Refusal(Code.ROLE_REQUIRED, f"unseal needs {Role.ROOT_ADMIN}")
    return None


def _outsider() -> Refusal:
    return Refusal(Code.ROLE_REQUIRED, f"needs one of {', '.join(sorted(READERS))}, or a tenant of one's own")


def _view(row: Any) -> EventView:
    added = {"position": row.position, "recorded_at": row.recorded_at, "leaf_hash": row.leaf_hash}
    if row.raw is None:
        kept = {name: getattr(row, name) for name in _KEPT}
        return EventView(**kept, **added, purged=PurgedView(by_event=row.purged_by, at=row.purged_at))
    return EventView.model_validate({**orjson.loads(row.raw), **added})
