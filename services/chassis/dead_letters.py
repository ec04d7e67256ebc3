"""Records that can't be handled, kept whole: raw bytes, headers, error and trace, once for each record."""

import base64

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.message import Header
from services.wire import telemetry
from services.wire.envelope import Record

REPLAY_HEADER = "ce_deadletterid"
_BIGINT_DIGITS = 18

_BURY = """
    INSERT INTO dead_letters (topic, partition, position, key, value, headers, error, tries, traceparent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""
_REPLAYED = """
    SELECT 1 FROM dead_letters
    WHERE id = $1 AND replayed_at IS NOT NULL AND topic = $2 AND value = $3
      AND headers @> $4::jsonb
"""


async def bury(engine: AsyncEngine, record: Record, error: str, tries: int) -> None:
    """Keep the record; burying one twice, after a redelivery, keeps the first."""
    headers = [[_storable(name), base64.b64encode(value or b"").decode()] for name, value in record.headers]
    trace = next((v.decode("ascii", "replace") for n, v in record.headers if n == Header.TRACEPARENT and v), "")
    row = (record.topic, record.partition, record.offset, record.key, record.value)
    async with engine.begin() as tx:
        await tx.exec_driver_sql(
            _BURY, (*row, orjson.dumps(headers).decode(), _storable(error[:2000]), tries, _storable(trace[:200]))
        )
    telemetry.DEAD_LETTERS.inc()


async def is_replay(engine: AsyncEngine, record: Record) -> bool:
    """Whether an operator sent this very record again: its assertion was judged in time, so it may be late now."""
    headers = {name: value or b"" for name, value in record.headers}
    letter = headers.get(REPLAY_HEADER, b"")
    if not letter.isdigit() or len(letter) > _BIGINT_DIGITS:
        return False
    assertion = [[Header.ASSERTION, base64.b64encode(headers.get(Header.ASSERTION, b"")).decode()]]
    async with engine.connect() as connection:
        args = (int(letter), record.topic, record.value, orjson.dumps(assertion).decode())
        return (await connection.exec_driver_sql(_REPLAYED, args)).first() is not None


def _storable(text: str) -> str:
    """PostgreSQL's text and jsonb refuse NUL; the raw bytes keep it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
