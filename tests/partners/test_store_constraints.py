"""What must not happen to partners the database refuses, whoever asks for it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.decisions import ApprovePartner
from deploy.local.stack import Stack
from services.chassis import Write
from services.chassis.database import connect
from services.partners.store_rosters import load_taken
from tests.partners.counter import office_of, somebody, stored
from tests.partners.desk import ISSUER, ROOT, ROOT_2, Office, view

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("statement", ["UPDATE {} SET partner_id = partner_id", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["partner_approvals", "dossiers", "dossier_documents"])
async def test_history_cannot_be_changed_by_the_service(engine: AsyncEngine, table: str, statement: str) -> None:
    """S1.22: refused by the database for the service's role."""
    with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(statement.format(table))


@pytest.mark.parametrize("statement", ["UPDATE {} SET notes = notes", "DELETE FROM {}"])
async def test_of_a_proposal_only_its_end_can_be_changed(engine: AsyncEngine, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(statement.format("approval_proposals"))


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
        taken, _ = await load_taken(Write(connection), [(ISSUER, name.lower()), (ISSUER, name.upper()), (ISSUER, name)])

    assert len(taken) == 2


CONTRADICTIONS = {
    "partners_approved_while_approved": "state = 'APPROVED', approved_dossier_version = 1",
    "partners_approval_names_dossier": "state = 'APPROVED', approved_at = now(), approved_by = 'x'",
    "partners_rereview_while_approved": "rereview_due_at = now()",
    "partners_final_when_rejected": "rejected_final = true",
    "partners_asks_while_it_waits": "state = 'INFO_REQUESTED'",
    "partners_approved_dossier": (
        "state = 'APPROVED', approved_at = now(), approved_by = 'x', approved_dossier_version = 9"
    ),
}


@pytest.mark.parametrize("constraint", CONTRADICTIONS)
async def test_states_that_contradict_themselves_cannot_be_stored(engine: AsyncEngine, constraint: str) -> None:
    office, partner_id = office_of()
    await stored(engine, office.book)

    with pytest.raises(IntegrityError, match=constraint):
        async with engine.begin() as tx:
            await tx.exec_driver_sql(f"UPDATE partners SET {CONTRADICTIONS[constraint]} WHERE id = $1", (partner_id,))


async def test_a_partner_has_one_open_proposal(engine: AsyncEngine) -> None:  # K7
    office = Office(approvals_required=2)
    partner_id = office.submitted(somebody())
    view(office.decide(partner_id, ApprovePartner))
    [proposal] = office.book.new_proposals
    office.book.new_proposals.append(type(proposal)(**{**as_row(proposal), "id": uuid4()}))

    with pytest.raises(IntegrityError, match="approval_proposals_one_open"):
        await stored(engine, office.book)


async def test_two_approvers_are_two_people(engine: AsyncEngine) -> None:  # K7
    office = Office(approvals_required=2)
    partner_id = office.submitted(somebody())
    for root in (ROOT, ROOT_2):
        view(office.decide(partner_id, ApprovePartner, root))
    office.book.approvals[0].proposed_by = "root-2"

    with pytest.raises(IntegrityError, match="partner_approvals_two_people"):
        await stored(engine, office.book)


def as_row(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}
