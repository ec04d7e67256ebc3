"""The filters of a question as one statement. Pure: a query in, SQL and its arguments out.

Columns only find events; what is shown comes from their bytes, and from columns where these were purged. A time is
turned into a place in the log first, since `recorded_at` never goes back along the positions and is the moment of the
covering checkpoint.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from contracts.audit import ListEvents
from contracts.message import Outcome

EVENTS = """
    SELECT e.raw, e.position, e.recorded_at, encode(e.leaf_hash, 'hex') AS leaf_hash, e.id, e.type, e.schema_version,
        e.aggregate_type, e.aggregate_id, e.aggregate_version, p.id AS purged_by, p.recorded_at AS purged_at
    FROM events e LEFT JOIN events p ON p.position = e.purged_by WHERE {conditions} ORDER BY e.position LIMIT {limit}
"""
_TARGETED = "SELECT t.position FROM event_targets t WHERE t.type = {} AND t.id = {}"
_ABOUT = """
    WITH RECURSIVE kinds AS (
        SELECT min(type) AS type FROM event_targets
        UNION ALL SELECT (SELECT min(t.type) FROM event_targets t WHERE t.type > kinds.type) FROM kinds
        WHERE kinds.type IS NOT NULL)
    SELECT t.position FROM kinds JOIN event_targets t USING (type) WHERE t.id = {}
"""
"""Whatever its type; the few types there are come from the index, one look each."""
_PLACE = """
    coalesce((SELECT size FROM checkpoints WHERE created_at {} {{}} ORDER BY created_at DESC, size DESC LIMIT 1), 0)
"""
_BEFORE, _BY_THEN = _PLACE.format("<"), _PLACE.format("<=")
OF_TENANT = "e.position IN (SELECT t.position FROM event_targets t WHERE t.type = 'tenant' AND t.id = {})"
_BY = "SELECT position FROM events WHERE actor_subject = {}"

CONDITIONS = {
    "aggregate_id": "e.aggregate_id = {}",
    "actor": "e.actor_subject = {}",
    "action": "e.type = {}",
    "recorded_from": f"e.position >= {_BEFORE}",
    "recorded_to": f"e.position < {_BEFORE}",
    "as_of": f"e.position < {_BY_THEN}",
}
_OUTCOMES = {outcome: f"e.outcome = '{outcome}'" for outcome in Outcome}
"""Spelled out, so that the partial index can be used."""

Condition = tuple[str, tuple[Any, ...]]
"""What it asks of an event, with `{}` for each of its values."""


class Statement(NamedTuple):
    sql: str
    arguments: tuple[Any, ...]


def statement(query: ListEvents, tenant_id: UUID | None, after: int | None) -> Statement:
    """What finds one event more than a page; of this tenant only, when there is one, and behind `after`."""
    conditions = list(_asked(query))
    if tenant_id is not None:
        conditions.append((OF_TENANT, (str(tenant_id),)))
    if after is not None:
        conditions.append(("e.position > {}", (after,)))
    texts, arguments = [], list[Any]()
    for text, values in conditions:
        texts.append(text.format(*(f"${len(arguments) + n}" for n, _ in enumerate(values, 1))))
        arguments += values
    sql = EVENTS.format(conditions=" AND ".join(texts) or "true", limit=query.limit + 1)
    return Statement(sql, tuple(arguments))


def _asked(query: ListEvents) -> Iterator[Condition]:
    """The filters that are given; they must all hold."""
    for name, text in CONDITIONS.items():
        if (value := getattr(query, name)) is not None:
            yield text, (value,)
    if query.outcome is not None:
        yield _OUTCOMES[query.outcome], ()
    if query.target_type is not None:
        yield _among(_TARGETED), (query.target_type, query.target_id)
    if query.target is not None:
        yield _about(query.target)
    if query.person is not None:
        yield _among(_BY, _ABOUT), (query.person, query.person)


def _about(target: str) -> Condition:
    """An id may hold a colon itself, so with one in it both readings count."""
    kind, colon, name = target.partition(":")
    if not colon:
        return _among(_ABOUT), (target,)
    return _among(_ABOUT, _TARGETED), (target, kind, name)


def _among(*sources: str) -> str:
    return f"e.position IN ({' UNION '.join(f'({source})' for source in sources)})"
