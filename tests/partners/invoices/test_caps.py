"""K17: caps are exact although many approve at once, on real transactions; without the lock they are not."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.invoices import ApproveInvoice, InvoiceState
from services.chassis import Outcome, Reply, Write, fetch
from services.partners.invoices.invoice import Invoice
from services.partners.invoices.ledger import InvoiceRules
from services.partners.invoices.limits import CapKey, Ceilings, Limits, Usage
from services.partners.invoices.loading import LONGEST_LOAD
from services.partners.invoices.store import load_usage, save_usage
from tests.partners.desk import code
from tests.partners.invoices.bureau import Bureau
from tests.partners.invoices.till import CARL, NOTES, PLENTY, UNLIMITED, Till
from tests.support import eventually

pytestmark = pytest.mark.asyncio
ROUNDS, PARALLEL = 5, 20


async def used(engine: AsyncEngine, key: CapKey) -> Decimal:
    """What stands in the table, which other tests filled too."""
    statement = "SELECT used FROM cap_usage WHERE (scope, day, currency) = ($1, $2, $3)"
    async with engine.connect() as connection:
        rows = await fetch(connection, statement, *key)
    return rows[0].used if rows else Decimal(0)


async def a_whole_day() -> None:
    """Rounds are counted by the day: none may begin in the last minute of one."""

    def has_time() -> bool:
        return (datetime.now(UTC) + LONGEST_LOAD).date() == datetime.now(UTC).date()

    await eventually(has_time, "a new day", seconds=2 * LONGEST_LOAD.total_seconds())


async def invoices_of(bureau: Bureau, tills: Sequence[Till], amounts: Sequence[str]) -> list[Invoice]:
    """One paid invoice for each amount, shared out among the tills' partners."""
    invoices = [tills[n % len(tills)].paid(amount=amount) for n, amount in enumerate(amounts)]
    for till in tills:
        await bureau.keep(till.book)
    return invoices


async def approve_all(bureau: Bureau, invoices: Sequence[Invoice]) -> list[Outcome]:
    commands = [ApproveInvoice(invoice_id=invoice.id, expected_version=2, notes=NOTES) for invoice in invoices]
    return list(await asyncio.gather(*(bureau.one(command, CARL) for command in commands)))


def outcomes(answers: Sequence[Outcome]) -> Counter[str]:
    return Counter("approved" if isinstance(answer, Reply) else code(answer) for answer in answers)


@pytest.mark.parametrize("partners", [PARALLEL, 4, 1])
async def test_twenty_parallel_approvals_never_pass_the_cap_of_a_region(engine: AsyncEngine, partners: int) -> None:
    for _ in range(ROUNDS):
        await a_whole_day()
        key = CapKey.of_region(datetime.now(UTC).date(), "USD")
        before = await used(engine, key)
        limits = Limits({"USD": Ceilings(PLENTY, PLENTY, before + 1000)})
        bureau = Bureau(engine, InvoiceRules(limits))
        invoices = await invoices_of(bureau, [Till(fresh=True) for _ in range(partners)], ["100"] * PARALLEL)

        answers = await approve_all(bureau, invoices)

        assert outcomes(answers) == {"approved": 10, "REGION_CAP_EXCEEDED": 10}
        assert await used(engine, key) == before + 1000


async def test_twenty_parallel_approvals_never_pass_the_cap_of_a_partner(engine: AsyncEngine) -> None:
    for _ in range(ROUNDS):
        await a_whole_day()
        till = Till(fresh=True)
        bureau = Bureau(engine, InvoiceRules(Limits({"USD": Ceilings(PLENTY, Decimal(1000), PLENTY)})))
        invoices = await invoices_of(bureau, [till], ["100"] * PARALLEL)

        answers = await approve_all(bureau, invoices)

        assert outcomes(answers) == {"approved": 10, "BRANCH_CAP_EXCEEDED": 10}
        key = CapKey.of_partner(till.acme, datetime.now(UTC).date(), "USD")
        assert await used(engine, key) == 1000


