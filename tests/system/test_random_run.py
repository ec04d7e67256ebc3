"""S1.47: a random run over the whole stack, then the log alone is asked whether every submitted voucher was covered."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import orjson
import pytest

from contracts.partners import COMMANDS, QUERIES
from deploy.local.stack import Stack
from tests.support import Bus, ServiceProcess, Tables, eventually
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
    with ExitStack() as running:
        for name in ("partners", "mint", "audit"):
            running.enter_context(ServiceProcess(stack, name, env=SHORT_LIVED))
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
        await eventually(lambda: not_in_the_log(tables, stack, before) == 0, "the log has everything", 120)

    log = of_the_log(stack)
    assert list(complaints(log)) == []
    assert submitted(log) >= steps // 200, outcomes
    statuses = {status for _, status in outcomes} - {0}
    assert statuses <= {200, 201, 204, 403, 404, 409, 412, 422}, outcomes


OPEN = """SELECT count(*) FROM vouchers WHERE state IN ('PREPARED', 'SIGNED', 'UNKNOWN', 'SUBMITTED')
    AND next_try_at < now() + interval '1 hour'"""


def not_in_the_log(tables: Tables, stack: Stack, before: int) -> int:
    """Events of this walk alone: where no relay ran, older ones were never published."""
    known = {row["id"] for row in Tables(stack, "audit").rows("SELECT id FROM events")}
    written = {row["event_id"] for row in tables.rows("SELECT event_id FROM outbox WHERE id > %s", before)}
    return len(written - known)


def of_the_log(stack: Stack) -> list[dict[str, Any]]:
    rows = Tables(stack, "audit").rows(
        "SELECT raw FROM events WHERE type LIKE 'partner.%%' OR type LIKE 'invoice.%%' OR type LIKE 'voucher.%%'"
    )
    return [orjson.loads(row["raw"]) for row in rows]
