"""S1.27, S1.38: a partner is turned down while it invoices; no invoice is later than the rejection."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import RejectPartner
from contracts.invoices import ApproveInvoice, CreateInvoice
from contracts.message import Actor, Command, Context
from services.chassis import Call, Reply, Write, fetch
from services.partners.handlers import HANDLERS
from services.partners.invoices.ledger import InvoiceRules
from services.partners.invoices.loading import memberships
from services.partners.invoices.store import save_invoices
from services.partners.partner import person_of
from services.partners.store_partners import load_partners
from tests.partners.desk import ROOT, code, decision
from tests.partners.invoices.bureau import Bureau
from tests.partners.invoices.till import CARL, NOTES, RECIPIENT, UNLIMITED, Till

pytestmark = pytest.mark.asyncio
ROUNDS, CREATORS = 40, 6

_LATEST = """
    SELECT (SELECT max(created_at) FROM invoices WHERE partner_id = $1) AS invoice,
           (SELECT max(updated_at) FROM invoices WHERE partner_id = $1 AND state = 'APPROVED') AS approval,
           (SELECT max(decided_at) FROM partner_approvals WHERE partner_id = $1) AS rejection
"""


def creation() -> CreateInvoice:
    return CreateInvoice(amount="1.00", currency="USD", recipient=RECIPIENT, reference="r")


def rejection(till: Till) -> RejectPartner:
    return cast("RejectPartner", decision(till.acme, RejectPartner, expected_version=2))


async def latest(engine: AsyncEngine, partner_id: UUID) -> Any:
    async with engine.connect() as connection:
        return (await fetch(connection, _LATEST, partner_id))[0]


async def test_no_invoice_is_later_than_the_rejection(engine: AsyncEngine) -> None:
    seen = set()
    for number in range(ROUNDS):
        till = Till(fresh=True)
        bureau = Bureau(engine, InvoiceRules(UNLIMITED), till.stored)
        await bureau.keep(till.book)
        calls: list[tuple[Command, Actor]] = [(creation(), till.ada) for _ in range(CREATORS)]
        place = number % (CREATORS + 1)
        calls.insert(place, (rejection(till), ROOT))

        created = await asyncio.gather(*(bureau.one(command, actor) for command, actor in calls))
        rejected = created.pop(place)

        assert isinstance(rejected, Reply)
        assert {code(each) for each in created if not isinstance(each, Reply)} <= {"PARTNER_NOT_APPROVED"}
        found = await latest(engine, till.acme)
        assert found.invoice is None or found.invoice < found.rejection
        seen |= {isinstance(each, Reply) for each in created}
    assert seen == {True, False}, "some came before and some after, or nothing was raced"


async def test_no_approval_is_later_than_the_rejection(engine: AsyncEngine) -> None:
    for _ in range(ROUNDS // 2):
        till = Till(fresh=True)
        bureau = Bureau(engine, InvoiceRules(UNLIMITED), till.stored)
        invoices = [till.paid(amount="1") for _ in range(CREATORS)]
        await bureau.keep(till.book)
        approvals = [ApproveInvoice(invoice_id=i.id, expected_version=2, notes=NOTES) for i in invoices]

        *_, rejected = await asyncio.gather(
            *(bureau.one(command, CARL) for command in approvals), bureau.one(rejection(till), ROOT)
        )

        assert isinstance(rejected, Reply)
        found = await latest(engine, till.acme)
        assert found.approval is None or found.approval < found.rejection


async def test_after_the_answer_to_the_rejection_nothing_is_created(engine: AsyncEngine) -> None:
    till = Till(fresh=True)
    bureau = Bureau(engine, InvoiceRules(UNLIMITED), till.stored)
    await bureau.keep(till.book)
    await bureau.one(rejection(till), ROOT)

    answers = await asyncio.gather(*(bureau.one(creation(), till.ada) for _ in range(CREATORS)))

    assert {code(answer) for answer in answers} == {"PARTNER_NOT_APPROVED"}


async def test_control_a_partner_that_is_read_without_a_lock_invoices_after_its_rejection(engine: AsyncEngine) -> None:
    """What the lock prevents: the gate looks, the rejection commits, the invoice is written."""
    till = Till(fresh=True)
    bureau = Bureau(engine, InvoiceRules(UNLIMITED), till.stored)
    await bureau.keep(till.book)

    async with engine.begin() as connection:
        book = bureau.book()
        book.partners = await load_partners(Write(connection), [till.acme], lock=False)
        book.ledger.memberships = memberships(book.partners.values(), {person_of(till.ada)})
        await bureau.one(rejection(till), ROOT)
        call = Call(till.ada, Context(request_id="r", command_id=uuid4()), uuid4(), datetime.now(UTC))
        assert isinstance(HANDLERS[CreateInvoice](creation(), call, book), Reply)
        await save_invoices(Write(connection), book.ledger.new, {})

    found = await latest(engine, till.acme)
    assert found.invoice > found.rejection, "the control must show what the lock prevents"