async def test_amounts_of_all_sizes_fill_a_cap_as_far_as_they_fit(engine: AsyncEngine) -> None:
    """What is counted is what was approved, to the cent, and nothing that would have fitted was refused."""
    for drawn in map(random.Random, range(ROUNDS)):
        await a_whole_day()
        key = CapKey.of_region(datetime.now(UTC).date(), "USD")
        before = await used(engine, key)
        cap = before + 2000
        bureau = Bureau(engine, InvoiceRules(Limits({"USD": Ceilings(PLENTY, PLENTY, cap)})))
        amounts = [f"{drawn.randint(1, 40_000) / Decimal(100):.2f}" for _ in range(PARALLEL)]
        invoices = await invoices_of(bureau, [Till(fresh=True) for _ in range(PARALLEL)], amounts)

        answers = await approve_all(bureau, invoices)

        pairs = list(zip(invoices, answers, strict=True))
        approved = sum((i.amount for i, answer in pairs if isinstance(answer, Reply)), Decimal(0))
        total = await used(engine, key)
        assert total == before + approved <= cap
        assert all(total + i.amount > cap for i, answer in pairs if not isinstance(answer, Reply))


async def test_both_halves_of_a_refused_charge_stay_as_they_were(engine: AsyncEngine) -> None:
    await a_whole_day()
    till, today = Till(fresh=True), datetime.now(UTC).date()
    region = await used(engine, CapKey.of_region(today, "USD"))
    bureau = Bureau(engine, InvoiceRules(Limits({"USD": Ceilings(PLENTY, PLENTY, region + Decimal("0.01"))})))
    (invoice,) = await invoices_of(bureau, [till], ["100"])

    answers = await approve_all(bureau, [invoice])

    assert outcomes(answers) == {"REGION_CAP_EXCEEDED": 1}
    assert await used(engine, CapKey.of_partner(till.acme, today, "USD")) == 0


async def test_control_usage_that_is_read_without_a_lock_passes_the_cap(engine: AsyncEngine) -> None:
    """The same charge, read and then written: everybody sees room for their own."""
    limits = Limits({"USD": Ceilings(PLENTY, PLENTY, Decimal(1000))})
    tills, today = [Till(fresh=True) for _ in range(PARALLEL)], datetime(1999, 12, 31, tzinfo=UTC).date()
    region, everybody_has_read = CapKey.of_region(today, "USD"), asyncio.Barrier(PARALLEL)

    async def charge_unlocked(till: Till) -> bool:
        partner = CapKey.of_partner(till.acme, today, "USD")
        async with engine.begin() as tx:
            usage = Usage({partner: Decimal(0), region: await used(engine, region)})
            await everybody_has_read.wait()
            refused = limits.charge(usage, till.acme, today, Decimal(100), "USD")
            await save_usage(Write(tx), usage)
        return refused is None

    approved = sum(await asyncio.gather(*map(charge_unlocked, tills)))

    assert approved * 100 > 1000, "the control must show what the lock prevents"


async def test_control_the_same_charges_with_the_lock_keep_the_cap(engine: AsyncEngine) -> None:
    limits = Limits({"USD": Ceilings(PLENTY, PLENTY, Decimal(1000))})
    tills, today = [Till(fresh=True) for _ in range(PARALLEL)], datetime(1999, 12, 30, tzinfo=UTC).date()
    region = CapKey.of_region(today, "USD")

    async def charge_locked(till: Till) -> bool:
        async with engine.begin() as tx:
            usage = await load_usage(Write(tx), {CapKey.of_partner(till.acme, today, "USD"), region})
            refused = limits.charge(usage, till.acme, today, Decimal(100), "USD")
            await save_usage(Write(tx), usage)
        return refused is None

    approved = sum(await asyncio.gather(*map(charge_locked, tills)))

    assert approved == 10
    assert await used(engine, region) == 1000


async def test_batches_that_meet_the_same_caps_in_opposite_order_all_end(engine: AsyncEngine) -> None:
    """Two batches over the same partners, invoices named in opposite order: no deadlock, every approval counted."""
    await a_whole_day()
    bureau = Bureau(engine, InvoiceRules(UNLIMITED))
    tills = [Till(fresh=True) for _ in range(6)]
    invoices = await invoices_of(bureau, tills, ["100"] * 24)
    calls = [(ApproveInvoice(invoice_id=i.id, expected_version=2, notes=NOTES), CARL) for i in invoices]

    one, two = await asyncio.gather(bureau.put(*calls), bureau.put(*reversed(calls)))

    assert outcomes([*one, *two]) == {"approved": 24, "INVOICE_STATE_INVALID": 24}
    for till in tills:
        assert await used(engine, CapKey.of_partner(till.acme, datetime.now(UTC).date(), "USD")) == 400
    assert {invoice.state for invoice in invoices} == {InvoiceState.RECEIPT_UPLOADED}, "these are our own copies"
