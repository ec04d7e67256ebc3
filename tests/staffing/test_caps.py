"""How often a code is sent: cool-down and caps, counted race-free, the same for known and unknown phones (P8, P9)."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.credentials import RequestActivation
from services.chassis import Write
from services.staffing.credentials import caps as caps_module
from services.staffing.credentials.caps import Caps, OtpLimits, Scope
from services.staffing.credentials.caps import Counter as CapCounter
from services.staffing.settings import StaffingSettings
from tests.staffing.office import ANYBODY, Answer, Office, Shop, new_phone, provision

HOUR = timedelta(hours=1)


async def ask(office: Office, phone: str, ip: str = "203.0.113.7") -> Answer:
    return await office.tell(RequestActivation(phone=phone), ANYBODY, ip=ip)


@pytest.fixture(params=["somebody", "a stranger"])
async def phone(request: pytest.FixtureRequest, office: Office, shop: Shop) -> str:
    """On a staff, or of nobody: every promise holds for both."""
    phone = new_phone()
    if request.param == "somebody":
        await office.hire(shop, phone=phone)
    return phone


async def test_a_second_code_has_to_wait(office: Office, phone: str) -> None:
    office.limited(cooldown=30)
    first = await ask(office, phone)

    second = await ask(office, phone)

    assert first.status == 202
    assert (second.status, second.code, second.body["retryable"]) == (429, "OTP_COOLDOWN", True)
    assert 25 <= second.body["retry_after"] <= 30
    assert second.told == ["staff.refused"]
    assert (await ask(office, new_phone())).status == 202
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=31), tick=False):
        assert (await ask(office, phone)).status == 202


async def test_a_refused_code_sends_nothing_and_replaces_nothing(office: Office, phone: str) -> None:
    office.limited(cooldown=30)
    await ask(office, phone)
    before, code = office.counts(), office.newest_code(phone)

    await ask(office, phone)

    assert (office.counts(), office.newest_code(phone)) == (before, code)


async def test_a_phone_gets_so_many_codes_an_hour(office: Office, phone: str) -> None:
    office.limited(phone=3)
    asked_at = datetime.now(UTC)

    answers = [await ask(office, phone) for _ in range(5)]

    assert [answer.code if answer.status != 202 else None for answer in answers] == [None] * 3 + ["OTP_RATE_LIMIT"] * 2
    assert 3590 <= answers[4].body["retry_after"] <= 3600
    with time_machine.travel(asked_at + HOUR + timedelta(seconds=5), tick=False):
        assert (await ask(office, phone)).status == 202


async def test_an_address_gets_so_many_codes_whoever_they_are_for(office: Office) -> None:
    office.limited(ip=3)
    numbers = [new_phone(), new_phone(), "nonsense", new_phone()]

    answers = [await ask(office, phone, "198.51.100.1") for phone in numbers]

    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert (await ask(office, numbers[3], "198.51.100.2")).status == 202


async def test_an_ipv6_site_is_one_address(office: Office) -> None:
    office.limited(ip=1)
    await ask(office, new_phone(), "2001:db8:1:2::1")

    assert (await ask(office, new_phone(), "2001:db8:1:2:ffff::9")).code == "OTP_RATE_LIMIT"
    assert (await ask(office, new_phone(), "2001:db8:1:3::1")).status == 202


async def test_a_country_gets_so_many_codes(office: Office) -> None:
    office.limited(country=2)

    german = [await ask(office, new_phone()) for _ in range(3)]
    swiss = await ask(office, "+41791234567")

    assert [answer.status for answer in german] == [202, 202, 429]
    assert swiss.status == 202


async def test_codes_in_one_batch_are_counted_too(office: Office, phone: str) -> None:
    office.limited(phone=3)

    answers = await office.tell_all(*[(RequestActivation(phone=phone), ANYBODY)] * 6)

    assert [answer.status for answer in answers] == [202] * 3 + [429] * 3


async def test_many_at_once_never_get_past_a_cap(office: Office, phone: str) -> None:
    office.limited(phone=7)

    answers = await asyncio.gather(*(ask(office, phone) for _ in range(30)))

    assert Counter(answer.status for answer in answers) == {202: 7, 429: 23}


async def test_control_counters_that_are_read_without_their_lock_let_too_many_past(
    office: Office, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the same thirty, read first and written after."""
    stranger, everybody_read = new_phone(), asyncio.Barrier(10)
    office.limited(phone=7)
    await ask(office, stranger)

    async def read_only(tx: Write, caps: Caps, keys: set[bytes]) -> None:
        statement = "SELECT key, counted, since, asked_at FROM otp_counters WHERE key = ANY($1::bytea[])"
        for row in await tx.exec_driver_sql(statement, (sorted(keys),)):
            caps.counters[row.key] = CapCounter(row.key, row.counted, row.since, row.asked_at)
        await everybody_read.wait()

    monkeypatch.setattr("services.staffing.credentials.desk.lock_counters", read_only)

    answers = await asyncio.gather(*(ask(office, stranger) for _ in range(10)))

    assert Counter(answer.status for answer in answers)[202] > 6


