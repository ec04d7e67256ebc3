"""What became of a message, and that a bulk row was done, is known for some months and then forgotten."""

from datetime import timedelta
from typing import LiteralString

from sqlalchemy.ext.asyncio import AsyncEngine

from services.staffing.old_records import OldRecords
from tests.staffing.office import Office, Shop, new_phone
from tests.staffing.test_sweep import age

SETTLED: LiteralString = """
    UPDATE notifications n SET status = 'sent', settled_at = now() - %s
    FROM accounts a WHERE a.id = n.account_id AND a.phone = %s
"""
DONE: LiteralString = """
    INSERT INTO staff_bulk_rows (tenant_id, key, content_sha256, status, outcome, account_id, done_at)
    SELECT tenant_id, %s, sha256('x'), 201, 'created', account_id, now() - %s FROM memberships WHERE tenant_id = %s
"""


async def test_messages_settled_long_ago_go_and_those_still_to_be_sent_stay(
    office: Office, shop: Shop, engine: AsyncEngine
) -> None:
    phones = [new_phone() for _ in range(3)]
    for phone in phones:
        await office.hire(shop, phone=phone, notify="sms")
    age(office, SETTLED, timedelta(days=8), phones[0])
    age(office, SETTLED, timedelta(days=6), phones[1])

    await OldRecords(engine, messages_days=7, bulk_keys_days=7).once()

    statement = "SELECT a.phone FROM notifications n JOIN accounts a ON a.id = n.account_id WHERE a.phone = ANY(%s)"
    assert {row["phone"] for row in office.tables.rows(statement, phones)} == set(phones[1:])


async def test_keys_of_bulk_rows_done_long_ago_go_in_every_tenant(
    office: Office, shop: Shop, engine: AsyncEngine
) -> None:
    tenants = [shop.tenant_id, (await office.open_shop()).tenant_id]
    for tenant in tenants:
        age(office, DONE, "old", timedelta(days=8), tenant)
        age(office, DONE, "young", timedelta(days=6), tenant)

    await OldRecords(engine, messages_days=7, bulk_keys_days=7).once()

    left = office.tables.rows("SELECT key FROM staff_bulk_rows WHERE tenant_id = ANY(%s)", tenants)
    assert [row["key"] for row in left] == ["young", "young"]
