"""One-time codes, passwords and sealing, alone."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.credentials import Session as SessionView
from contracts.message import walk_subclasses
from contracts.personal import sealed_fields
from contracts.staff_events import MembershipFact
from contracts.staffing import COMMANDS, StaffingCommand, StaffView
from services.staffing.credentials.otp import LIFETIME, MAX_TRIES, Challenge, Otp, Verdict
from services.staffing.credentials.password_policy import normalised
from services.staffing.credentials.passwords import Passwords
from services.wire.sealing import Sealer, UnsealError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTP = Otp(base64.urlsafe_b64encode(b"p" * 32).decode())
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


def challenge(account_id: UUID | None = None) -> Challenge:
    return OTP.challenge("+85596123456", account_id or uuid4(), NOON)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_code_is_six_digits_of_its_challenge_and_pepper() -> None:  # P8
    asked = [challenge().id for _ in range(2000)]

    codes = [OTP.code(one) for one in asked]

    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert codes == [OTP.code(one) for one in asked]
    assert len(set(codes)) > 1900
    assert any(code.startswith("0") for code in codes)
    assert OTP.code(asked[0]) != Otp(KEY).code(asked[0])


def test_the_sixth_try_is_not_looked_at() -> None:  # P8
    asked = challenge()
    code = OTP.code(asked.id)

    tries = [OTP.judge(asked, wrong(code), NOON) for _ in range(MAX_TRIES)]

    assert tries == [Verdict.WRONG] * 5
    assert OTP.judge(asked, code, NOON) is Verdict.EXHAUSTED
    assert (asked.attempts, asked.consumed_at) == (5, None)


def test_the_fifth_try_may_be_right() -> None:
    asked = challenge()
    code = OTP.code(asked.id)
    for _ in range(4):
        OTP.judge(asked, wrong(code), NOON)

    assert OTP.judge(asked, f" {code} ", NOON) is Verdict.RIGHT


def test_a_code_is_right_once_and_until_it_expires() -> None:  # P8
    asked, late = challenge(), challenge()

    assert OTP.judge(late, OTP.code(late.id), NOON + LIFETIME) is Verdict.WRONG
    assert OTP.judge(asked, OTP.code(asked.id), NOON + LIFETIME - timedelta(microseconds=1)) is Verdict.RIGHT
    assert OTP.judge(asked, OTP.code(asked.id), NOON) is Verdict.WRONG


def test_a_code_sent_to_nobody_is_never_right() -> None:  # P9
    decoy = OTP.challenge("+85596123456", None, NOON)

    assert OTP.judge(decoy, OTP.code(decoy.id), NOON) is Verdict.WRONG
    assert decoy.attempts == 1


async def test_a_password_matches_its_own_hash_only() -> None:
    passwords = Passwords()
    stored = await passwords.hash("cafe\u0301 au lait")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(stored, "caf\u00e9 au lait")
    assert not await passwords.matches(stored, "cafe au lait")
    assert not await passwords.matches(None, "the password of nobody")
    assert not await passwords.matches("not a hash", "cafe au lait")
    assert normalised("cafe\u0301") == "caf\u00e9"
    passwords.close()


def test_what_is_sealed_opens_for_its_purpose_only() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal("hunter2 hunter2", "password", "+85596123456")

    assert sealer.unseal(sealed, "password", "+85596123456") == "hunter2 hunter2"
    assert sealed == sealer.seal("hunter2 hunter2", "password", "+85596123456")
    for purpose in (("code", "+85596123456"), ("password", "+85596123457"), ("password",)):
        with pytest.raises(UnsealError):
            sealer.unseal(sealed, *purpose)
    with pytest.raises(UnsealError):
        Sealer(base64.urlsafe_b64encode(b"o" * 32).decode()).unseal(sealed, "password", "+85596123456")


@pytest.mark.parametrize("position", range(0, 40, 5))
def test_sealed_text_that_was_altered_does_not_open(position: int) -> None:
    sealer = Sealer(KEY)
    sealed = bytearray(base64.urlsafe_b64decode(sealer.seal("hunter2 hunter2 hunter2 ", "p")))
    sealed[position] ^= 1

    with pytest.raises(UnsealError):
        sealer.unseal(base64.urlsafe_b64encode(sealed).decode(), "p")


@pytest.mark.parametrize("text", ["", "x", "ឯកសារ", "a" * 1000])
def test_any_text_can_be_sealed(text: str) -> None:
    sealer = Sealer(KEY)

    assert sealer.unseal(sealer.seal(text, "p"), "p") == text


def test_no_administrative_message_has_a_field_for_a_credential() -> None:  # S2.8, S2.29, S2.58
    secret = ("password", "code", "token", "secret", "hash")
    commands = [command for command in walk_subclasses(StaffingCommand) if command.topic == COMMANDS]
    names = {*StaffView.model_fields, *(name for command in commands for name in command.model_fields)}

    assert len(commands) >= 7
    assert not [name for name in names if any(part in name for part in secret)]
    assert {"access_token", "refresh_token"} <= SessionView.model_fields.keys()


def test_no_event_has_a_field_for_a_phone_or_a_name_but_a_sealed_one() -> None:
    facts = list(walk_subclasses(MembershipFact))

    assert {"membership.granted", "staff.provisioned", "staff.renamed"} <= {fact.type for fact in facts}
    named = {"phone", "display_name", "name"}
    assert not [f.type for f in facts if (named & f.model_fields.keys()) - sealed_fields(f)]
