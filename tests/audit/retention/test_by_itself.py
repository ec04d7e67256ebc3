"""A10: the service purges by itself, its intent going through the outbox, Kafka and the log like any other event."""

from functools import partial
from typing import LiteralString
from uuid import uuid4

import asyncpg
import orjson
import pytest

from deploy.local.stack import Stack
from services.audit.settings import AuditSettings
from services.audit.stub_scan import refused_stubs
from tests.audit.ledger import event
from tests.support import ServiceProcess, Tables, eventually
from tests.support.wire import producer

pytestmark = pytest.mark.asyncio

OFTEN = {"GATEHOUSE_RETENTION_INTERVAL_SECONDS": "0.5", "GATEHOUSE_RETENTION_DAYS": '{"refusal": 500}'}
START: LiteralString = """
    SELECT coalesce(max(size), 0) FROM checkpoints WHERE size <= (SELECT position FROM events WHERE id = %s)
"""
END: LiteralString = "SELECT min(size) FROM checkpoints WHERE size > (SELECT position FROM events WHERE id = %s)"
OLDER: LiteralString = """
    UPDATE events SET recorded_at = recorded_at - interval '501 days' WHERE position >= %s AND position < %s
"""
OLDER_SEAL: LiteralString = "UPDATE checkpoints SET created_at = created_at - interval '501 days' WHERE size = %s"


def antedate(tables: Tables, event_id: str) -> None:
    """All that was recorded with it, as if 501 days ago; the log still fits together."""
    start, end = tables.value(START, event_id), tables.value(END, event_id)
    with tables.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(OLDER, [start, end])
        connection.execute(OLDER_SEAL, [end])


async def test_the_service_says_what_it_will_forget_and_then_forgets_it(stack: Stack) -> None:
    tables = Tables(stack, "audit")
    old, young = (event(type="partner.refused", aggregate_type="command") for _ in range(2))
    raw: LiteralString = "SELECT raw FROM events WHERE id = %s"

    with ServiceProcess(stack, "audit", env=OFTEN):
        async with producer(stack, "partners") as client:
            for told in (old, young):
                await client.send_and_wait(told["type"], orjson.dumps(told), key=uuid4().bytes)
                await eventually(partial(tables.rows, raw, told["id"]), "it is in the log")
        antedate(tables, old["id"])
        await eventually(lambda: tables.value(raw, old["id"]) is None, "its bytes are gone")

    assert tables.value(raw, young["id"]) is not None
    purge = tables.value("SELECT purged_by FROM events WHERE id = %s", old["id"])
    said = orjson.loads(tables.value("SELECT raw FROM events WHERE position = %s", purge))
    assert (said["type"], said["actor"]["type"], said["actor"]["subject"]) == ("audit.purged", "system", "audit")
    settings = AuditSettings.model_validate(
        {name.removeprefix("GATEHOUSE_").lower(): value for name, value in stack.env_of("audit").items()}
    )
    reader = await asyncpg.connect(stack.state.admin_dsn)
    async with reader.transaction():
        assert await refused_stubs(reader, settings.signer.verifier) == []
    await reader.close()
