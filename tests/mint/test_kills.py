"""K15, K16: kill -9 at each step of sign-and-submit; one digest, one mint, and it comes back by itself."""

from uuid import UUID

import pytest

from services.partners.mint.points import MintPoint
from tests.mint.conftest import ONE_LOOP
from tests.support import Bus, ServiceProcess, Tables, eventually
from tests.support.minting import Client
from tests.support.outside import SwapOperator

pytestmark = ONE_LOOP
SYSTEM = ("voucher.record_signature", "voucher.record_submission")


async def minted_once(client: Client, invoice_id: UUID, node: SwapOperator, tables: Tables) -> None:
    """AssertionError unless there is one digest, one payload on the wire, one mint, and everybody says so."""
    invoice = await client.becomes(invoice_id, "MINTED")
    digest = invoice["voucher"]["digest"]

    assert [mint["invoice_id"] for mint in await node.mints(str(invoice_id))] == [str(invoice_id)]
    calls = await node.calls(invoice["voucher"]["nonce"])
    assert {call["payload_sha256"] for call in calls} == {digest}
    registered = tables.rows("SELECT digest FROM signed_digests WHERE invoice_id = %s", invoice_id)
    assert [row["digest"] for row in registered] == [digest]


@pytest.mark.parametrize("point", MintPoint)
async def test_a_kill_of_the_worker_anywhere_ends_in_one_mint(
    point: MintPoint, bus: Bus, mint: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    starts = mint.starts
    mint.crash.arm(point)
    try:
        await client.ask_to_sign(invoice_id)
        await eventually(lambda: mint.crash.happened, f"the worker reaches {point}")
        await eventually(lambda: mint.starts > starts, "it is started again")
    finally:
        mint.crash.disarm()

    await minted_once(client, invoice_id, node, tables)


@pytest.mark.parametrize("report", SYSTEM)
@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
async def test_a_kill_of_the_owner_while_it_notes_a_report_ends_in_one_mint(
    point: str,
    report: str,
    bus: Bus,
    partners: ServiceProcess,
    mint: ServiceProcess,
    node: SwapOperator,
    tables: Tables,
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    starts = partners.starts
    partners.crash.arm(point, report)
    try:
        await client.ask_to_sign(invoice_id)
        await eventually(lambda: partners.crash.happened, f"partners reaches {point} of {report}")
        await eventually(lambda: partners.starts > starts, "it is started again")
    finally:
        partners.crash.disarm()

    await minted_once(client, invoice_id, node, tables)


@pytest.mark.parametrize("mode", ["timeout_after_acceptance", "drop_after_acceptance", "error", "slow"])
async def test_a_node_that_behaves_badly_once_mints_once(
    mode: str, bus: Bus, mint: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    await node.behave(mode, times=1, delay_seconds=4, mint_delay_seconds=0.2)

    await client.ask_to_sign(invoice_id)

    await minted_once(client, invoice_id, node, tables)


async def test_an_unknown_outcome_is_looked_up_and_never_sent_again(
    bus: Bus, mint: ServiceProcess, node: SwapOperator
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    await node.behave("drop_after_acceptance", times=1, mint_delay_seconds=0.2)

    await client.ask_to_sign(invoice_id)

    invoice = await client.becomes(invoice_id, "MINTED")
    assert len(await node.calls(invoice["voucher"]["nonce"])) == 1
