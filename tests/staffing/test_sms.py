"""Text messages against the fake provider: after the commit, best effort, none holds up another (S2.44-46)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.credentials import RequestActivation
from services.chassis import Write
from services.staffing.credentials.sms import MAX_TRIES, SmsSender
from services.staffing.scope import declare_messages
from tests.staffing.office import ANYBODY, Office, Shop, new_phone
from tests.support.waiting import eventually
from tests.support.web import NO_TLS

SETTLED = 10.0


class Provider:
    """The fake SMS provider, from its operator's side."""

    def __init__(self, office: Office) -> None:
        token = office.settings.sms_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.AsyncClient(
            base_url=office.settings.sms_url, headers=headers, trust_env=False, verify=NO_TLS
        )

    async def behave(self, mode: str, delay_seconds: float = 0) -> None:
        answer = await self.client.put("/v1/behaviour", json={"mode": mode, "delay_seconds": delay_seconds})
        assert answer.status_code == 200

    async def took(self, phone: str) -> list[str]:
        answer = await self.client.get("/v1/messages", params={"to": phone})
        return [message["body"] for message in answer.json()["data"]]


@pytest.fixture
async def provider(office: Office) -> AsyncIterator[Provider]:
    provider = Provider(office)
    yield provider
    await provider.behave("ok")
    await provider.client.aclose()


@pytest.fixture
async def sender(office: Office, engine: AsyncEngine) -> AsyncIterator[SmsSender]:
    """Not running: a test sends what is due by hand. Messages of other tests are out of the way."""
    _postpone_others(office)
    sender = SmsSender(engine, office.otp, office.settings)
    yield sender
    await sender.close()


async def send_due(sender: SmsSender) -> None:
    await sender.start_due()
    await sender.drain()


def notification(office: Office, phone: str) -> dict[str, Any]:
    statement = "SELECT n.* FROM notifications n JOIN accounts a ON a.id = n.account_id WHERE a.phone = %s"
    (row,) = office.tables.rows(statement, phone)
    return row


def make_due(office: Office, phone: str) -> None:
    with office.tables.connection() as tables:
        statement = "UPDATE notifications SET next_try_at = now() WHERE id = %s"
        tables.execute(statement, (notification(office, phone)["id"],))


def _postpone_others(office: Office) -> None:
    with office.tables.connection() as tables:
        tables.execute("UPDATE notifications SET next_try_at = now() + interval '1 year' WHERE status = 'queued'")


