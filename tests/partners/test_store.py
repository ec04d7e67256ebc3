"""Partners in PostgreSQL: what is written is read, and what must not happen the database refuses."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from contracts.decisions import ApprovePartner, RejectPartner
from contracts.partners import PartnerState
from deploy.local.stack import Stack
from services.chassis import Write
from services.chassis.database import connect
from services.partners.book import Book
from services.partners.store import load_partners, load_taken, load_uploads, save
from tests.partners.desk import ISSUER, ROOT, Office, decision, person

pytestmark = pytest.mark.asyncio


def office_of(subject: str | None = None) -> tuple[Office, UUID]:
    office = Office()
    return office, office.submitted(person(subject or f"s-{uuid4()}"))


async def stored(engine: AsyncEngine, book: Book) -> None:
    async with engine.begin() as tx:
        await save(Write(tx), book)


async def test_a_partner_is_read_as_it_was_written(engine: AsyncEngine) -> None:
    office, partner_id = office_of()

    await stored(engine, office.book)

    async with engine.begin() as tx:
        found = (await load_partners(Write(tx), [partner_id], lock=True))[partner_id]
        uploads = await load_uploads(Write(tx), [partner_id])
    assert found == office.book.partners[partner_id]
    assert {upload.object_key for upload in uploads} == set(office.book.uploads)


async def test_a_decision_is_kept_and_the_partner_moves(engine: AsyncEngine) -> None:  # S1.22
    office, partner_id = office_of()
    await stored(engine, office.book)
    later = Office()
    async with engine.begin() as tx:
        later.book.partners = await load_partners(Write(tx), [partner_id], lock=True)
        later.run(decision(partner_id), ROOT)
        later.run(decision(partner_id, RejectPartner, expected_version=2), ROOT)
        await save(Write(tx), later.book)

    async with engine.connect() as connection:
        found = (await load_partners(Write(connection), [partner_id], lock=False))[partner_id]
        rows = await connection.exec_driver_sql(
            "SELECT decision FROM partner_approvals WHERE partner_id = $1 ORDER BY decided_at", (partner_id,)
        )
        decisions = list(rows.scalars())
    assert (found.state, found.version) == (PartnerState.SUSPENDED, 4)
    assert decisions == ["APPROVED", "SUSPENDED"]


@pytest.mark.parametrize("statement", ["UPDATE {} SET partner_id = partner_id", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["partner_approvals", "dossiers", "dossier_documents"])
async def test_history_cannot_be_changed_by_the_service(engine: AsyncEngine, table: str, statement: str) -> None:
    """S1.22: refused by the database for the service's role."""
    with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(statement.format(table))


@pytest.mark.parametrize("table", ["partner_approvals", "dossiers", "dossier_documents"])
async def test_history_cannot_be_changed_by_the_owner_of_the_schema_either(stack: Stack, table: str) -> None:
    admin = connect(stack.state.dsn("postgres", driver="postgresql+asyncpg"))
    try:
        with pytest.raises(DBAPIError, match="append-only"):
            async with admin.begin() as tx:
                await tx.exec_driver_sql(f"UPDATE partners.{table} SET partner_id = partner_id")
    finally:
        await admin.dispose()


async def test_one_subject_in_two_concurrent_applications_gets_one_partner(engine: AsyncEngine) -> None:  # S1.12
    for _ in range(10):
        subject = f"shared-{uuid4()}"
        offices = [office_of(subject)[0] for _ in range(2)]

        results = await asyncio.gather(*(stored(engine, o.book) for o in offices), return_exceptions=True)

        refused = [result for result in results if isinstance(result, IntegrityError)]
        assert len(refused) == 1
        assert "partner_contacts_subject_once" in str(refused[0])


async def test_subjects_that_differ_in_case_only_are_two_people(engine: AsyncEngine) -> None:  # S1.9
    name = f"Case-{uuid4()}"
    for subject in (name.lower(), name.upper()):
        await stored(engine, office_of(subject)[0].book)

    async with engine.connect() as connection:
        taken = await load_taken(Write(connection), [(ISSUER, name.lower()), (ISSUER, name.upper()), (ISSUER, name)])

    assert len(taken) == 2


async def test_the_state_and_the_approval_stamp_cannot_contradict_each_other(engine: AsyncEngine) -> None:  # S1.25
    office, partner_id = office_of()
    await stored(engine, office.book)

    with pytest.raises(IntegrityError, match="partners_approved_while_approved"):
        async with engine.begin() as tx:
            await tx.exec_driver_sql("UPDATE partners SET state = 'APPROVED' WHERE id = $1", (partner_id,))


async def test_a_batch_of_any_size_costs_the_same_number_of_statements(engine: AsyncEngine) -> None:
    few = await statements_of(engine, 2)
    many = await statements_of(engine, 200)

    assert few == many


async def statements_of(engine: AsyncEngine, applications: int) -> int:
    office = Office()
    for _ in range(applications):
        partner_id = office.submitted(person(f"s-{uuid4()}"))
        office.run(decision(partner_id, ApprovePartner), ROOT)
    counted: list[str] = []
    seen: Callable[..., None] = lambda *details: counted.append(details[2])  # noqa: E731
    event.listen(engine.sync_engine, "before_cursor_execute", seen)
    try:
        async with engine.begin() as tx:
            await save(Write(tx), office.book)
            await _load_all(Write(tx), office.book)
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", seen)
    return len(counted)


async def _load_all(tx: AsyncConnection, book: Book) -> None:
    await load_partners(Write(tx), sorted(book.partners), lock=True)
    await load_uploads(Write(tx), sorted(book.partners))
    await load_taken(Write(tx), sorted(book.taken))
