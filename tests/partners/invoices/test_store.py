"""Invoices in PostgreSQL: what is written is read, and what must not be the database refuses."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.invoices import ApproveInvoice, AttachReceipt, CreateInvoice, ExpireInvoice, InvoiceState
from contracts.message import Actor, Command
from services.chassis import Reply, Write
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.ledger import InvoiceRules
from services.partners.invoices.store import load_invoices
from tests.partners.desk import code
from tests.partners.invoices.bureau import Bureau
from tests.partners.invoices.till import CARL, CLARA, NOTES, RECIPIENT, TIMER, UNLIMITED, Till, seen

pytestmark = pytest.mark.asyncio


@pytest.fixture
def till() -> Till:
    return Till(fresh=True)


@pytest.fixture
def bureau(engine: AsyncEngine, till: Till) -> Bureau:
    return Bureau(engine, InvoiceRules(UNLIMITED), till.stored)


async def stored(bureau: Bureau, invoice: Invoice) -> Invoice:
    async with bureau.engine.begin() as tx:
        return (await load_invoices(Write(tx), [invoice.id], lock=True))[invoice.id]


async def test_an_invoice_is_read_as_it_was_written_at_every_step(bureau: Bureau, till: Till) -> None:
    invoice, key = till.created(reference="Größe №1"), till.proof()
    await bureau.keep(till.book)
    assert await stored(bureau, invoice) == invoice

    attached = await bureau.one(AttachReceipt(invoice_id=invoice.id, object_key=key), till.ada)
    first = await stored(bureau, invoice)
    approved = await bureau.one(ApproveInvoice(invoice_id=invoice.id, expected_version=2, notes=NOTES), CARL)
    second = await stored(bureau, invoice)

    assert (first.view(), second.view()) == (seen(attached), seen(approved))
    assert second.receipt is not None
    assert (second.receipt.uploaded_by_issuer, second.approved_by_issuer) == (till.ada.issuer, CARL.issuer)


async def test_the_smallest_and_the_largest_amount_keep_their_digits(bureau: Bureau, till: Till) -> None:  # K14
    invoices = [till.created(amount=amount) for amount in ("0.01", "999.99", "1000")]
    await bureau.keep(till.book)

    amounts = [(await stored(bureau, invoice)).view().amount for invoice in invoices]

    assert amounts == ["0.01", "999.99", "1000.00"]


async def test_an_invoice_made_and_moved_in_one_batch_is_written_as_it_ends(bureau: Bureau, till: Till) -> None:
    invoice = till.paid()
    seen(till.reject(invoice))

    await bureau.keep(till.book)

    assert await stored(bureau, invoice) == invoice


@pytest.mark.parametrize(
    "column", ["partner_id = gen_random_uuid()", "amount = 1", "currency = 'EUR'", "recipient = ''", "created_by = ''"]
)
async def test_the_service_cannot_change_the_terms(engine: AsyncEngine, column: str) -> None:  # K24
    with pytest.raises(DBAPIError, match="permission denied"):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(f"UPDATE invoices SET {column}")


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["invoices", "cap_usage"])
async def test_the_service_deletes_neither_invoices_nor_usage(engine: AsyncEngine, table: str, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(statement.format(table))


CREATED: dict[str, Any] = {"state": InvoiceState.CREATED}
PAID: dict[str, Any] = {
    "state": InvoiceState.RECEIPT_UPLOADED,
    "receipt_object_key": "key",
    "receipt_size": 9,
    "receipt_sha256": "ab" * 32,
    "receipt_version_id": "v1",
    "receipt_uploaded_by_issuer": "i",
    "receipt_uploaded_by": "uploader",
    "receipt_uploaded_at": "2026-11-22T12:00:00Z",
}
APPROVED: dict[str, Any] = {
    **PAID,
    "state": InvoiceState.APPROVED,
    "approved_by_issuer": "i",
    "approved_by": "approver",
}


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({**CREATED, "amount": 0}, "invoices_amount"),
        ({**CREATED, "state": "PAID"}, "invoices_state"),
        ({**CREATED, "currency": "usd"}, "invoices_currency"),
        ({**CREATED, "recipient": "0x12"}, "invoices_recipient"),
        ({**CREATED, "version": 0}, "invoices_version"),
        ({**CREATED, "partner_id": uuid4()}, "invoices_partner_id_fkey"),
        ({**CREATED, "expires_at": "2020-01-01T00:00:00Z"}, "invoices_have_time"),
        ({**CREATED, "updated_at": "2020-01-01T00:00:00Z"}, "invoices_move_forward"),
        ({**CREATED, "reason_code": "BECAUSE"}, "invoices_reason_when_ended_early"),
        ({**CREATED, "state": "EXPIRED"}, "invoices_reason_when_ended_early"),
        ({**PAID, "state": "CREATED"}, "invoices_receipt_before_approval"),
        ({**PAID, "receipt_sha256": None}, "invoices_receipt_whole"),
        ({**PAID, "receipt_sha256": "nonsense"}, "invoices_receipt_sha256"),
        ({**PAID, "receipt_size": 0}, "invoices_receipt_not_empty"),
        ({**CREATED, "state": "RECEIPT_UPLOADED"}, "invoices_receipt_before_approval"),
        ({**PAID, "state": "APPROVED"}, "invoices_approved_from_approval_on"),
        ({**PAID, "state": "MINTED"}, "invoices_approved_from_approval_on"),
        ({**APPROVED, "state": "RECEIPT_UPLOADED"}, "invoices_approved_from_approval_on"),
        ({**APPROVED, "approved_by_issuer": None}, "invoices_approved_by_a_person"),
        ({**APPROVED, "approved_by": "creator"}, "invoices_approver_is_not_creator"),
        ({**APPROVED, "approved_by": "uploader"}, "invoices_approver_is_not_uploader"),
        (
            {"state": "REJECTED", "reason_code": "X", "approved_by_issuer": "i", "approved_by": "approver"},
            "invoices_approved_with_receipt",
        ),
    ],
)
async def test_a_row_that_contradicts_itself_is_refused(
    bureau: Bureau, till: Till, columns: Mapping[str, Any], constraint: str
) -> None:
    await bureau.keep(till.book)

    with pytest.raises(IntegrityError, match=constraint):
        await write_row(bureau.engine, {"partner_id": till.acme, **columns})


async def test_the_rows_above_are_fine_but_for_what_they_bend(bureau: Bureau, till: Till) -> None:
    """The control of the test before: without the bent column each of them is written."""
    await bureau.keep(till.book)

    for number, columns in enumerate((CREATED, PAID, APPROVED)):
        key = {"receipt_object_key": f"{till.acme}/{number}"} if "receipt_object_key" in columns else {}
        await write_row(bureau.engine, {"partner_id": till.acme, **columns, **key})


async def write_row(engine: AsyncEngine, columns: Mapping[str, Any]) -> None:
    row = {
        "id": uuid4(),
        "version": 1,
        "amount": "10.00",
        "currency": "USD",
        "recipient": RECIPIENT,
        "reference": "r",
        "created_by_issuer": "i",
        "created_by": "creator",
        "expires_at": "2026-11-29T12:00:00Z",
        "created_at": "2026-11-22T12:00:00Z",
        "updated_at": "2026-11-22T12:00:00Z",
        **columns,
    }
    values = ", ".join("NULL" if value is None else f"'{value}'" for value in row.values())
    async with engine.begin() as tx:
        await tx.exec_driver_sql(f"INSERT INTO invoices ({', '.join(row)}) VALUES ({values})")


async def test_one_receipt_for_two_invoices_at_once_backs_one(bureau: Bureau, till: Till) -> None:
    rounds = [(till.created(), till.created(), till.proof()) for _ in range(10)]
    await bureau.keep(till.book)

    for first, second, key in rounds:
        pair = [AttachReceipt(invoice_id=invoice.id, object_key=key) for invoice in (first, second)]
        answers = await asyncio.gather(*(bureau.one(command, till.ada) for command in pair))

        assert sorted(isinstance(answer, Reply) for answer in answers) == [False, True]
        (refused,) = [answer for answer in answers if not isinstance(answer, Reply)]
        assert code(refused) == "PROVIDER_TX_ID_REUSED"


async def test_the_database_itself_lets_one_receipt_back_one_invoice(bureau: Bureau, till: Till) -> None:
    await bureau.keep(till.book)
    row = {"partner_id": till.acme, **PAID, "receipt_object_key": f"{till.acme}/once"}
    await write_row(bureau.engine, row)

    with pytest.raises(IntegrityError, match="invoices_receipt_once"):
        await write_row(bureau.engine, row)


async def test_an_expiry_waits_for_no_partner(bureau: Bureau, till: Till) -> None:
    invoice = till.created()
    await bureau.keep(till.book)

    async with bureau.engine.begin() as holding:
        await holding.exec_driver_sql("SELECT FROM partners WHERE id = $1 FOR UPDATE", (till.acme,))
        late = invoice.expires_at + timedelta(seconds=1)
        async with asyncio.timeout(10):
            reply = await bureau.one(ExpireInvoice(invoice_id=invoice.id), TIMER, now=late)

    assert seen(reply).state is InvoiceState.EXPIRED


async def test_a_batch_of_any_size_costs_the_same_number_of_statements(bureau: Bureau, till: Till) -> None:
    few, many = await statements_of(bureau, till, 2), await statements_of(bureau, till, 60)

    assert len(few) == len(many), "\n".join(few)


async def test_a_batch_without_invoices_costs_none_of_theirs(bureau: Bureau, till: Till) -> None:
    with bureau.statements() as seen_by_database:
        await bureau.put()

    assert seen_by_database == []


async def statements_of(bureau: Bureau, till: Till, size: int) -> list[str]:
    """One batch with every command, on `size` invoices each."""
    till.book.ledger.new.clear()
    another = Till(fresh=True)
    bureau.stored = another.stored
    created = [another.created(amount="1") for _ in range(2 * size)]
    paid = [another.paid(amount="1") for _ in range(2 * size)]
    keys = [another.proof() for _ in range(size)]
    await bureau.keep(another.book)
    fields = {"amount": "1", "currency": "USD", "recipient": RECIPIENT, "reference": "r"}
    calls: list[tuple[Command, Actor]] = [(CreateInvoice.model_validate(fields), another.ada) for _ in range(size)]
    for invoice, key in zip(created, keys, strict=False):
        calls.append((AttachReceipt(invoice_id=invoice.id, object_key=key), another.ada))
    calls += [(ExpireInvoice(invoice_id=invoice.id), TIMER) for invoice in created[size:]]
    for invoice, judge in zip(paid, (CARL, CLARA) * size, strict=True):
        calls.append((ApproveInvoice(invoice_id=invoice.id, expected_version=2, notes=NOTES), judge))
    with bureau.statements() as seen_by_database:
        answers = await bureau.put(*calls)
    assert all(isinstance(answer, Reply) for answer in answers)
    return seen_by_database