async def test_a_new_person_gets_their_code(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:  # S2.44
    phone = new_phone()
    hired = await office.hire(shop, phone=phone, notify="sms")

    await send_due(sender)

    assert hired.body["notification"] == {"status": "queued"}
    (text,) = await provider.took(phone)
    code = office.newest_code(phone)
    assert text == f"Gatehouse: your code is {code}. It is valid for 5 minutes."
    assert (await office.verify(phone, code)).status == 204
    assert notification(office, phone)["status"] == "sent"


async def test_a_person_with_a_password_is_told_without_a_code(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    phone = new_phone()
    await office.hire(await office.open_shop(), phone=phone)
    await office.activate(phone)
    _postpone_others(office)
    hired = await office.hire(shop, phone=phone, notify="sms")

    await send_due(sender)

    assert hired.body["notification"] == {"status": "queued"}
    (text,) = await provider.took(phone)
    assert not any(character.isdigit() for character in text)


async def test_nobody_is_told_who_was_not_to_be_told(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    phone = new_phone()
    await office.hire(shop, phone=phone)
    stranger = new_phone()
    await office.tell(RequestActivation(phone=stranger), ANYBODY)

    await send_due(sender)

    assert await provider.took(phone) == await provider.took(stranger) == []


async def test_a_provider_that_is_down_changes_nothing_else(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:  # S2.46
    phone = new_phone()
    await provider.behave("error")

    hired = await office.hire(shop, phone=phone, notify="sms")
    await send_due(sender)

    assert (hired.status, hired.body["notification"]) == (201, {"status": "queued"})
    row = notification(office, phone)
    assert (row["status"], row["tries"], row["failure"]) == ("queued", 1, "HTTP 503")
    assert timedelta(seconds=0.4) < row["next_try_at"] - row["created_at"] < timedelta(seconds=SETTLED)

    await provider.behave("ok")
    make_due(office, phone)
    await send_due(sender)

    assert notification(office, phone)["status"] == "sent"
    assert len(await provider.took(phone)) == 1


async def test_tries_are_bounded_and_the_failure_is_kept(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    phone = new_phone()
    await provider.behave("error")
    await office.hire(shop, phone=phone, notify="sms")

    for _ in range(MAX_TRIES + 2):
        make_due(office, phone)
        await send_due(sender)

    row = notification(office, phone)
    assert (row["status"], row["tries"], row["failure"]) == ("failed", MAX_TRIES, "HTTP 503")


@pytest.mark.parametrize(("mode", "outcome"), [("ok", "SUCCEEDED"), ("error", "FAILED")])
async def test_what_became_of_a_message_is_told_once(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender, mode: str, outcome: str
) -> None:  # A4
    phone = new_phone()
    await provider.behave(mode)
    await office.hire(shop, phone=phone, notify="sms")

    for _ in range(MAX_TRIES + 2):
        make_due(office, phone)
        await send_due(sender)

    row = notification(office, phone)
    written = "SELECT value FROM outbox WHERE topic = 'notification.settled' AND aggregate_id = %s"
    (told,) = [orjson.loads(each["value"]) for each in office.tables.rows(written, row["id"])]
    assert told["actor"] == {"type": "system", "issuer": None, "subject": "staffing"}
    assert told["outcome"] == outcome
    assert told["data"] == {
        "notification_id": str(row["id"]),
        "account_id": str(row["account_id"]),
        "status": row["status"],
        "tries": row["tries"],
        "failure": row["failure"],
    }
    assert "tenant" not in {target["type"] for target in told["targets"]}, "no tenant learns what was sent (S2.7)"


async def test_a_lying_provider_sends_one_message(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    """It takes the message and answers 500; the repeat carries the same Idempotency-Key."""
    phone = new_phone()
    await provider.behave("lying")
    await office.hire(shop, phone=phone, notify="sms")
    await send_due(sender)
    await provider.behave("ok")
    make_due(office, phone)

    await send_due(sender)

    assert len(await provider.took(phone)) == 1
    assert notification(office, phone)["status"] == "sent"


async def test_a_code_that_expired_is_not_sent(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    phone = new_phone()
    await office.hire(shop, phone=phone, notify="sms")
    with office.tables.connection() as tables:
        tables.execute(
            "UPDATE otp_challenges SET created_at = now() - interval '9 minutes', expires_at = now() WHERE id = %s",
            (notification(office, phone)["challenge_id"],),
        )

    await send_due(sender)

    assert await provider.took(phone) == []
    assert notification(office, phone)["status"] == "failed"


async def test_a_slow_message_holds_up_no_other(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    slow, quick = new_phone(), new_phone()
    await provider.behave("slow", 3)
    await office.hire(shop, phone=slow, notify="sms")
    running = asyncio.create_task(sender.run())
    await eventually(lambda: notification(office, slow)["tries"] == 1)
    await provider.behave("ok")

    await office.hire(shop, phone=quick, notify="sms")
    await sender.on_events([])
    await eventually(lambda: notification(office, quick)["status"] == "sent")

    assert notification(office, slow)["status"] == "queued"
    await eventually(lambda: notification(office, slow)["status"] == "sent")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_two_senders_send_each_message_once(
    office: Office, shop: Shop, engine: AsyncEngine, provider: Provider, sender: SmsSender
) -> None:
    phones = [new_phone() for _ in range(20)]
    other = SmsSender(engine, office.otp, office.settings)
    for phone in phones:
        await office.hire(shop, phone=phone, notify="sms")

    await asyncio.gather(send_due(sender), send_due(other))

    assert {notification(office, phone)["tries"] for phone in phones} == {1}
    assert [len(await provider.took(phone)) for phone in phones] == [1] * 20
    await other.close()


async def test_a_message_in_another_senders_hands_is_passed_over(
    office: Office, shop: Shop, engine: AsyncEngine, sender: SmsSender
) -> None:
    taken, free = new_phone(), new_phone()
    for phone in (taken, free):
        await office.hire(shop, phone=phone, notify="sms")

    async with engine.begin() as other:
        await declare_messages(Write(other))
        await other.exec_driver_sql(
            "SELECT 1 FROM notifications WHERE id = $1 FOR UPDATE", (notification(office, taken)["id"],)
        )
        async with asyncio.timeout(3):
            await send_due(sender)

    assert (notification(office, taken)["tries"], notification(office, free)["tries"]) == (0, 1)


async def test_a_message_that_a_crash_left_in_hand_is_sent_later(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    phone = new_phone()
    await office.hire(shop, phone=phone, notify="sms")
    await provider.behave("slow", 5)
    await sender.start_due()
    await asyncio.sleep(0.2)
    for task in list(sender._in_hand):  # noqa: SLF001
        task.cancel()
    await sender.drain()
    await provider.behave("ok")

    row = notification(office, phone)
    await send_due(sender)
    assert (row["status"], row["tries"]) == ("queued", 1)
    assert notification(office, phone)["status"] == "queued"
    make_due(office, phone)
    await send_due(sender)

    assert notification(office, phone)["status"] == "sent"
    assert isinstance(row["id"], UUID)
