"""The relay under test and the two that lose, each as a process of its own: `python -m tests.chassis.relays NAME`.

The cursor relay remembers the last id it sent and goes on after it; the SKIP LOCKED relay takes whatever nobody else
has locked. Both are what one finds in the wild, and both are kept here so that the race is seen to notice.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis.database import connect, fetch
from services.chassis.outbox import PARTITIONS, Relay
from services.wire.kafka import make_producer
from services.wire.settings import OwnerSettings, load

BREATH_SECONDS = 0.005
PR_SET_PDEATHSIG = 1
TABLE = "outbox_race_cursor"
_COLUMNS = "id, topic, aggregate_id, value"
_AFTER = f"SELECT {_COLUMNS} FROM outbox WHERE id > $1 AND topic LIKE 'test.%' ORDER BY id LIMIT 200"
_FREE = f"""
    SELECT {_COLUMNS} FROM outbox WHERE published_at IS NULL AND topic LIKE 'test.%'
    ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[])"

Round = Callable[[AsyncEngine, AIOKafkaProducer], Coroutine[Any, Any, None]]


async def ours(engine: AsyncEngine, producer: AIOKafkaProducer) -> None:
    """The chassis' own, woken for everything as if a commit had just happened."""
    relay = Relay(engine, producer, "/race")
    relay.wake(range(PARTITIONS))
    await relay.drain()


async def cursor(engine: AsyncEngine, producer: AIOKafkaProducer) -> None:
    """What commits late with a smaller id is never seen."""
    async with engine.begin() as tx:
        [(last,)] = await fetch(tx, f"SELECT last FROM {TABLE} FOR UPDATE")
        rows = await fetch(tx, _AFTER, last)
        await _send(producer, rows)
        if rows:
            await tx.exec_driver_sql(f"UPDATE {TABLE} SET last = $1", (rows[-1].id,))
            await tx.exec_driver_sql(_MARK, ([row.id for row in rows],))


async def skip_locked(engine: AsyncEngine, producer: AIOKafkaProducer) -> None:
    """A second relay takes the later rows of an aggregate while the first still holds the earlier ones."""
    async with engine.begin() as tx:
        rows = await fetch(tx, _FREE)
        await _send(producer, rows)
        await tx.exec_driver_sql(_MARK, ([row.id for row in rows],))


async def _send(producer: AIOKafkaProducer, rows: list[Any]) -> None:
    for row in rows:
        await producer.send_and_wait(row.topic, row.value, key=str(row.aggregate_id).encode())


KINDS: dict[str, Round] = {"ours": ours, "cursor": cursor, "skip-locked": skip_locked}


def command(name: str) -> tuple[str, ...]:
    """The command line of a relay."""
    return (sys.executable, "-m", "tests.chassis.relays", name)


async def run(name: str) -> None:
    settings = load(OwnerSettings)
    engine, producer = connect(settings.database_url.get_secret_value()), make_producer(settings)
    await producer.start()
    while True:
        await KINDS[name](engine, producer)
        await asyncio.sleep(BREATH_SECONDS)


def keep_forking(name: str) -> None:
    """A relay in a child whose number stands in the file `pid`; when it is killed, the next one is there at once."""
    while True:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            asyncio.run(run(name))
        Path("pid").write_text(str(child))
        os.waitpid(child, 0)


if __name__ == "__main__":
    keep_forking(sys.argv[1])
