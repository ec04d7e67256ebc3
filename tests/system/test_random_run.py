"""S1.47: a random run over the whole stack, then the log alone is asked whether every submitted voucher was covered."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest

from contracts.partners import COMMANDS, QUERIES
from deploy.local.stack import Stack
from tests.support import Bus, ServiceProcess, Tables, eventually, together
from tests.support.groups import skip_backlog
from tests.support.minting import Client, set_old_vouchers_aside, swap_operator
from tests.system.approvals_in_force import complaints, submitted
from tests.system.walkers import Walker

WALKERS = 12
SHORT_LIVED = {"OTC_VOUCHER_SECONDS": "20"}
"""A voucher that may have reached the node of a partner suspended since waits for its expiry and a minute more."""
SEED = 20261124


@pytest.fixture
def services(stack: Stack) -> Iterator[None]:
    """The desk, the mint and the log."""
    for topic in (COMMANDS, QUERIES):
        skip_backlog(stack, topic, topic)
    set_old_vouchers_aside(stack)
    with together(*(ServiceProcess(stack, name, env=SHORT_LIVED) for name in ("partners", "mint", "audit"))):
        yield


@pytest.mark.parametrize("steps", [360, pytest.param(10_000, marks=pytest.mark.faults)])
async def test_every_submitted_voucher_had_an_approval_in_force(steps: int, stack: Stack, services: None) -> None:
    outcomes: Counter[tuple[str, int]] = Counter()
    tables = Tables(stack, "partners")
    before = tables.value("SELECT COALESCE(max(id), 0) FROM outbox")
    async with Bus.of(stack) as bus, swap_operator(stack) as node:
        clients = await asyncio.gather(*(Client.approved(bus) for _ in range(WALKERS)))
        walkers = [
            Walker(client, Random(SEED + n), node, outcomes)  # noqa: S311 - a reproducible walk
            for n, client in enumerate(clients)
        ]
        await asyncio.gather(*(walker.walk(steps // WALKERS) for walker in walkers))
        await node.behave("ok", mint_delay_seconds=0.1)
        await eventually(lambda: tables.value(OPEN) == 0, "every voucher has come to its end", 240)
        written = events_after(tables, before)
        await eventually(lambda: written <= in_the_log(stack).keys(), "the log has everything", 120)

    log = [event for event_id, event in in_the_log(stack).items() if event_id in written]
    assert list(complaints(log)) == []
    assert submitted(log) >= steps // 200, outcomes
    statuses = {status for _, status in outcomes} - {0}
    assert statuses <= {200, 201, 204, 403, 404, 409, 412, 422}, outcomes


OPEN = """SELECT count(*) FROM vouchers WHERE state IN ('PREPARED', 'SIGNED', 'UNKNOWN', 'SUBMITTED')
    AND next_try_at < now() + interval '1 hour'"""


def events_after(tables: Tables, before: int) -> set[UUID]:
    """Events of this walk alone: where no relay ran, older ones were never published."""
    return {row["event_id"] for row in tables.rows("SELECT event_id FROM outbox WHERE id > %s", before)}


def in_the_log(stack: Stack) -> dict[UUID, dict[str, Any]]:
    """Every event by its id, in the order of the log; but for those that a test of purging has made old."""
    rows = Tables(stack, "audit").rows("SELECT id, raw FROM events WHERE raw IS NOT NULL ORDER BY position")
    return {row["id"]: orjson.loads(row["raw"]) for row in rows}
