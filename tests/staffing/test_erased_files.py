"""A file of people that was made, or is being made, before somebody is erased is not handed out after it."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from contracts.erasure import EraseAccount
from contracts.exports import DatasetName, ExportState
from contracts.staff_changes import RevokeStaff
from tests.staffing.office import Office, Shop
from tests.support.export_cases import an_export

Make = Callable[[DatasetName, str], UUID]


@pytest.fixture
def export(office: Office) -> Iterator[Make]:
    """Makes one whose time is not over, with a row that was copied for it; no service finds it afterwards."""
    made: list[UUID] = []

    def make(dataset: DatasetName, state: str) -> UUID:
        is_ready = state == ExportState.READY
        export_id = an_export(office.tables, dataset, state, made=is_ready, due=False)
        with office.tables.connection() as tables:
            if is_ready:
                tables.execute("UPDATE exports SET expires_at = now() + interval '1 day' WHERE id = %s", (export_id,))
            tables.execute("INSERT INTO export_rows VALUES (%s, 1, ARRAY['Maria'])", (export_id,))
        made.append(export_id)
        return export_id

    yield make
    with office.tables.connection() as tables:
        tables.execute("DELETE FROM exports WHERE id = ANY(%s)", (made,))


@pytest.mark.parametrize("state", ["REQUESTED", "RUNNING", "READY"])
async def test_files_with_people_end_with_an_erasure_and_others_stay(
    office: Office, shop: Shop, export: Make, state: str
) -> None:
    hired = await office.hire(shop)
    account = UUID(hired.body["account_id"])
    people, places = export(DatasetName.ACCOUNTS, state), export(DatasetName.TENANTS, state)
    seen = office.tables.value(
        "SELECT version FROM memberships WHERE tenant_id = %s AND account_id = %s", shop.tenant_id, account
    )
    gone = RevokeStaff(tenant_id=shop.tenant_id, account_id=account, expected_version=seen, reason="gone")
    assert (await office.tell(gone, shop.owner)).status == 200

    erased = await office.tell(EraseAccount(account_id=account, reason="request 2026/32"), office.root)

    assert erased.status == 200
    over = "SELECT expires_at <= now() FROM exports WHERE id = %s"
    assert office.tables.value(over, people) is True
    assert office.tables.value(over, places) in {False, None}
    copies = "SELECT count(*) FROM export_rows WHERE export_id = %s"
    assert (office.tables.value(copies, people), office.tables.value(copies, places)) == (0, 1)
