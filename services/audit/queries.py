"""Answers from the log. Events are given from their raw bytes; columns only find them."""

from typing import Any

import orjson

from contracts.audit import CheckpointView, EventPage, EventView, GetCheckpoint, GetEvent, ListEvents
from contracts.failures import Code
from services.chassis import Call, Outcome, Read, Refusal, Reply

_EVENTS = """
    SELECT e.raw, e.position, e.recorded_at, encode(e.leaf_hash, 'hex') AS leaf_hash
    FROM {source} WHERE {conditions} ORDER BY e.position LIMIT {limit}
"""
_BY_TARGET = "event_targets t JOIN events e USING (position)"
_NEWEST = "SELECT size, encode(root, 'hex') AS root, note, created_at FROM checkpoints ORDER BY size DESC LIMIT 1"

_CONDITIONS = {
    "target_type": "t.type = {}",
    "target_id": "t.id = {}",
    "aggregate_id": "e.aggregate_id = {}",
    "actor": "e.actor_subject = {}",
    "action": "e.type = {}",
    "starting_after": "e.position > {}",
}
"""Each filter of the query and what it asks of a row; the filters that are given must all hold."""


async def list_events(query: ListEvents, _: Call, read: Read) -> Outcome:
    given = {name: value for name in _CONDITIONS if (value := getattr(query, name)) is not None}
    conditions = [_CONDITIONS[name].format(f"${n}") for n, name in enumerate(given, 1)]
    statement = _EVENTS.format(
        source=_BY_TARGET if query.target_type else "events e",
        conditions=" AND ".join(conditions) or "true",
        limit=query.limit + 1,
    )
    rows = (await read.exec_driver_sql(statement, tuple(given.values()))).all()
    page = EventPage(data=tuple(map(_view, rows[: query.limit])), has_more=len(rows) > query.limit)
    return Reply(200, page)


async def get_event(query: GetEvent, _: Call, read: Read) -> Outcome:
    statement = _EVENTS.format(source="events e", conditions="e.id = $1", limit=1)
    row = (await read.exec_driver_sql(statement, (query.event_id,))).first()
    return Reply(200, _view(row)) if row else Refusal(Code.NOT_FOUND)


async def get_checkpoint(_: GetCheckpoint, __: Call, read: Read) -> Outcome:
    newest = (await read.exec_driver_sql(_NEWEST)).mappings().first()
    if newest is None:
        return Refusal(Code.NOT_FOUND, "nothing has been recorded yet")
    return Reply(200, CheckpointView(**newest))


def _view(row: Any) -> EventView:
    added = {"position": row.position, "recorded_at": row.recorded_at, "leaf_hash": row.leaf_hash}
    return EventView.model_validate({**orjson.loads(row.raw), **added})
