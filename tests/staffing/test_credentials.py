"""Credentials belong to the person: codes, passwords and sessions, and that no secret lies about."""

from collections.abc import Sequence
from uuid import UUID

import jwt
import pytest
import time_machine

from contracts.credentials import RequestActivation
from contracts.staffing import CREDENTIALS
from services.chassis import Desk, Inbound
from services.staffing.credentials.otp import LIFETIME
from services.wire.actor import public_key
from tests.staffing.office import (
    ANYBODY,
    GOOD_PASSWORD,
    Answer,
    Office,
    Shop,
    new_local_phone,
    new_phone,
    provision,
    staff,
)


@pytest.fixture
async def phone(office: Office, shop: Shop) -> str:
    """Of somebody who is on a staff and never chose a password."""
    phone = new_phone()
    assert (await office.hire(shop, phone=phone)).status == 201
    return phone


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_person_activates_and_logs_in(office: Office, phone: str) -> None:  # S2.44
    code = await office.ask_for_code(phone)

    activated = await office.verify(phone, code)
    opened = await office.log_in(phone)

    assert (activated.status, activated.body, activated.told) == (204, None, ["identity.activated"])
    assert activated.data("identity.activated")["recovered"] is False
    assert (opened.status, opened.told) == (201, ["session.opened"])
    (account,) = office.tables.rows("SELECT * FROM accounts WHERE phone = %s", phone)
    assert (account["status"], account["password_hash"][:10]) == ("ACTIVE", "$argon2id$")


async def test_an_access_token_says_who_and_nothing_that_goes_stale(office: Office, phone: str) -> None:
    await office.activate(phone)

    session = office.opened(await office.log_in(phone), phone)

    key = public_key(office.stack.env_of("gateway")["GATEHOUSE_STAFF_PUBLIC_KEY"])
    claims = jwt.decode(session.access_token, key, algorithms=["EdDSA"], audience="gatehouse", issuer="gatehouse-staff")
    assert jwt.get_unverified_header(session.access_token)["typ"] == "at+jwt"
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp"}
    assert UUID(claims["sub"]) == office.tables.value("SELECT id FROM accounts WHERE phone = %s", phone)
    assert (claims["exp"] - claims["iat"], session.expires_in) == (600, 600)


async def test_only_the_hash_of_a_refresh_token_is_kept(office: Office, phone: str) -> None:
    await office.activate(phone)

    session = office.opened(await office.log_in(phone), phone)

    statement = "SELECT count(*) FROM refresh_tokens WHERE sha256 = sha256(%s::bytea)"
    assert office.tables.value(statement, session.refresh_token.encode()) == 1


async def test_an_unverified_person_cannot_log_in(office: Office, phone: str) -> None:  # S2.28
    assert (await office.log_in(phone)).code == "AUTH_REQUIRED"


async def test_nobody_learns_from_a_login_whether_a_phone_is_known(office: Office, phone: str) -> None:  # P9
    await office.activate(phone)

    answers = [await office.log_in(phone, "wrong password"), await office.log_in(new_phone()), await office.log_in("?")]

    assert [(a.status, a.code, a.body["detail"]) for a in answers] == [
        (401, "AUTH_REQUIRED", "the phone number or the password is not right")
    ] * 3
    assert [answer.told for answer in answers] == [["staff.refused"]] * 3


async def test_nobody_learns_from_a_code_whether_a_phone_is_known(office: Office, phone: str) -> None:  # P9
    stranger = new_phone()

    async def journey(number: str) -> list[object]:
        asked = await office.tell(RequestActivation(phone=number), ANYBODY)
        code = wrong(office.newest_code(number))
        tries = [await office.verify(number, code) for _ in range(6)]
        return [asked.status, asked.body, *((t.status, t.code, t.body["detail"]) for t in tries)]

    assert await journey(phone) == await journey(stranger)


