"""A file of contacts that is being made when one of them is erased is not handed out after it."""

from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.exports import DatasetName
from deploy.local.stack import Stack
from services.chassis import Write
from services.partners.erasure.erased import ErasedContact
from services.partners.erasure.store import erase_contacts
from services.people.erasing import Traces
from tests.partners.desk import ISSUER
from tests.support.tables import Tables


def _under_way(tables: Tables, dataset: DatasetName) -> UUID:
    export_id = uuid4()
    with tables.connection() as connection:
        connection.execute(
            "INSERT INTO exports (id, version, dataset, format, state, requested_by, requested_at, taken_at,"
            " copied_rows) VALUES (%s, 1, %s, 'csv', 'RUNNING', '{}', now(), now(), 1)",
            (export_id, dataset),
        )
        connection.execute("INSERT INTO export_rows VALUES (%s, 1, ARRAY['Bea'])", (export_id,))
    return export_id


async def test_files_with_contacts_end_with_an_erasure_and_others_stay(stack: Stack, engine: AsyncEngine) -> None:
    tables = Tables(stack, "partners")
    names = (DatasetName.CONTACTS, DatasetName.DOSSIERS, DatasetName.INVOICES)
    contacts, dossiers, invoices = (_under_way(tables, name) for name in names)
    erased = ErasedContact(uuid4(), uuid4(), ISSUER, "bea", (1,), Traces(frozenset()))

    async with engine.begin() as connection:
        await erase_contacts(Write(connection), [erased])

    over = "SELECT expires_at <= now() FROM exports WHERE id = %s"
    copies = "SELECT count(*) FROM export_rows WHERE export_id = %s"
    found = [(tables.value(over, one), tables.value(copies, one)) for one in (contacts, dossiers, invoices)]
    with tables.connection() as connection:
        connection.execute("DELETE FROM exports WHERE id = ANY(%s)", ([contacts, dossiers, invoices],))
    assert found == [(True, 0), (True, 0), (None, 1)]
