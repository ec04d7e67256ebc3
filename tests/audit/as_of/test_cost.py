"""What an answer costs follows from the history of its subject; the log around it may be as long as it likes."""

import random
from itertools import starmap
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import event as sqlalchemy_event

from contracts.audit_as_of import AsOf
from services.audit.as_of import stories
from tests.audit.as_of.comparing import HANDLERS, record_lives
from tests.audit.as_of.partner_life import PartnerLife
from tests.audit.as_of.tenant_life import TenantLife
from tests.audit.as_of.test_asking import about
from tests.audit.asking import Asking
from tests.audit.ledger import Ledger, event, record

pytestmark = pytest.mark.asyncio
SHORT, LONG = 2_000, 20_000


async def pages_read(ledger: Ledger, query: AsOf) -> int:
    """Pages of tables and indexes that PostgreSQL looks at for an answer, whether it had them at hand or not."""
    seen: list[tuple[str, Any]] = []

    def remember(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((statement, parameters))

    sqlalchemy_event.listen(ledger.engine.sync_engine, "before_cursor_execute", remember)
    await Asking(ledger).ask(query, HANDLERS[type(query)])
    sqlalchemy_event.remove(ledger.engine.sync_engine, "before_cursor_execute", remember)
    pages = 0
    async with ledger.engine.connect() as connection:
        for statement, parameters in seen:
            explained = await connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
            )
            found = explained.scalar_one()
            [plan] = orjson.loads(found) if isinstance(found, str) else found
            pages += plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return pages


async def grow(ledger: Ledger, events: int) -> None:
    """Other people's memberships of other branches."""
    for _ in range(events // 1000):
        await ledger.take([_of_somebody_else(uuid4()) for _ in range(1000)])
    ledger.rows("VACUUM ANALYZE")


def _of_somebody_else(membership: UUID) -> Any:
    targets = [{"type": kind, "id": str(uuid4())} for kind in ("tenant", "account", "branch")]
    document = event(1, membership, type="branch_access.granted", aggregate_type="membership", targets=targets)
    return record(document, topic="branch_access.granted")


async def growth(ledger: Ledger) -> list[tuple[int, int]]:
    """Of each question: the pages read in a short log and in a long one."""
    dice = random.Random(8)  # noqa: S311
    partner, tenant = PartnerLife(dice, 20), TenantLife(dice, 20)
    await record_lives(ledger, [partner, tenant], dice)
    await grow(ledger, SHORT)
    short = [await pages_read(ledger, query) for query in about(partner, tenant)]
    await grow(ledger, LONG - SHORT)
    return list(zip(short, [await pages_read(ledger, query) for query in about(partner, tenant)], strict=True))


def stays_as_it_was(before: int, after: int) -> bool:
    return after <= 1.3 * before + 20


async def test_an_answer_costs_what_its_subject_has_been_through_whatever_the_log_holds(ledger: Ledger) -> None:
    pages = await growth(ledger)

    assert all(starmap(stays_as_it_was, pages)), pages


async def test_a_statement_that_reads_the_whole_log_is_seen(  # the control
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed = "e.aggregate_id = ANY($1::uuid[])"
    assert indexed in stories.EVENTS
    monkeypatch.setattr(
        stories, "EVENTS", stories.EVENTS.replace(indexed, "e.aggregate_id::text = ANY($1::uuid[]::text[])")
    )

    pages = await growth(ledger)

    assert not any(starmap(stays_as_it_was, pages)), pages
