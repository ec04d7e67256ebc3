"""At most one text message for one intent, and whatever the provider does changes nothing but `notification.status`."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.credentials import RequestActivation
from contracts.staffing import GetStaff
from services.staffing.credentials.sms import MAX_TRIES, SmsSender
from tests.staffing.asking import Desk, body
from tests.staffing.office import ANYBODY, Office, Shop, new_phone, provision
from tests.staffing.test_sms import Provider, make_due, notification, provider, send_due, sender

__all__ = ["provider", "sender"]


async def test_one_intent_is_one_message_however_often_it_is_sent(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    phone, command = new_phone(), uuid4()
    wanted = provision(shop, phone=phone, notify="sms")

    answers = [await office.tell(wanted, shop.owner, command) for _ in range(3)]
    unchanged = await office.tell(wanted, shop.owner)
    for _ in range(3):
        await send_due(sender)

    assert {answer.body["outcome"] for answer in answers} == {"created"}
    assert (unchanged.body["outcome"], unchanged.body["notification"]) == ("unchanged", {"status": "none"})
    assert len(await provider.took(phone)) == 1


async def test_a_code_asked_for_twice_under_one_key_is_sent_once(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender
) -> None:
    phone, command = new_phone(), uuid4()
    await office.hire(shop, phone=phone)

    for _ in range(3):
        await office.tell(RequestActivation(phone=phone), ANYBODY, command)
    await send_due(sender)

    assert len(await provider.took(phone)) == 1


TOLD = "SELECT count(*) FROM outbox WHERE topic <> 'notification.settled'"


def facts(office: Office, account: str) -> list[dict[str, Any]]:
    """What is known of a person, without their messages."""
    return [
        *office.tables.rows("SELECT * FROM accounts WHERE id = %s", account),
        *office.tables.rows("SELECT * FROM memberships WHERE account_id = %s", account),
        *office.tables.rows("SELECT * FROM staff_profiles WHERE account_id = %s", account),
        *office.tables.rows("SELECT * FROM branch_assignments WHERE account_id = %s ORDER BY id", account),
        *office.tables.rows("SELECT * FROM otp_challenges WHERE account_id = %s", account),
    ]


@pytest.mark.parametrize(("mode", "delay"), [("ok", 0), ("error", 0), ("lying", 0), ("slow", 0.5)])
async def test_what_the_provider_does_changes_nothing_else(
    office: Office, shop: Shop, provider: Provider, sender: SmsSender, mode: str, delay: float
) -> None:
    phone = new_phone()
    await provider.behave(mode, delay)

    hired = await office.hire(shop, phone=phone, notify="sms")
    before = facts(office, hired.body["account_id"])
    events = office.tables.value(TOLD)
    for _ in range(MAX_TRIES):
        await send_due(sender)
        make_due(office, phone)

    assert (hired.status, hired.body["notification"]) == (201, {"status": "queued"})
    assert notification(office, phone)["status"] == {"error": "failed", "lying": "failed"}.get(mode, "sent")
    assert facts(office, hired.body["account_id"]) == before
    assert office.tables.value(TOLD) == events
    assert len(await provider.took(phone)) == (0 if mode == "error" else 1)


async def test_a_provider_nobody_answers_at_is_tried_again(office: Office, shop: Shop, engine: AsyncEngine) -> None:
    phone = new_phone()
    nowhere = office.settings.model_copy(update={"sms_url": "http://127.0.0.1:9"})
    sender = SmsSender(engine, office.otp, nowhere)

    hired = await office.hire(shop, phone=phone, notify="sms")
    await send_due(sender)

    row = notification(office, phone)
    assert (hired.status, row["status"], row["tries"], row["failure"]) == (201, "queued", 1, "ConnectError")
    await sender.close()


async def test_a_reader_sees_what_became_of_a_message(office: Office, shop: Shop, engine: AsyncEngine) -> None:
    """`failed` by a cap is read back later, as any other status is."""
    office.limited(tenant=1)
    await office.hire(shop, notify="sms")
    capped = await office.hire(shop, notify="sms")

    read = GetStaff(tenant_id=shop.tenant_id, account_id=UUID(capped.body["account_id"]))

    assert body(await Desk(office).ask(read, shop.owner)).notification.status == "failed"
