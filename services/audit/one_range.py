"""A part of the log between two checkpoints, verified by itself, in the snapshot that another process has exported."""

from typing import NamedTuple

import asyncpg

from services.audit.merkle import CompactRange
from services.audit.note import Verifier
from services.audit.report import Finding
from services.audit.scan import read_range
from services.audit.verify import Verification


class Range(NamedTuple):
    """What one process reads; everything in it can be pickled."""

    dsn: str
    snapshot: str
    vkey: str
    published: tuple[str, ...]
    start: int
    peaks: tuple[bytes, ...]
    end: int
    page: int


class Part(NamedTuple):
    """What it found; `short` when the events end before the range does, `empty` when there were none."""

    finding: Finding | None
    checkpoints: int
    short: bool
    empty: bool


async def verify_alone(job: Range) -> Part:
    start = CompactRange(job.start, list(job.peaks))
    verification = Verification(Verifier.of(job.vkey), job.published, start)
    connection = await asyncpg.connect(job.dsn, timeout=10, server_settings={"jit": "off"})
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{job.snapshot}'")
            await read_range(connection, verification, job.page, job.start or None, job.end)
            complete = verification.finding is not None or verification.size == job.end
            empty = verification.size == job.start
            return Part(verification.sealed_at(job.end), verification.checkpoints, not complete, empty)
    finally:
        await connection.close()