async def test_a_code_is_asked_for_even_with_nonsense(office: Office) -> None:
    before = office.counts()
    nonsense = ("", "012", "call me", "+1 900 555 1234")

    answers = [await office.tell(RequestActivation(phone=phone), ANYBODY) for phone in nonsense]

    assert [answer.status for answer in answers] == [202] * 4
    assert [answer.told for answer in answers] == [["activation.unanswered"]] * 4
    assert office.counts() == before


async def test_a_strangers_phone_gets_a_challenge_but_no_message(office: Office) -> None:  # P9
    stranger = new_phone()

    answer = await office.tell(RequestActivation(phone=stranger), ANYBODY)
    verified = await office.verify(stranger, office.newest_code(stranger))

    assert (answer.told, verified.code) == (["activation.unanswered"], "OTP_INVALID")
    assert stranger not in repr(answer.events)
    row = office.tables.rows("SELECT * FROM otp_challenges WHERE phone_key = %s", office.otp.phone_key(stranger))[0]
    assert (row["account_id"], row["attempts"]) == (None, 1)
    assert stranger not in repr(row)


async def test_a_known_phone_is_told_in_one_event_without_the_code(office: Office, phone: str) -> None:
    answer = await office.tell(RequestActivation(phone=phone), ANYBODY)

    assert answer.told == ["identity.activation_requested"]
    assert set(answer.data("identity.activation_requested")) == {"account_id", "challenge_id"}
    assert office.newest_code(phone) not in repr(answer.events)


async def test_five_tries_and_no_sixth(office: Office, phone: str) -> None:  # P8
    code = await office.ask_for_code(phone)

    tries = [(await office.verify(phone, wrong(code))).code for _ in range(5)]
    sixth = await office.verify(phone, code)

    assert tries == ["OTP_INVALID"] * 5
    assert (sixth.status, sixth.code) == (429, "OTP_ATTEMPTS_EXCEEDED")
    assert (await office.verify(phone, await office.ask_for_code(phone))).status == 204


async def test_only_the_newest_code_counts(office: Office, phone: str) -> None:  # P8
    old = await office.ask_for_code(phone)
    new = await office.ask_for_code(phone)

    assert (await office.verify(phone, old)).code == ("OTP_INVALID" if old != new else None)
    assert (await office.verify(phone, new)).status == 204


async def test_a_code_works_once(office: Office, phone: str) -> None:  # P8
    code = await office.ask_for_code(phone)
    await office.verify(phone, code)

    assert (await office.verify(phone, code, "another password")).code == "OTP_INVALID"
    assert (await office.log_in(phone)).status == 201


async def test_a_code_lasts_five_minutes(office: Office, phone: str) -> None:  # P8
    code = await office.ask_for_code(phone)
    created = office.tables.value(
        "SELECT created_at FROM otp_challenges WHERE phone_key = %s", office.otp.phone_key(phone)
    )

    with time_machine.travel(created + LIFETIME, tick=False):
        expired = await office.verify(phone, code)

    assert (expired.status, expired.code) == (400, "OTP_INVALID")
    assert (await office.verify(phone, code)).status == 204


@pytest.mark.parametrize(
    ("password", "reason"),
    [("", "too_short"), ("nine char", "too_short"), ("x" * 257, "too_long"), ("P@ssw0rd2024!", "common")],
)
async def test_a_refused_password_says_why_and_costs_no_try(
    office: Office, phone: str, password: str, reason: str
) -> None:
    code = await office.ask_for_code(phone)

    answers = [await office.verify(phone, code, password) for _ in range(6)]

    assert {(answer.status, answer.code) for answer in answers} == {(422, "PASSWORD_POLICY")}
    assert all(reason in answer.body["reasons"] for answer in answers)
    assert (await office.verify(phone, code, "ten chars!")).status == 204


async def test_a_password_is_the_same_on_every_keyboard(office: Office, phone: str) -> None:
    await office.activate(phone, "cafe\u0301 crème brûlée")

    assert (await office.log_in(phone, "caf\u00e9 crème brûlée")).status == 201


