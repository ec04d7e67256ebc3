"""How sign-and-submit and each report of the mint worker is prepared and its effect counted; no worker is running."""

import base64
from datetime import UTC, datetime
from typing import Any

from contracts.vouchers import RecordSignature, RecordSubmission, RecordUnknown, SignInvoice, VoidVoucher
from tests.support.bus import Bus
from tests.support.cases import Prepared, case
from tests.support.invoice_cases import told
from tests.support.minting import Client
from tests.support.people import system
from tests.support.tables import Tables
from tests.support.waiting import eventually

SIGNATURE = base64.b64encode(b"s" * 64).decode()


@case(SignInvoice)
async def sign_invoice(bus: Bus) -> Prepared:
    client = await signable(bus)
    command = SignInvoice(invoice_id=await client.invoice())
    kind = "invoice.signing"
    return Prepared(command, client.signer, told(kind, command.invoice_id), (kind,), deferred=True)


@case(RecordSignature)
async def record_signature(bus: Bus) -> Prepared:
    command = RecordSignature(**await prepared(bus), signature=SIGNATURE)
    return _report(command, "voucher.signed")


@case(RecordSubmission)
async def record_submission(bus: Bus) -> Prepared:
    return _report(
        RecordSubmission(**await signed(bus), status="ACCEPTED", sent_at=datetime.now(UTC)), "invoice.submitted"
    )


@case(RecordUnknown)
async def record_unknown(bus: Bus) -> Prepared:
    return _report(RecordUnknown(**await signed(bus), why="no answer"), "voucher.outcome_unknown")


@case(VoidVoucher)
async def void_voucher(bus: Bus) -> Prepared:
    return _report(VoidVoucher(**await signed(bus), code="SWAP_RPC_FAILED"), "voucher.voided", "invoice.failed")


def _report(command: RecordSignature | RecordSubmission | RecordUnknown | VoidVoucher, *events: str) -> Prepared:
    return Prepared(command, system("partners"), told(events[0], command.invoice_id), events)


async def signable(bus: Bus) -> Client:
    """A client, and word of a signer that could sign: nobody runs, so nothing goes on by itself."""
    Tables(bus.stack, "partners").rows(
        "INSERT INTO signers (instance, token, seen_at) VALUES (99, 'software', now() + interval '1 day')"
        " ON CONFLICT (instance) DO UPDATE SET seen_at = excluded.seen_at RETURNING instance"
    )
    return await Client.approved(bus)


async def prepared(bus: Bus) -> dict[str, Any]:
    """A voucher that waits for its signature."""
    client, tables = await signable(bus), Tables(bus.stack, "partners")
    invoice_id = await client.invoice()
    await client.ask_to_sign(invoice_id)
    found = "SELECT id FROM vouchers WHERE invoice_id = %s"
    [voucher] = await eventually(lambda: tables.rows(found, invoice_id), "the voucher is prepared")
    return {"invoice_id": invoice_id, "voucher_id": voucher["id"]}


async def signed(bus: Bus) -> dict[str, Any]:
    """A voucher that waits for its submission."""
    names = await prepared(bus)
    answer = await bus.ask(RecordSignature(**names, signature=SIGNATURE), system("partners"))
    assert answer.status == 200, answer
    return names
