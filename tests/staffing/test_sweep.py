"""What nobody can use any more is swept away, in small batches, by however many instances."""

import asyncio
from datetime import timedelta
from typing import LiteralString

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.credentials import CloseSession, RequestActivation
from services.staffing.credentials import sweep as sweep_module
from services.staffing.credentials.sweep import CODES_KEPT, SESSIONS_KEPT, Sweep
from tests.staffing.office import ANYBODY, Office, Shop, new_phone

SECOND = timedelta(seconds=1)


def age(office: Office, statement: LiteralString, *args: object) -> None:
    with office.tables.connection() as tables:
        tables.execute(statement, args)


def expire_codes(office: Office, phones: list[str], ago: timedelta) -> list[str]:
    keys = [office.otp.phone_key(phone) for phone in phones]
    statement: LiteralString = """
        UPDATE otp_challenges SET created_at = now() - %s - interval '5 min', expires_at = now() - %s
        WHERE phone_key = ANY(%s)
    """
    age(office, statement, ago, ago, keys)
    return keys


def kept(office: Office, keys: list[str]) -> int:
    return int(office.tables.value("SELECT count(*) FROM otp_challenges WHERE phone_key = ANY(%s)", keys))


async def test_codes_that_expired_go_and_those_that_just_did_stay(office: Office, engine: AsyncEngine) -> None:
    old, fresh = new_phone(), new_phone()
    for phone in (old, fresh):
        await office.tell(RequestActivation(phone=phone), ANYBODY)
    gone = expire_codes(office, [old], CODES_KEPT + SECOND)
    stays = expire_codes(office, [fresh], CODES_KEPT - 10 * SECOND)

    await Sweep(engine).once()

    assert (kept(office, gone), kept(office, stays)) == (0, 1)


async def test_a_code_that_is_still_to_be_sent_stays_until_it_is_settled(
    office: Office, shop: Shop, engine: AsyncEngine
) -> None:
    phone = new_phone()
    await office.hire(shop, phone=phone, notify="sms")
    keys = expire_codes(office, [phone], CODES_KEPT + SECOND)

    await Sweep(engine).once()
    assert kept(office, keys) == 1
    settled: LiteralString = """
        UPDATE notifications n SET status = 'failed', settled_at = now(), failure = 'expired'
        FROM accounts a WHERE a.id = n.account_id AND a.phone = %s
    """
    age(office, settled, phone)
    await Sweep(engine).once()

    assert kept(office, keys) == 0
    statement = "SELECT n.* FROM notifications n JOIN accounts a ON a.id = n.account_id WHERE a.phone = %s"
    (row,) = office.tables.rows(statement, phone)
    assert (row["status"], row["challenge_id"]) == ("failed", None)


async def test_dead_sessions_go_with_their_tokens_and_live_ones_stay(
    office: Office, shop: Shop, engine: AsyncEngine
) -> None:
    await office.activate(shop.owner_phone)
    (closed, first), (expired, _), (recent, _), (alive, _) = [
        await office.signed_in(shop.owner_phone) for _ in range(4)
    ]
    await office.refresh(first)
    for caller in (closed, recent):
        await office.tell(CloseSession(), caller)
    long_ago = SESSIONS_KEPT + SECOND
    age(office, "UPDATE sessions SET revoked_at = now() - %s WHERE id = %s", long_ago, closed.session_id)
    age(
        office,
        "UPDATE sessions SET created_at = now() - interval '31 days', expires_at = now() - %s WHERE id = %s",
        long_ago,
        expired.session_id,
    )

    for _ in range(2):
        await Sweep(engine).once()

    statement = "SELECT id FROM sessions WHERE account_id = %s"
    left = {row["id"] for row in office.tables.rows(statement, shop.owner.subject)}
    assert left == {recent.session_id, alive.session_id}
    assert office.tables.value("SELECT count(*) FROM refresh_tokens WHERE session_id = %s", alive.session_id) == 1


async def test_counters_of_hours_long_gone_go(office: Office, engine: AsyncEngine) -> None:
    office.limited()
    await office.tell(RequestActivation(phone=new_phone()), ANYBODY)
    age(
        office,
        "UPDATE otp_counters SET since = now() - interval '3 hours' WHERE ctid = (SELECT min(ctid) FROM otp_counters)",
    )

    await Sweep(engine).once()

    assert office.tables.value("SELECT count(*) FROM otp_counters") == 2


async def test_what_was_swept_is_told_with_its_number(office: Office, engine: AsyncEngine) -> None:  # A4
    phones = [new_phone() for _ in range(3)]
    await office.tell_all(*((RequestActivation(phone=phone), ANYBODY) for phone in phones))
    expire_codes(office, phones, CODES_KEPT + SECOND)
    before = office.tables.value("SELECT coalesce(max(id), 0) FROM outbox")

    swept = await Sweep(engine).once()
    await Sweep(engine).once()

    rows = office.tables.rows("SELECT value FROM outbox WHERE topic = 'credentials.swept' AND id > %s", before)
    events = [orjson.loads(row["value"]) for row in rows]
    assert swept["challenges"] >= 3
    told = [event["data"]["count"] for event in events if event["data"]["kind"] == "challenges"]
    assert told[0] == swept["challenges"]
    assert {event["actor"]["subject"] for event in events if event["actor"]["type"] == "system"} == {"staffing"}


async def test_two_sweepers_share_the_work(
    office: Office, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small batches, nothing done twice, no waiting for one another; what is held elsewhere is passed over."""
    phones = [new_phone() for _ in range(30)]
    await office.tell_all(*((RequestActivation(phone=phone), ANYBODY) for phone in phones))
    keys = expire_codes(office, phones, timedelta(days=30))
    monkeypatch.setattr(sweep_module, "AT_ONCE", 10)

    async with engine.begin() as other:
        await other.exec_driver_sql("SELECT 1 FROM otp_challenges WHERE phone_key = $1 FOR UPDATE", (keys[0],))
        async with asyncio.timeout(10):
            first, second = await asyncio.gather(Sweep(engine).once(), Sweep(engine).once())
            third = await Sweep(engine).once()

    assert first["challenges"] + second["challenges"] + third["challenges"] >= 29 - 10
    assert max(first["challenges"], second["challenges"], third["challenges"]) <= 10
    assert kept(office, keys[:1]) == 1
    for _ in range(2):
        await Sweep(engine).once()
    assert kept(office, keys) == 0


async def test_the_sweep_goes_on_by_itself(office: Office, engine: AsyncEngine) -> None:
    phone = new_phone()
    await office.tell(RequestActivation(phone=phone), ANYBODY)
    keys = expire_codes(office, [phone], timedelta(days=40))
    running = asyncio.create_task(Sweep(engine).run())

    async with asyncio.timeout(10):
        while kept(office, keys):
            await asyncio.sleep(0.05)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
