"""The sequencer: one poll becomes the next positions of the log, in one transaction, under one advisory lock.

Invariant: positions are 0, 1, 2, … without a gap; `leaf_hash` is over the exact bytes that Kafka delivered; the newest
checkpoint covers every event and holds the compact range from which the next batch goes on; the roots of subtrees that
it completes are kept with it; `recorded_at` never goes back, even where the clock does. Any number of instances may
run: the lock orders them, and what one has recorded another drops.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import structlog
from asyncpg.exceptions import DataError, ProgramLimitExceededError
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.audit import metrics
from services.audit.envelope import DERIVED, Envelope
from services.audit.merkle import CompactRange, leaf_hash
from services.audit.nodes import extend
from services.audit.note import Signer
from services.chassis import Write, insert
from services.chassis.dead_letters import bury
from services.chassis.patience import wait_out
from services.wire.envelope import Record

_LOCK = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.sequencer'))"
_HEAD = """
    SELECT greatest(clock_timestamp(), created_at) AS now, size, range_hashes, note FROM (SELECT) AS one_row
    LEFT JOIN (SELECT size, range_hashes, note, created_at FROM checkpoints ORDER BY size DESC LIMIT 1) AS head ON true
"""
_KNOWN = "SELECT id::text, leaf_hash FROM events WHERE id = ANY($1::uuid[])"
_CHECKPOINT = """
    INSERT INTO checkpoints (size, root, range_hashes, leaf_hashes, note, created_at) VALUES ($1, $2, $3, $4, $5, $6)
"""

log = structlog.get_logger()


class LogCorruptError(Exception):
    """The head of the log is not what this log's key signed: to go on would sign somebody else's history."""


class Arrival(NamedTuple):
    """One record whose envelope is valid."""

    record: Record
    envelope: Envelope
    raw: bytes
    leaf: bytes


class Sequencer:
    """Settles one poll: every record is in the log or among the dead letters when it returns."""

    def __init__(self, engine: AsyncEngine, signer: Signer, committed: Callable[[], None]) -> None:
        self._engine, self._signer, self._committed = engine, signer, committed

    async def __call__(self, records: Sequence[Record]) -> None:
        arrivals = []
        for record in records:
            try:
                arrivals.append(open_event(record))
            except ValueError as error:
                await self._bury(record, f"not an event: {error}")
        if arrivals:
            await self._settle(arrivals)

    async def _settle(self, arrivals: Sequence[Arrival]) -> None:
        try:
            impostors = await wait_out(lambda: self._append(arrivals))
        except Exception as error:
            if not _is_fault_of_a_record(error):
                raise
            await self._one_by_one(arrivals, repr(error))
            return
        for arrival in impostors:
            await self._bury(arrival.record, "another event is in the log under this id")

    async def _one_by_one(self, arrivals: Sequence[Arrival], error: str) -> None:
        if len(arrivals) == 1:
            await self._bury(arrivals[0].record, error)
            return
        for arrival in arrivals:
            await self._settle([arrival])

    async def _bury(self, record: Record, error: str) -> None:
        log.warning("audit.event_refused", topic=record.topic, offset=record.offset, error=error)
        await wait_out(lambda: bury(self._engine, record, error, tries=1))

    async def _append(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Record what is new; returns those that reuse the id of an event with other bytes."""
        async with self._engine.begin() as connection:
            tx = Write(connection)
            await tx.exec_driver_sql(_LOCK)
            now, tree = await self._head(tx)
            fresh, impostors = await _sift(tx, arrivals)
            if fresh:
                await self._record(tx, tree, fresh, now)
        if fresh:
            metrics.SIZE.set(tree.size)
            self._committed()
        metrics.RECORDED.inc(len(fresh))
        metrics.REPEATED.inc(len(arrivals) - len(fresh) - len(impostors))
        return impostors

    async def _head(self, tx: Write) -> tuple[datetime, CompactRange]:
        head: Any = (await tx.exec_driver_sql(_HEAD)).one()
        if head.note is None:
            return head.now, CompactRange()
        try:
            tree = CompactRange(head.size, list(head.range_hashes))
            signed = self._signer.verifier.checkpoint(head.note)
        except ValueError as error:
            raise LogCorruptError(str(error)) from error
        if (signed.size, signed.root) != (tree.size, tree.root()):
            raise LogCorruptError(f"the compact range at {tree.size} is not the one that was signed")
        return head.now, tree

    async def _record(self, tx: Write, tree: CompactRange, fresh: Sequence[Arrival], now: datetime) -> None:
        events, targets = [], []
        for position, (record, envelope, raw, leaf) in enumerate(fresh, tree.size):
            derived = dict(zip(DERIVED, envelope.derived(), strict=True))
            place = {"kafka_partition": record.partition, "kafka_offset": record.offset}
            events.append({"position": position, **derived, "recorded_at": now, **place, "raw": raw, "leaf_hash": leaf})
            targets += [{"type": kind, "id": name, "position": position} for kind, name in envelope.about()]
        await insert(tx, "events", events)
        await insert(tx, "event_targets", targets)
        await self._seal(tx, tree, [arrival.leaf for arrival in fresh], now)

    async def _seal(self, tx: Write, tree: CompactRange, leaves: Sequence[bytes], now: datetime) -> None:
        await insert(tx, "tree_nodes", [asdict(node) for node in extend(tree, leaves)])
        root = tree.root()
        note = self._signer.checkpoint(tree.size, root)
        await tx.exec_driver_sql(_CHECKPOINT, (tree.size, root, tree.peaks, b"".join(leaves), note, now))


def open_event(record: Record) -> Arrival:
    """Raises ValueError unless the value is one JSON event on the topic of its type."""
    raw = record.value or b""
    try:
        if b"NaN" in raw or b"Infinity" in raw:
            orjson.loads(raw)  # pydantic takes these for numbers, JSON does not
        envelope = Envelope.model_validate_json(raw)
    except ValidationError as error:
        wrong = {".".join(map(str, found["loc"])) or found["type"] for found in error.errors(include_input=False)}
        raise ValueError(", ".join(sorted(wrong))) from error
    if envelope.type != record.topic:
        raise ValueError(f"an event of type {envelope.type} does not belong on {record.topic}")
    return Arrival(record, envelope, raw, leaf_hash(raw))


async def _sift(tx: Write, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """The arrivals that are new, as received, and those that carry other bytes under a known id."""
    ids = [arrival.envelope.id for arrival in arrivals]
    stored: Any = await tx.exec_driver_sql(_KNOWN, (ids,))
    known: dict[str, bytes] = dict(stored.all())
    fresh, impostors = [], []
    for name, arrival in zip(ids, arrivals, strict=True):
        if name not in known:
            known[name] = arrival.leaf
            fresh.append(arrival)
        elif known[name] != arrival.leaf:
            impostors.append(arrival)
    return fresh, impostors


def _is_fault_of_a_record(error: Exception) -> bool:
    """PostgreSQL can't hold a value of it; anything else is no reason to leave an event out of the log."""
    return isinstance(getattr(getattr(error, "orig", None), "__cause__", None), DataError | ProgramLimitExceededError)
