"""S1.30: no voucher is signed by the token or sent to the node for a partner that is not approved, whenever that is."""

import signal
from typing import LiteralString
from uuid import UUID

import orjson
import pytest

from contracts.partners import PartnerState
from deploy.local import objects
from deploy.local.stack import Stack
from deploy.local.state import DOCUMENTS
from tests.mint.conftest import ONE_LOOP
from tests.support import Bus, ServiceProcess, Tables, eventually
from tests.support.minting import Client
from tests.support.outside import SwapOperator

pytestmark = ONE_LOOP

KEYS: dict[str, LiteralString] = {
    "receipt": "SELECT receipt_object_key FROM invoices WHERE id = %s",
    **{
        kind: f"""SELECT d.object_key FROM invoices i JOIN dossier_documents d USING (partner_id)
            WHERE i.id = %s AND d.kind = '{kind}'"""
        for kind in ("kyb", "licensing")
    },
}


def overwrite(stack: Stack, object_key: str) -> None:
    """Somebody with the store's own key puts other bytes there."""
    objects.client(stack.state).put_object(Bucket=DOCUMENTS, Key=object_key, Body=b"%PDF-1.7 not what was reviewed")


async def nothing_left(client: Client, invoice_id: UUID, node: SwapOperator, tables: Tables) -> None:
    """Neither the token nor the node was asked."""
    assert tables.value("SELECT count(*) FROM signed_digests WHERE invoice_id = %s", invoice_id) == 0
    assert await node.mints(str(invoice_id)) == []
    voucher = (await client.seen(invoice_id))["voucher"]
    assert voucher is None or await node.calls(voucher["nonce"]) == []


async def test_an_approved_invoice_is_signed_submitted_and_minted(
    bus: Bus, mint: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()

    answer = await client.sign(invoice_id)

    assert (answer.status, answer.json["state"]) == (200, "SUBMITTED"), answer
    [mint_row] = await eventually(lambda: node.mints(str(invoice_id)), "the node mints")
    assert (mint_row["amount"], mint_row["recipient"]) == ("12.50", answer.json["recipient"])
    assert (await client.becomes(invoice_id, "MINTED"))["voucher"]["tx_hash"] == mint_row["tx_hash"]
    told = "SELECT topic, value FROM outbox WHERE aggregate_id = %s ORDER BY version DESC LIMIT 3"
    actors = {row["topic"]: orjson.loads(row["value"])["actor"]["type"] for row in tables.rows(told, invoice_id)}
    assert actors == dict.fromkeys(("voucher.signed", "invoice.submitted", "invoice.minted"), "system")


async def test_a_suspended_partner_gets_nothing_signed(
    bus: Bus, mint: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    await client.suspend()

    answer = await client.sign(invoice_id)

    assert (answer.status, answer.code) == (403, "PARTNER_NOT_APPROVED")
    assert PartnerState.SUSPENDED in answer.body.decode()
    assert (await client.seen(invoice_id))["state"] == "APPROVED"
    await nothing_left(client, invoice_id, node, tables)


async def test_a_reject_between_the_gate_and_the_signature_stops_the_token(
    bus: Bus, mint: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    mint.signal(signal.SIGSTOP)
    try:
        asked = await client.ask_to_sign(invoice_id)
        await client.becomes(invoice_id, "SIGNING")
        await client.suspend()
    finally:
        mint.signal(signal.SIGCONT)

    answer = await bus.answer_to(asked)

    assert (answer.status, answer.code) == (403, "PARTNER_NOT_APPROVED")
    invoice = await client.seen(invoice_id)
    assert (invoice["state"], invoice["voucher"]["state"]) == ("FAILED", "VOIDED")
    await nothing_left(client, invoice_id, node, tables)


async def test_creator_approver_and_signer_are_three_people(
    bus: Bus, mint: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    signer = client.signer

    for other in (client.contact, client.compliance):
        client.signer = other.model_copy(update={"roles": signer.roles})
        answer = await client.sign(invoice_id)
        assert (answer.status, answer.code) == (403, "MAKER_CHECKER_VIOLATION")

    await nothing_left(client, invoice_id, node, tables)


@pytest.mark.parametrize("kind", ["kyb", "licensing", "receipt"])
async def test_evidence_that_was_replaced_in_the_store_is_noticed(
    kind: str, stack: Stack, bus: Bus, mint: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    """K10: the store now holds a newer version under the reviewed key."""
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    overwrite(stack, tables.value(KEYS[kind], invoice_id))

    answer = await client.sign(invoice_id)

    assert (answer.status, answer.code) == (409, "EVIDENCE_TAMPERED")
    await nothing_left(client, invoice_id, node, tables)


async def test_another_call_while_it_is_signed_is_told_how_things_stand(
    bus: Bus, mint: ServiceProcess, node: SwapOperator
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    mint.signal(signal.SIGSTOP)
    try:
        first = await client.ask_to_sign(invoice_id)
        other = await client.sign(invoice_id)
    finally:
        mint.signal(signal.SIGCONT)

    assert (other.status, other.code) == (409, "INVOICE_STATE_INVALID")
    assert (await bus.answer_to(first)).status == 200


async def test_while_the_outcome_is_unknown_another_call_is_told_so(
    bus: Bus, mint: ServiceProcess, node: SwapOperator
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    await node.behave("timeout_after_acceptance", delay_seconds=3)
    await client.ask_to_sign(invoice_id)
    voucher = (await client.becomes(invoice_id, "SIGNING"))["voucher"]
    await eventually(lambda: node.calls(voucher["nonce"]), "the node has it")
    await node.behave("error")

    async def unknown() -> bool:
        return bool((await client.seen(invoice_id))["voucher"]["state"] == "UNKNOWN")

    await eventually(unknown, "the outcome is unknown")
    other = await client.sign(invoice_id)
    await node.behave("ok")

    assert (other.status, other.code) == (409, "VOUCHER_OUTCOME_UNKNOWN")
    await client.becomes(invoice_id, "MINTED")


async def test_a_voucher_that_the_node_refuses_fails_and_is_not_tried_again(
    bus: Bus, mint: ServiceProcess, node: SwapOperator
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    await node.behave("refuse", times=1)

    answer = await client.sign(invoice_id)

    assert (answer.status, answer.code) == (502, "SWAP_RPC_FAILED")
    invoice = await client.seen(invoice_id)
    assert (invoice["state"], invoice["reason_code"]) == ("FAILED", "SWAP_RPC_FAILED")
    again = await client.sign(invoice_id)
    assert (again.status, again.code) == (409, "INVOICE_STATE_INVALID")
    assert await node.mints(str(invoice_id)) == []
