"""Which passwords are refused and why (NIST SP 800-63B §3.1.1.2); length counts, composition does not."""

import pytest

from services.staffing.credentials.password_policy import Weakness, common_passwords, roots, weaknesses

PHONE = "+85596123456"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "my dog eats 7 apples",
        "пароль пароль пароль моей собаки",
        "ឯកសារសម្ងាត់ខ្ញុំ",
        "cafe\u0301 crème brûlée",
        "kU7#pq!zRw",
        "monsoon-lantern-otter",
        "horsebatteryhorsebattery",
        "dragons guard the 9 gates of houses",
        "8841 2290 7315 0062",
    ],
)
def test_a_long_password_of_ones_own_is_good_whatever_it_is_made_of(password: str) -> None:
    assert weaknesses(password, PHONE) == ()


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("123456789", Weakness.TOO_SHORT),
        ("x1" * 129, Weakness.TOO_LONG),
        ("password123", Weakness.COMMON),
        ("P@ssw0rd2024!", Weakness.COMMON),
        ("Pássword!!", Weakness.COMMON),
        ("\uff50\uff41ssword\uff11\uff12\uff13", Weakness.COMMON),
        ("$unshine2024", Weakness.COMMON),
        ("iloveyou!!!!", Weakness.COMMON),
        ("monkeymonkey", Weakness.COMMON),
        ("manchester", Weakness.COMMON),
        ("aaaaaaaaaaaa", Weakness.REPETITIVE),
        ("ababbaabbaba", Weakness.REPETITIVE),
        ("kx7!kx7!kx7!", Weakness.REPETITIVE),
        ("abcdefghijkl", Weakness.SEQUENCE),
        ("9876543210", Weakness.SEQUENCE),
        ("1qaz2wsx3edc", Weakness.SEQUENCE),
        ("qwertyuiop[]", Weakness.SEQUENCE),
        ("QWERTY123456!", Weakness.SEQUENCE),
        ("my +855 96 123 456", Weakness.PHONE_NUMBER),
        ("096123456-dara", Weakness.PHONE_NUMBER),
        ("Gatehouse2026!", Weakness.SERVICE_NAME),
        ("Gatehouse Staff", Weakness.SERVICE_NAME),
    ],
)
def test_a_password_that_guessers_try_first_says_why_it_is_refused(password: str, reason: Weakness) -> None:
    assert reason in weaknesses(password, PHONE)


def test_only_the_persons_own_number_is_theirs() -> None:
    assert Weakness.PHONE_NUMBER not in weaknesses("096123456-dara", "+85596999999")
    assert Weakness.PHONE_NUMBER not in weaknesses("096123456-dara")


def test_a_phrase_is_not_refused_for_a_common_word_in_it() -> None:
    assert "password" in common_passwords()
    assert weaknesses("the password of my boat") == ()


def test_a_root_with_more_than_decoration_around_it_is_another_password() -> None:
    assert "dragon" in roots("dragon 8841") & common_passwords()
    assert not roots("dragon 8841 2290 7315") & common_passwords()
    assert weaknesses("dragon 8841 2290 7315") == ()


def test_the_list_is_long_and_made_of_roots() -> None:
    assert len(common_passwords()) > 30_000
    assert {"qwertyuiop", "manchester", "harrypotter"} <= common_passwords()
    assert not [word for word in common_passwords() if not word.isalnum()]