async def test_a_repeated_request_is_answered_again_and_counted_once(office: Office, phone: str) -> None:
    office.limited(phone=1, cooldown=30)
    command = uuid4()

    answers = [await office.tell(RequestActivation(phone=phone), ANYBODY, command) for _ in range(3)]

    assert [answer.status for answer in answers] == [202] * 3


async def test_a_tenants_prompts_are_capped_and_the_person_is_added_all_the_same(office: Office, shop: Shop) -> None:
    office.limited(tenant=2)

    answers = [await office.hire(shop, notify="sms") for _ in range(3)]
    elsewhere = await office.hire(await office.open_shop(), notify="sms")

    assert [answer.status for answer in answers] == [201] * 3
    assert [answer.body["notification"]["status"] for answer in answers] == ["queued", "queued", "failed"]
    assert "identity.activation_requested" not in answers[2].told
    assert "staff.provisioned" in answers[2].told
    assert elsewhere.body["notification"]["status"] == "queued"
    (row,) = office.tables.rows("SELECT * FROM notifications WHERE account_id = %s", answers[2].body["account_id"])
    assert (row["status"], row["tries"], row["failure"]) == ("failed", 0, "a cap is reached")


async def test_a_capped_prompt_says_the_same_of_a_person_with_a_password(office: Office) -> None:
    known, new = new_phone(), new_phone()
    await office.hire(await office.open_shop(), phone=known)
    await office.activate(known)
    shop = await office.open_shop()
    office.limited(tenant=1)
    await office.hire(shop, notify="sms")

    answers = [await office.hire(shop, phone=phone, notify="sms") for phone in (known, new)]

    assert [answer.body["notification"] for answer in answers] == [{"status": "failed"}] * 2
    assert answers[0].body.keys() == answers[1].body.keys()


async def test_prompts_and_requests_share_the_phones_cap(office: Office, shop: Shop) -> None:
    phone = new_phone()
    office.limited(phone=2)

    await office.hire(shop, phone=phone, notify="sms")
    asked = [await ask(office, phone) for _ in range(2)]
    prompted = await office.hire(await office.open_shop(), phone=phone, notify="sms")

    assert [answer.status for answer in asked] == [202, 429]
    assert prompted.body["notification"]["status"] == "failed"


async def test_a_prompt_neither_waits_for_a_cool_down_nor_starts_one(office: Office, shop: Shop) -> None:
    """The answer of either would tell of the other: a stranger of a hire, a tenant of another tenant's."""
    phone = new_phone()
    office.limited(cooldown=30)

    first = await office.hire(shop, phone=phone, notify="sms")
    asked = await ask(office, phone)
    second = await office.hire(await office.open_shop(), phone=phone, notify="sms")

    assert [first.body["notification"]["status"], asked.status] == ["queued", 202]
    assert second.body["notification"]["status"] == "queued"


async def test_prompts_of_one_batch_and_of_many_stay_below_the_cap(office: Office, shop: Shop) -> None:
    office.limited(tenant=5)

    batches = await asyncio.gather(
        *(office.tell_all(*((provision(shop, notify="sms"), shop.owner) for _ in range(4))) for _ in range(4))
    )

    statuses = Counter(answer.body["notification"]["status"] for batch in batches for answer in batch)
    assert statuses == {"queued": 5, "failed": 11}


async def test_no_phone_and_no_address_is_kept(office: Office, shop: Shop) -> None:
    phone, ip = new_phone(), "198.51.100.77"
    office.limited()
    await ask(office, phone, ip)
    await office.hire(shop, phone=phone, notify="sms")

    rows = office.tables.rows("SELECT * FROM otp_counters")

    text = repr(rows)
    assert len(rows) == 4
    assert all(len(row["key"]) == 32 for row in rows)
    assert not [secret for secret in (phone, phone[1:], ip, str(shop.tenant_id), "'DE'") if secret in text]


def test_the_limits_of_production_are_tight() -> None:
    defaults = {name: field.default for name, field in StaffingSettings.model_fields.items() if "otp_" in name}

    limits = OtpLimits.of(StaffingSettings.model_construct(**defaults))

    assert limits.cooldown == timedelta(seconds=30)
    assert limits.hourly == {Scope.PHONE: 5, Scope.IP: 30, Scope.TENANT: 1_000, Scope.COUNTRY: 10_000}
    assert caps_module.HOUR == HOUR
