"""S1.30: a reject that lands between signature and submission; the worker is down at that moment."""

from typing import Any
from uuid import UUID

import orjson

from deploy.local.stack import Stack
from tests.mint.conftest import ONE_LOOP
from tests.support import Bus, ServiceProcess, Tables, eventually
from tests.support.minting import Client
from tests.support.outside import SwapOperator

pytestmark = ONE_LOOP


async def test_the_signed_voucher_is_voided_and_says_so(
    stack: Stack, bus: Bus, partners: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    worker = ServiceProcess(stack, "mint")
    worker.crash.arm("after_report", "voucher.record_signature")
    with worker:
        asked = await client.ask_to_sign(invoice_id)
        await eventually(lambda: not worker.is_alive, "the worker dies once its signature is reported")
        await eventually(lambda: state(tables, invoice_id) == "SIGNED", "the signature is noted")
        await client.suspend()
        worker.start()

        answer = await bus.answer_to(asked)

    assert (answer.status, answer.code) == (403, "PARTNER_NOT_APPROVED")
    [voided] = [e for e in events(tables, invoice_id) if e["type"] == "voucher.voided"]
    assert (voided["data"]["code"], voided["data"]["was_signed"]) == ("PARTNER_NOT_APPROVED", True)
    assert await node.calls((await client.seen(invoice_id))["voucher"]["nonce"]) == []


def state(tables: Tables, invoice_id: UUID) -> str:
    return str(tables.value("SELECT state FROM vouchers WHERE invoice_id = %s", invoice_id))


def events(tables: Tables, invoice_id: UUID) -> list[dict[str, Any]]:
    rows = tables.rows("SELECT value FROM outbox WHERE aggregate_id = %s ORDER BY version", invoice_id)
    return [orjson.loads(row["value"]) for row in rows]
