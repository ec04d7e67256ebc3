"""What one batch sees and changes of a service's exports, in three statements at most; none where it has no command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.exports import DatasetName, ExportFormat, ExportState, OfExport, StartExport, StartScheduledExport
from contracts.message import EventActor
from services.chassis import Inbound, Read, Write, fetch_dicts, insert
from services.exports.dataset import Dataset
from services.exports.export import Export

_COLUMNS = ", ".join(one.name for one in fields(Export)).replace("requested_by", "requested_by::text AS requested_by")
_LOAD = f"SELECT {_COLUMNS} FROM exports WHERE id = ANY($1::uuid[]) ORDER BY id"  # noqa: S608
_CHANGE = """
    UPDATE exports e SET version = n.version, state = n.state, failure = n.failure, expires_at = n.expires_at
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::timestamptz[])
        AS n(id, version, state, failure, expires_at) WHERE e.id = n.id
"""
_DROP = (
    "DELETE FROM export_rows WHERE export_id = ANY($1::uuid[])",
    "DELETE FROM export_parts WHERE export_id = ANY($1::uuid[])",
)


@dataclass(frozen=True, slots=True)
class ExportRules:
    """What a service may be asked for, and how long it keeps what it made."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    max_rows: int = 0
    lifetime: timedelta = timedelta()


@dataclass(slots=True)
class ExportBook:
    """`sizes` are the rows that each message asks for, counted up to one more than may be."""

    rules: ExportRules = field(default_factory=ExportRules)
    sizes: Mapping[UUID, int] = field(default_factory=dict)
    exports: dict[UUID, Export] = field(default_factory=dict)
    new: list[Export] = field(default_factory=list)
    changed: dict[UUID, Export] = field(default_factory=dict)

    def add(self, export: Export) -> None:
        self.exports[export.id] = export
        self.new.append(export)

    async def load(self, tx: Write, fresh: Sequence[Inbound]) -> None:
        named = {export_id for inbound in fresh if (export_id := _named(inbound))}
        if named:
            self.exports = await load_exports(tx, sorted(named), lock=True)

    async def save(self, tx: Write) -> None:
        await insert(tx, "exports", [_row(export) for export in self.new])
        changed = [export for export in self.changed.values() if export not in self.new]
        if not changed:
            return
        names = ("id", "version", "state", "failure", "expires_at")
        await tx.exec_driver_sql(_CHANGE, tuple([getattr(export, name) for export in changed] for name in names))
        given_up = [export.id for export in changed if export.state is ExportState.FAILED]
        for statement in _DROP if given_up else ():
            await tx.exec_driver_sql(statement, (given_up,))


def _named(inbound: Inbound) -> UUID | None:
    """An export has the id of the command that asks for it, so that asking twice can't make two."""
    match inbound.request:
        case StartExport() | StartScheduledExport():
            return inbound.context.command_id
        case OfExport():
            return inbound.request.export_id
        case _:
            return None


async def load_exports(connection: Read | Write, ids: Sequence[UUID], *, lock: bool) -> dict[UUID, Export]:
    rows = await fetch_dicts(connection, f"{_LOAD} FOR UPDATE" if lock else _LOAD, ids)
    return {row["id"]: _export(row) for row in rows}


def _export(row: Mapping[str, Any]) -> Export:
    read = {
        "dataset": DatasetName(row["dataset"]),
        "format": ExportFormat(row["format"]),
        "state": ExportState(row["state"]),
        "requested_by": EventActor.model_validate_json(row["requested_by"]),
    }
    return Export(**{**row, **read})


def _row(export: Export) -> dict[str, Any]:
    row = {one.name: getattr(export, one.name) for one in fields(export)}
    return row | {"requested_by": export.requested_by.model_dump_json()}
