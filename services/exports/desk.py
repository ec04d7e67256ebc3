"""The exports' part of a service's desk. Rows are counted before the batch's transaction, so that nothing is locked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.exports import StartExport, StartScheduledExport
from services.chassis import Inbound, fetch
from services.exports.book import ExportBook, ExportRules
from services.exports.dataset import WORK, Dataset

_DECLARE = "SELECT set_config('gatehouse.work', $1, true)"


class ExportDesk:
    """`sizes` is for the desk's gather; with what it found the batch's book is begun."""

    def __init__(self, engine: AsyncEngine, rules: ExportRules) -> None:
        self._engine, self._rules = engine, rules

    def book(self, sizes: Mapping[UUID, int]) -> ExportBook:
        return ExportBook(self._rules, sizes)

    async def sizes(self, batch: Sequence[Inbound]) -> dict[UUID, int]:
        """By message id; none for commands that ask for no export. Counts to one more than may be."""
        found: dict[UUID, int] = {}
        for inbound in batch:
            match inbound.request:
                case StartExport(dataset=name, range_from=start, range_to=end):
                    found[inbound.message_id] = await self._size(self._rules.datasets[name], start, end)
                case StartScheduledExport(dataset=name):
                    found[inbound.message_id] = await self._size(self._rules.datasets[name], None, None)
                case _:
                    pass
        return found

    async def _size(self, dataset: Dataset, start: datetime | None, end: datetime | None) -> int:
        bounds = [(sign, moment) for sign, moment in ((">=", start), ("<", end)) if moment and dataset.time_column]
        within = "".join(f" AND {dataset.time_column} {sign} ${n}" for n, (sign, _) in enumerate(bounds, 2))
        counted = f"SELECT count(*) AS rows FROM (SELECT FROM {dataset.source} WHERE true{within} LIMIT $1) AS r"  # noqa: S608
        async with self._engine.begin() as read:
            await fetch(read, _DECLARE, WORK)
            [(rows,)] = await fetch(read, counted, self._rules.max_rows + 1, *(moment for _, moment in bounds))
        return int(rows)