async def test_a_recovered_account_ends_its_sessions(office: Office, phone: str) -> None:  # P12
    await office.activate(phone)
    await office.log_in(phone)

    recovered = await office.verify(phone, await office.ask_for_code(phone), "a new password")

    assert recovered.data("identity.activated")["recovered"] is True
    assert recovered.data("session.ended").items() >= {"session_id": None, "reason": "recovered"}.items()
    account = office.tables.value("SELECT id FROM accounts WHERE phone = %s", phone)
    (session,) = office.tables.rows("SELECT revoked_at FROM sessions WHERE account_id = %s", account)
    assert session["revoked_at"] is not None
    assert (await office.log_in(phone)).code == "AUTH_REQUIRED"
    assert (await office.log_in(phone, "a new password")).status == 201


async def test_a_password_that_is_replaced_while_it_is_checked_opens_nothing(office: Office, phone: str) -> None:
    await office.activate(phone)
    code, desk = await office.ask_for_code(phone), office.desks[CREDENTIALS]

    async def slow_check(batch: Sequence[Inbound]) -> object:
        checked = await desk.gather(batch)
        await office.verify(phone, code, "a new password")
        return checked

    slow = Desk(desk.handlers, desk.load, desk.save, desk.refusal, slow_check)
    (login,) = await office.tell_all((office.login(phone, GOOD_PASSWORD), ANYBODY), desk=slow)

    assert login.code == "AUTH_REQUIRED"


async def test_any_spelling_of_the_phone_will_do(office: Office, shop: Shop) -> None:  # S2.26
    international, national = new_local_phone()
    await office.hire(shop, phone=international)
    code = await office.ask_for_code(international)
    verification = office.sealed_verification(national, code, GOOD_PASSWORD).model_copy(update={"region": "KH"})
    login = office.login(national, GOOD_PASSWORD).model_copy(update={"region": "KH"})

    assert (await office.tell(verification, ANYBODY)).status == 204
    assert (await office.tell(login, ANYBODY)).status == 201


async def test_provisioning_never_touches_a_password(office: Office, phone: str) -> None:  # S2.8, S2.27
    await office.activate(phone)
    await office.log_in(phone)

    answer = await office.hire(await office.open_shop(), phone=phone, notify="sms")

    assert answer.told[-1] == "identity.notice_requested"
    assert (await office.log_in(phone)).status == 201
    assert office.tables.value("SELECT count(*) FROM otp_challenges WHERE account_id = %s", _account(answer)) == 1


async def test_no_secret_lies_in_any_table(office: Office, phone: str) -> None:
    """Canaries: password, code, access and refresh token, in every column of every row written, messages included."""
    before = office.tables.value("SELECT pg_current_xact_id()::text::bigint")
    code = await office.ask_for_code(phone)
    await office.verify(phone, code, "canary-password-XYZZY")
    session = office.opened(await office.log_in(phone, "canary-password-XYZZY"), phone)
    await office.verify(phone, "424242", "canary-password-XYZZY")
    canaries = ["canary-password-XYZZY", session.access_token, session.refresh_token, f"is {code}"]

    written = 0
    tables = office.tables.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'staffing'")
    for name in sorted(row["table_name"] for row in tables):
        text = repr(office.tables.rows(f"SELECT * FROM {name} WHERE xmin::text::bigint >= %s", before))
        written += len(text)
        assert not [canary for canary in canaries if canary in text], name
    assert written > 5000


async def test_a_session_is_for_a_person_not_a_phone(office: Office, shop: Shop) -> None:
    await office.activate(shop.owner_phone)
    session = office.opened(await office.log_in(shop.owner_phone), shop.owner_phone)
    claims = jwt.decode(session.access_token, options={"verify_signature": False})

    answer = await office.tell(provision(shop), staff(claims["sub"]))

    assert answer.status == 201


def _account(answer: Answer) -> UUID:
    return UUID(answer.body["account_id"])
