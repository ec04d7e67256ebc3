"""The token is away, refuses its PIN or the request: nothing is signed, callers are told, it comes back by itself."""

from uuid import UUID

import pytest

from deploy.local.stack import Stack
from tests.mint import controls
from tests.mint.conftest import ONE_LOOP
from tests.support import Bus, ServiceProcess, Tables, eventually
from tests.support.minting import Client
from tests.support.outside import SwapOperator

pytestmark = ONE_LOOP


def wrong(stack: Stack) -> dict[str, str]:
    """Settings under which the stack's own token can't be opened."""
    settings = stack.env_of("mint")
    kind = settings["GATEHOUSE_HSM_KIND"]
    return {"GATEHOUSE_HSM_PIN": "0000"} if kind == "pkcs11" else {"GATEHOUSE_HSM_KEY_FILE": "/nowhere"}


def nobody_signs(tables: Tables) -> None:
    """As if no worker had been seen for a while."""
    tables.rows("UPDATE signers SET seen_at = now() - interval '1 minute' RETURNING instance")


def signed(tables: Tables, invoice_id: UUID) -> int:
    return int(
        tables.value("SELECT count(*) FROM vouchers WHERE invoice_id = %s AND signature IS NOT NULL", invoice_id)
    )


async def test_without_a_signer_sign_and_submit_is_503_and_changes_nothing(
    bus: Bus, partners: ServiceProcess, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    nobody_signs(tables)

    answer = await client.sign(invoice_id)

    assert (answer.status, answer.code, answer.json["retryable"]) == (503, "HSM_UNAVAILABLE", True)
    assert (await client.seen(invoice_id))["state"] == "APPROVED"


async def test_a_wrong_pin_is_told_at_once_and_the_right_one_goes_on(
    stack: Stack, bus: Bus, partners: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    nobody_signs(tables)
    locked = ServiceProcess(stack, "mint", env=wrong(stack)).start(wait=False)
    try:
        await eventually(lambda: "token" in locked.readiness()[1], "its readiness names the token")
        answer = await client.sign(invoice_id)
    finally:
        locked.stop()
    assert (answer.status, answer.code) == (503, "HSM_UNAVAILABLE")

    with ServiceProcess(stack, "mint"):
        assert (await client.sign(invoice_id)).status == 200
        await client.becomes(invoice_id, "MINTED")


async def test_a_token_that_goes_away_after_the_gate_is_waited_for(
    stack: Stack, bus: Bus, partners: ServiceProcess, node: SwapOperator, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    with ServiceProcess(stack, "mint") as worker:
        worker.kill()
        asked = await client.ask_to_sign(invoice_id)
        await client.becomes(invoice_id, "SIGNING")
    locked = ServiceProcess(stack, "mint", env=wrong(stack)).start(wait=False)
    try:
        failure = "SELECT failure FROM vouchers WHERE invoice_id = %s"
        await eventually(lambda: "token is away" in str(tables.value(failure, invoice_id)), "it says why it waits")
    finally:
        locked.stop()
    assert signed(tables, invoice_id) == 0

    with ServiceProcess(stack, "mint"):
        assert (await bus.answer_to(asked)).status == 200
        await client.becomes(invoice_id, "MINTED")
    assert len(await node.mints(str(invoice_id))) == 1


async def test_a_token_that_refuses_the_signature_fails_the_invoice(
    stack: Stack, bus: Bus, partners: ServiceProcess, node: SwapOperator
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()

    with ServiceProcess(stack, "mint", command=controls.command("broken-token")):
        answer = await client.sign(invoice_id)

    assert (answer.status, answer.code) == (502, "HSM_SIGN_FAILED")
    invoice = await client.seen(invoice_id)
    assert (invoice["state"], invoice["reason_code"]) == ("FAILED", "HSM_SIGN_FAILED")
    assert await node.mints(str(invoice_id)) == []


@pytest.mark.parametrize(
    ("env", "status", "code"),
    [
        ({"OTC_SIGNING_ENABLED": "false"}, 503, "SIGNING_DISABLED"),
        ({"OTC_VOUCHER_SECONDS": "1"}, 409, "VOUCHER_EXPIRED"),
    ],
    ids=["signing switched off", "a voucher that nobody signed in time"],
)
async def test_settings_that_stop_a_voucher(
    env: dict[str, str], status: int, code: str, stack: Stack, bus: Bus, partners: ServiceProcess, tables: Tables
) -> None:
    client = await Client.approved(bus)
    invoice_id = await client.invoice()
    partners.stop()
    with ServiceProcess(stack, "mint") as worker, ServiceProcess(stack, "partners", env=env):
        await eventually(lambda: tables.value(FRESH) > 0, "the signer is seen")
        worker.kill()
        asked = await client.ask_to_sign(invoice_id)
        past = "SELECT count(*) FROM vouchers WHERE invoice_id = %s AND expires_at < now()"
        if code == "VOUCHER_EXPIRED":
            await eventually(lambda: tables.value(past, invoice_id) == 1, "it expires unsigned")
        worker.start()
        answer = await bus.answer_to(asked)
        again = await client.sign(invoice_id)
    partners.start()

    assert (answer.status, answer.code) == (again.status, again.code) == (status, code)
    assert signed(tables, invoice_id) == 0


FRESH = "SELECT count(*) FROM signers WHERE problem IS NULL AND seen_at > now() - interval '5 seconds'"
