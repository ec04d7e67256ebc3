"""A log as plain rows: copied out of PostgreSQL, forged in memory, put back, compared. What an attacker works with."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from services.audit.envelope import DERIVED, Envelope
from services.audit.merkle import CompactRange, leaf_hash
from services.audit.nodes import extend
from services.audit.note import Signer

Row = tuple[Any, ...]
KEYS = {"events": 1, "event_targets": 3, "checkpoints": 1, "tree_nodes": 2}
"""Each table, and how many of its first columns name a row."""

COLUMNS = {
    "events": (
        *("position", *DERIVED, "recorded_at", "kafka_partition", "kafka_offset"),
        *("raw", "leaf_hash", "purged_by", "subjects"),
    ),
    "event_targets": ("type", "id", "position"),
    "checkpoints": ("size", "root", "range_hashes", "leaf_hashes", "note", "created_at"),
    "tree_nodes": ("level", "index", "hash"),
}


class Damage(NamedTuple):
    """The first place where two copies differ: one event, or all that one checkpoint or node covers."""

    start: int
    end: int


@dataclass
class Copy:
    """All rows of the four tables, by their keys."""

    tables: dict[str, dict[Row, Row]] = field(default_factory=lambda: {table: {} for table in KEYS})

    @property
    def raws(self) -> list[bytes]:
        at = COLUMNS["events"].index("raw")
        return [row[at] for _, row in sorted(self.tables["events"].items())]

    @property
    def whole(self) -> list[int]:
        """Positions of the events that have their bytes."""
        return [position for position, raw in enumerate(self.raws) if raw is not None]

    @property
    def sizes(self) -> list[int]:
        return sorted(key[0] for key in self.tables["checkpoints"])

    @property
    def notes(self) -> list[str]:
        return [row[4] for _, row in sorted(self.tables["checkpoints"].items())]

    def moment(self, size: int) -> datetime:
        moment: datetime = self.tables["checkpoints"][(size,)][5]
        return moment

    def add(self, table: str, *rows: Row) -> None:
        self.tables[table] |= {row[: KEYS[table]]: row for row in rows}

    def extent(self, size: int) -> Damage:
        """The events that the checkpoint at this size is the first to cover."""
        return Damage(max((before for before in self.sizes if before < size), default=0), size - 1)

    def differs_from(self, other: "Copy") -> Damage | None:
        """The first damage that makes `other` of this one, told as closely as it can be."""
        damages = [
            self._damage(table, key)
            for table, rows in self.tables.items()
            for key in rows.keys() | other.tables[table].keys()
            if _signed(table, rows.get(key)) != _signed(table, other.tables[table].get(key))
        ]
        return min(damages, key=lambda damage: damage.end, default=None)

    def _damage(self, table: str, key: Row) -> Damage:
        if table == "checkpoints":
            return self.extent(key[0])
        if table == "tree_nodes":
            return Damage(key[1] << key[0], ((key[1] + 1) << key[0]) - 1)
        position = key[0] if table == "events" else key[2]
        return Damage(position, position)


def _signed(table: str, row: Row | None) -> Row | None:
    """Without Kafka's coordinates: they are notes for operators, and nobody vouches for them."""
    if row is None or table != "events":
        return row
    at = COLUMNS["events"].index("kafka_partition")
    return (*row[:at], *row[at + 2 :])


def forge(signer: Signer, batches: Sequence[tuple[datetime, Sequence[bytes]]]) -> Copy:
    """A log that fits together, whoever signs it."""
    copy, tree = Copy(), CompactRange()
    for moment, raws in batches:
        for position, raw in enumerate(raws, tree.size):
            envelope = Envelope.model_validate_json(raw)
            derived = [str(value) if isinstance(value, str) else value for value in envelope.derived()]
            copy.add("events", (position, *derived, moment, 0, position, raw, leaf_hash(raw), None, None))
            copy.add("event_targets", *((kind, name, position) for kind, name in envelope.about()))
        leaves = [leaf_hash(raw) for raw in raws]
        copy.add("tree_nodes", *(tuple(asdict(node).values()) for node in extend(tree, leaves)))
        note = signer.checkpoint(tree.size, tree.root())
        copy.add("checkpoints", (tree.size, tree.root(), tuple(tree.peaks), b"".join(leaves), note, moment))
    return copy


def altered(raw: bytes, **changes: Any) -> bytes:
    """Another event, well formed."""
    return orjson.dumps(orjson.loads(raw) | changes)


async def take_copy(connection: Any) -> Copy:
    copy = Copy()
    for table, columns in COLUMNS.items():
        texts = ", ".join(f"{name}::text" if name in ("aggregate_id", "command_id") else name for name in columns)
        texts = texts.replace(" id,", " id::text,") if table == "events" else texts
        rows = await connection.fetch(f"SELECT {texts} FROM audit.{table}")
        copy.add(table, *(tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows))
    return copy


async def put_copy(connection: Any, copy: Copy) -> None:
    """In place of whatever is there."""
    await connection.execute("TRUNCATE audit.events, audit.event_targets, audit.checkpoints, audit.tree_nodes")
    for table, rows in copy.tables.items():
        records = sorted(rows.values())
        await connection.copy_records_to_table(table, schema_name="audit", columns=COLUMNS[table], records=records)
