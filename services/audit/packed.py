"""Pages of the log whose columns are compared with their bytes as text. Pure, but for the SQL.

PostgreSQL writes the columns of a row into one text, the verifier writes the same text from the bytes: one comparison
instead of eighteen values that are read, made and compared. Nothing is found here: a page that does not agree, for
whatever reason, is read once more, value by value.

Invariant: equal texts mean equal columns. The text of a row with a NULL in it is NULL, but for the two columns that may
be, which are marked; and no separator stands in a value, for the texts have just as many as there are ends of values.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

UNIT, RECORD = "\x1f", "\x1e"
_AT_ONCE = 250
"""Events whose documents are in memory together: few enough for the processor's cache."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""From which PostgreSQL counts microseconds."""

_UNITS = 14
_GONE = "raw, actor_type, actor_issuer, actor_subject, command_id, request_id, outcome, reason_code, occurred_at"
_TEXT = """
    position::text || E'\\x1f' || id::text || E'\\x1f' || type || E'\\x1f' || schema_version::text || E'\\x1f' ||
    aggregate_type || E'\\x1f' || aggregate_id::text || E'\\x1f' || aggregate_version::text || E'\\x1f' ||
    actor_type || E'\\x1f' || coalesce('s' || actor_issuer, 'n') || E'\\x1f' || actor_subject || E'\\x1f' ||
    command_id::text || E'\\x1f' || request_id || E'\\x1f' || outcome || E'\\x1f' || coalesce('s' || reason_code, 'n')
    || E'\\x1f' || (occurred_at AT TIME ZONE 'UTC')::text || 'Z'
"""
EVENTS = f"""
    SELECT raw, coalesce(leaf_hash, ''), timestamptz_send(recorded_at),
        CASE WHEN purged_by IS NULL THEN {_TEXT} WHEN num_nonnulls({_GONE}) = 0 THEN position || E'\\x1fpurged' END
    FROM audit.events WHERE position >= $1 AND position < $2 ORDER BY position
"""  # noqa: S608
TARGETS = """
    SELECT count(*), CASE WHEN count(*) = count(told) THEN
        coalesce(string_agg(told, E'\\x1e' ORDER BY position, type COLLATE "C", id COLLATE "C"), '') END
    FROM (
        SELECT *, position || E'\\x1f' || type || E'\\x1f' || id AS told
        FROM audit.event_targets WHERE position >= $1 AND position < $2) AS page
"""

Row = Sequence[Any]
"""One of `EVENTS`: bytes, leaf hash, the moment of recording as PostgreSQL sends it, and the text of the columns."""


class Agreed(NamedTuple):
    """What is left to prove of a page on which bytes, leaf hashes, columns and targets agree."""

    leaves: Sequence[bytes]
    moments: Sequence[datetime]


def agreed(rows: Sequence[Row], targets: Sequence[Any], start: int) -> Agreed | None:
    """None where they do not, or where an event is spelled unusually; `targets` are how many, and their text."""
    raws, leaves, sent, texts = zip(*rows, strict=True)
    said = list[str]()
    try:
        for at in range(0, len(rows), _AT_ONCE):
            part = slice(at, at + _AT_ONCE)
            about = _agreeing(raws[part], leaves[part], texts[part], start + at)
            if about is None:
                return None
            said += about
        moments = {one: _EPOCH + timedelta(microseconds=int.from_bytes(one, signed=True)) for one in set(sent)}
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError):
        return None
    if _joined(said) != tuple(targets):
        return None
    return Agreed(leaves, [moments[one] for one in sent])


def _joined(targets: Sequence[str]) -> tuple[int, str] | None:
    """As `TARGETS` gives them; None where a separator stands in a value."""
    text, number = RECORD.join(targets), len(targets)
    separators = (text.count(UNIT), text.count(RECORD))
    return (number, text) if separators == (2 * number, max(0, number - 1)) else None


def _agreeing(
    raws: Sequence[bytes | None], leaves: Sequence[bytes], texts: Sequence[str], start: int
) -> list[str] | None:
    """What these events say of their targets, if leaf hashes and columns are as the bytes say."""
    sha = sha256
    hashes = [leaf if raw is None else sha(b"\x00" + raw).digest() for raw, leaf in zip(raws, leaves, strict=True)]
    documents = _documents(raws)
    lines = _lines(documents, start)
    stubs = documents.count(None)
    if "".join(lines).count(UNIT) != _UNITS * (len(raws) - stubs) + stubs:
        return None
    return _target_lines(documents, start) if (hashes, lines) == ([*leaves], [*texts]) else None


def _documents(raws: Sequence[bytes | None]) -> list[Any]:
    """None for a stub. They are parsed as one list: that each is JSON by itself follows from its leaf hash."""
    whole = [raw for raw in raws if raw is not None]
    parsed: list[Any] = orjson.loads(b"[%b]" % b",".join(whole))
    if len(parsed) != len(whole) or None in parsed:
        raise ValueError("an event is no document")
    if len(whole) == len(raws):
        return parsed
    documents = iter(parsed)
    return [None if raw is None else next(documents) for raw in raws]


def _lines(documents: Sequence[Any], start: int) -> list[str]:
    """The texts of the columns, from what the bytes say. Inlined: this is the loop of the verifier."""
    return [
        f"{position}\x1fpurged"
        if document is None
        else f"{position}\x1f{document['id']}\x1f{document['type']}\x1f{document['schema_version']}"
        f"\x1f{document['aggregate_type']}\x1f{document['aggregate_id']}\x1f{document['aggregate_version']}"
        f"\x1f{(actor := document['actor'])['type']}"
        f"\x1f{'n' if (issuer := actor['issuer']) is None else 's' + issuer}\x1f{actor['subject']}"
        f"\x1f{(context := document['context'])['command_id']}\x1f{context['request_id']}\x1f{document['outcome']}"
        f"\x1f{'n' if (reason := document['reason_code']) is None else 's' + reason}"
        f"\x1f{moment if (moment := document['occurred_at'].replace('T', ' '))[-2] != '0' else _trimmed(moment)}"
        for position, document in enumerate(documents, start)
    ]


def _trimmed(moment: str) -> str:
    """PostgreSQL writes no zeros at the end of a fraction."""
    return f"{moment[:-1].rstrip('0')}Z" if "." in moment and moment.endswith("Z") else moment


def _target_lines(documents: Sequence[Any], start: int) -> list[str]:
    """Each target once, in the order of the database."""
    return [
        f"{position}\x1f{target['type']}\x1f{target['id']}"
        for position, document in enumerate(documents, start)
        if document is not None
        for target in _in_order(document.get("targets", ()))
    ]


def _in_order(targets: Sequence[dict[str, str]]) -> Sequence[dict[str, str]]:
    if len(targets) < 2:
        return targets
    once = {(target["type"], target["id"]): target for target in targets}
    return [once[place] for place in sorted(once)]
