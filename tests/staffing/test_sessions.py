"""Sessions: refresh tokens that are good once, logout, and what ends every session of a person."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
import time_machine

from contracts.credentials import CloseSession, RefreshSession, Session
from services.staffing.credentials.session import REFRESH_LIFETIME
from tests.staffing.office import ANYBODY, Office, Shop, bearer, new_phone, provision, staff


@pytest.fixture
async def phone(office: Office, shop: Shop) -> str:
    """Of the shop's owner, who chose a password."""
    await office.activate(shop.owner_phone)
    return shop.owner_phone


def claims(session: Session) -> dict[str, object]:
    return dict(jwt.decode(session.access_token, options={"verify_signature": False}))


async def test_a_refresh_token_buys_the_next_pair(office: Office, shop: Shop, phone: str) -> None:
    _, first = await office.signed_in(phone)

    answer = await office.refresh(first)
    second = office.refreshed(answer, first)
    third = office.refreshed(await office.refresh(second), second)

    assert (answer.status, answer.told) == (200, ["session.refreshed"])
    assert answer.data("session.refreshed")["session_id"] == claims(first)["sid"]
    assert {claims(one)["sid"] for one in (first, second, third)} == {claims(first)["sid"]}
    assert len({one.refresh_token for one in (first, second, third)}) == 3
    assert second.expires_in == 600
    assert (await office.tell(provision(shop), bearer(third))).status == 201


async def test_a_used_refresh_token_ends_its_session(office: Office, shop: Shop, phone: str) -> None:
    other_device, other = await office.signed_in(phone)
    caller, first = await office.signed_in(phone)
    second = office.refreshed(await office.refresh(first), first)

    reused = await office.refresh(first)
    after = await office.refresh(second)

    assert (reused.status, reused.code, reused.told) == (401, "TOKEN_INVALID", ["session.ended", "staff.refused"])
    assert reused.data("session.ended")["reason"] == "reused"
    assert (after.status, after.code, after.told) == (401, "TOKEN_INVALID", ["staff.refused"])
    assert reused.body["detail"] == after.body["detail"]
    assert (await office.tell(provision(shop), caller)).code == "TOKEN_INVALID"
    assert (await office.tell(provision(shop), other_device)).status == 201
    assert (await office.refresh(other)).status == 200


async def test_one_refresh_of_many_at_once_wins(office: Office, phone: str) -> None:
    _, first = await office.signed_in(phone)

    answers = await asyncio.gather(*(office.refresh(first) for _ in range(12)))

    assert Counter(answer.status for answer in answers) == {200: 1, 401: 11}
    told = Counter(kind for answer in answers for kind in answer.told)
    assert (told["session.refreshed"], told["session.ended"]) == (1, 1)
    good = "SELECT count(*) FROM refresh_tokens WHERE session_id = %s AND used_at IS NULL"
    assert office.tables.value(good, claims(first)["sid"]) == 1


async def test_one_refresh_of_many_in_one_batch_wins(office: Office, phone: str) -> None:
    _, first = await office.signed_in(phone)
    digest = office.sha256(first.refresh_token)

    answers = await office.tell_all(*[(RefreshSession(refresh_sha256=digest), ANYBODY)] * 3)

    assert [answer.status for answer in answers] == [200, 401, 401]


async def test_a_refresh_sent_again_under_its_key_gets_the_same_pair(office: Office, phone: str) -> None:
    _, first = await office.signed_in(phone)
    command = uuid4()

    once, again = [await office.refresh(first, command) for _ in range(2)]

    assert (once.status, once.body) == (200, again.body)
    second = office.refreshed(again, first)
    assert (await office.refresh(second)).status == 200


async def test_a_refresh_token_that_nobody_issued_is_refused(office: Office, phone: str) -> None:
    _, first = await office.signed_in(phone)
    forged = first.model_copy(update={"refresh_token": "x" * 43})

    answers = [await office.refresh(forged), await office.refresh(first)]

    assert [answer.status for answer in answers] == [401, 200]


async def test_a_session_lasts_thirty_days_however_often_it_is_refreshed(office: Office, phone: str) -> None:
    opened_at = datetime.now(UTC)
    _, first = await office.signed_in(phone)
    second = office.refreshed(await office.refresh(first), first)

    with time_machine.travel(opened_at + REFRESH_LIFETIME + timedelta(minutes=1), tick=False):
        late = await office.refresh(second)

    assert (late.status, late.code) == (401, "TOKEN_INVALID")


async def test_a_logout_ends_this_session_alone(office: Office, shop: Shop, phone: str) -> None:
    other_device, _ = await office.signed_in(phone)
    caller, session = await office.signed_in(phone)

    closed = await office.tell(CloseSession(), caller)

    assert (closed.status, closed.body, closed.told) == (204, None, ["session.ended"])
    assert closed.data("session.ended").items() >= {"reason": "closed", "session_id": str(caller.session_id)}.items()
    assert (await office.refresh(session)).code == "TOKEN_INVALID"
    assert (await office.tell(provision(shop), caller)).code == "TOKEN_INVALID"
    assert (await office.tell(CloseSession(), caller)).code == "TOKEN_INVALID"
    assert (await office.tell(provision(shop), other_device)).status == 201


async def test_only_a_session_can_be_closed(office: Office) -> None:
    assert (await office.tell(CloseSession(), office.root)).code == "PERMISSION_DENIED"
    ghost = staff(uuid4()).model_copy(update={"session_id": uuid4()})
    assert (await office.tell(CloseSession(), ghost)).code == "TOKEN_INVALID"


async def test_a_recovery_ends_every_session(office: Office, shop: Shop, phone: str) -> None:  # P12
    devices = [await office.signed_in(phone) for _ in range(3)]

    recovered = await office.verify(phone, await office.ask_for_code(phone), "another good one")

    assert recovered.told == ["identity.activated", "session.ended"]
    assert {(await office.tell(provision(shop), caller)).code for caller, _ in devices} == {"TOKEN_INVALID"}
    assert {(await office.refresh(session)).code for _, session in devices} == {"TOKEN_INVALID"}
    caller, _ = await office.signed_in(phone, "another good one")
    assert (await office.tell(provision(shop), caller)).status == 201


async def test_a_login_in_the_batch_of_a_recovery_does_not_survive_it(office: Office, phone: str) -> None:
    code = await office.ask_for_code(phone)
    login = office.login(phone, "correct horse battery")
    recovery = office.sealed_verification(phone, code, "another good one")

    opened, recovered = await office.tell_all((login, ANYBODY), (recovery, ANYBODY))

    assert (opened.status, recovered.status) == (201, 204)
    assert (await office.refresh(office.opened(opened, phone))).code == "TOKEN_INVALID"


async def test_a_first_password_ends_nothing(office: Office, shop: Shop) -> None:
    phone = new_phone()
    await office.hire(shop, phone=phone)

    assert (await office.verify(phone, await office.ask_for_code(phone))).told == ["identity.activated"]


async def test_the_database_holds_one_good_token_a_session(office: Office, phone: str) -> None:
    """The schema's own promise, whatever the code does."""
    caller, _ = await office.signed_in(phone)

    with office.tables.connection() as tables, pytest.raises(Exception, match="refresh_tokens_one_good"):
        tables.execute("INSERT INTO refresh_tokens VALUES (sha256('x'), %s, now(), NULL)", (caller.session_id,))
