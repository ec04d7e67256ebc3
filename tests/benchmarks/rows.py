"""A 201 counts only if it made rows: none of them may be there before, and all of them must be there after.

Without the first half a system that finds another's rows, or its own of an earlier run, would answer from its
idempotency table and be measured doing nothing.
"""

from tests.benchmarks.workload import Workload


class RowsMismatchError(RuntimeError):
    """The database does not hold what the answers said."""


async def expect_none(workload: Workload, system: str, ids: list[str]) -> None:
    found = await workload.count(system, ids)
    if any(found):
        raise RowsMismatchError(f"{system}: {found} rows of these commands are there before they are sent")


async def expect_all(workload: Workload, system: str, ids: list[str]) -> None:
    expected, found = workload.rows_of(len(ids)), await workload.count(system, ids)
    if found != expected:
        raise RowsMismatchError(f"{system}: {expected} rows were acknowledged, {found} are there")
