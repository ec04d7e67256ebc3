"""The timer only asks: whoever is overdue gets one command for what it is now, and one event, whoever sweeps."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.invoices import ExpireInvoice, RejectInvoice
from contracts.message import Header
from contracts.partners import COMMANDS
from deploy.local.stack import Stack
from services.chassis import OwnCommands
from services.partners.invoices.expiry import ExpiryTimer
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.ledger import InvoiceRules
from tests.partners.invoices.bureau import Bureau
from tests.partners.invoices.till import CARL, NOTES, UNLIMITED, Till
from tests.support import ServiceProcess, Tables, Tape, eventually
from tests.support.groups import skip_backlog
from tests.support.invoice_cases import age
from tests.support.records import service_key
from tests.support.wire import producer, reader

pytestmark = pytest.mark.asyncio


async def overdue(stack: Stack, engine: AsyncEngine) -> tuple[list[Invoice], Bureau]:
    """Created, paid and rejected, all past their deadline; one more that is overdue since a moment only."""
    till, tables = Till(fresh=True), Tables(stack, "partners")
    bureau = Bureau(engine, InvoiceRules(UNLIMITED), till.stored)
    invoices = [till.created(), till.paid(), till.paid(), till.created()]
    await bureau.keep(till.book)
    await bureau.one(RejectInvoice(invoice_id=invoices[2].id, expected_version=2, notes=NOTES), CARL)
    for invoice, by in zip(invoices, ("1 hour", "6 minutes", "1 hour", "1 second"), strict=True):
        age(tables, invoice.id, by)
    return invoices, bureau


async def test_whatever_is_overdue_is_asked_to_expire_once_for_what_it_is(stack: Stack, engine: AsyncEngine) -> None:
    invoices, _ = await overdue(stack, engine)
    async with reader(stack, "partners", COMMANDS, from_end=True) as commands, producer(stack, "partners") as sender:
        timers = [
            ExpiryTimer(engine, OwnCommands(sender, "partners", service_key(stack, "partners"))) for _ in range(2)
        ]

        swept = await asyncio.gather(*(timer.sweep() for timer in timers))

        records = [await anext(commands) for ids in swept for _ in ids]
    ours = {invoice.id for invoice in invoices}
    asked: dict[UUID, set[bytes]] = {}
    for record in records:
        headers = dict(record.headers)
        assert headers[Header.TYPE] == ExpireInvoice.type.encode()
        asked.setdefault(UUID(orjson.loads(record.value)["invoice_id"]), set()).add(headers[Header.COMMAND_ID])
    assert asked.keys() & ours == {invoices[0].id, invoices[1].id}, "not the rejected one, nor one a second overdue"
    assert all(len(command_ids) == 1 for command_ids in asked.values()), "two sweeps, one intent"


async def test_the_service_expires_what_is_overdue_and_tells_it_once(stack: Stack, engine: AsyncEngine) -> None:
    skip_backlog(stack, COMMANDS, COMMANDS)
    invoices, _ = await overdue(stack, engine)
    tables = Tables(stack, "partners")
    ours = [invoice.id for invoice in invoices]

    def states() -> list[str]:
        rows = tables.rows("SELECT state FROM invoices WHERE id = ANY(%s) ORDER BY id", ours)
        return [row["state"] for row in rows]

    def told() -> list[dict[str, Any]]:
        return [seen.event for seen in tape.firsts() if UUID(seen.event["aggregate_id"]) in ours]

    async with Tape.of(stack, ["invoice.expired"]) as tape:
        with ServiceProcess(stack, "partners", supervised=True) as service:
            await eventually(lambda: states()[:2] == ["EXPIRED"] * 2, "both are expired")
            service.kill()
            service.wait_ready()
            await eventually(lambda: len(told()) >= 2, "both are told")

    assert states() == ["EXPIRED", "EXPIRED", "REJECTED", "CREATED"]
    assert [event["actor"]["type"] for event in told()] == ["system"] * 2
