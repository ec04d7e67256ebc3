"""S1.30: a reject that lands between signature and submission; the worker is down at that moment."""

from typing import Any
from uuid import UUID

import orjson

from deploy.local.stack import Stack
from tests.mint import controls
from tests.mint.conftest import ONE_LOOP
from tests.support import Bus, RawRecord, ServiceProcess, Tables, eventually
from tests.support.minting import Client
from tests.support.outside import SwapOperator

pytestmark = ONE_LOOP


async def signed_then_suspended(stack: Stack, client: Client, invoice_id: UUID) -> RawRecord:
    """A voucher whose signature is noted, of a partner that was suspended before anybody could submit it."""
    tables, worker = Tables(stack, "partners"), ServiceProcess(stack, "mint")
    worker.crash.arm("after_report", "voucher.record_signature")
    with worker:
        asked = await client.ask_to_sign(invoice_id)
        await eventually(lambda: not worker.is_alive, "the worker dies once its signature is reported")
        await eventually(lambda: state(tables, invoice_id) == "SIGNED", "the signature is noted")
        await client.suspend()
    return asked


async def test_the_signed_voucher_is_voided_and_says_so(
    stack: Stack, bus: Bus, partners: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    asked = await signed_then_suspended(stack, client, invoice_id)

    with ServiceProcess(stack, "mint"):
        answer = await bus.answer_to(asked)

    assert (answer.status, answer.code) == (403, "PARTNER_NOT_APPROVED")
    [voided] = [e for e in events(tables, invoice_id) if e["type"] == "voucher.voided"]
    assert (voided["data"]["code"], voided["data"]["was_signed"]) == ("PARTNER_NOT_APPROVED", True)
    assert await node.calls((await client.seen(invoice_id))["voucher"]["nonce"]) == []


async def test_control_a_worker_without_the_last_gate_submits_it(
    stack: Stack, bus: Bus, partners: ServiceProcess, node: SwapOperator
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    await signed_then_suspended(stack, client, invoice_id)

    with ServiceProcess(stack, "mint", command=controls.command("without-last-gate")):
        await client.becomes(invoice_id, "MINTED")

    assert len(await node.mints(str(invoice_id))) == 1


async def test_control_a_worker_that_does_not_look_up_sends_again(
    stack: Stack, bus: Bus, partners: ServiceProcess, node: SwapOperator
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    await node.behave("drop_after_acceptance", times=1, mint_delay_seconds=0.2)

    with ServiceProcess(stack, "mint", command=controls.command("without-looking-up")):
        await client.ask_to_sign(invoice_id)
        invoice = await client.becomes(invoice_id, "MINTED")

    assert len(await node.calls(invoice["voucher"]["nonce"])) == 2


def state(tables: Tables, invoice_id: UUID) -> str:
    return str(tables.value("SELECT state FROM vouchers WHERE invoice_id = %s", invoice_id))


def events(tables: Tables, invoice_id: UUID) -> list[dict[str, Any]]:
    rows = tables.rows("SELECT value FROM outbox WHERE aggregate_id = %s ORDER BY version", invoice_id)
    return [orjson.loads(row["value"]) for row in rows]
