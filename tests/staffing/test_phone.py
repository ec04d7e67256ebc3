"""One number is one identity, however it is written (S2.26)."""

import pytest

from services.staffing.phone import PhoneFault, e164, known_region

NUMBER = "+85512345678"
SPELLINGS = [
    "+85512345678",
    "+855 12 345 678",
    "+855-12-345-678",
    "+855.12.345.678",
    "+855/12/345/678",
    "+(855) 12 345 678",
    "(+855) 12345678",
    "+855 (0) 12 345 678",
    "+855 012 345 678",
    "012345678",
    "012 345 678",
    "012-345-678",
    "012.345.678",
    "012/345/678",
    "(012) 345 678",
    "(012)345678",
    "0 1 2 3 4 5 6 7 8",
    "00185512345678",
    "001 855 12 345 678",
    "855 12 345 678",
    "tel:+855-12-345-678",
    "  012 345 678  ",
    "012\u00a0345\u00a0678",
    "012\u2009345\u2009678",
    "012\u2010345\u2010678",
    "012\u2013345\u2013678",
    "\u200e+855 12 345 678\u202c",
    "\uff0b\uff18\uff15\uff15\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
    "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
    "\u17e0\u17e1\u17e2\u17e3\u17e4\u17e5\u17e6\u17e7\u17e8",
    "012\t345\t678",
    "++855 12 345 678",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_one_number(spelling: str) -> None:
    assert len(set(SPELLINGS)) >= 30
    assert e164(spelling, "KH") == NUMBER


def test_a_foreign_number_keeps_its_country() -> None:
    assert e164("+44 7400 123456", "KH") == "+447400123456"


@pytest.mark.parametrize(
    ("text", "region", "fault"),
    [
        ("", "KH", PhoneFault.EMPTY),
        ("\u200b", "KH", PhoneFault.EMPTY),
        ("-", "KH", PhoneFault.NOT_A_NUMBER),
        ("096 FLOWERS", "KH", PhoneFault.NOT_A_NUMBER),
        ("096123456 ext 7", "KH", PhoneFault.NOT_A_NUMBER),
        ("096123456#7", "KH", PhoneFault.NOT_A_NUMBER),
        ("096123456,7", "KH", PhoneFault.NOT_A_NUMBER),
        ("096123456;ext=7", "KH", PhoneFault.NOT_A_NUMBER),
        ("096\u0000123456", "KH", PhoneFault.NOT_A_NUMBER),
        ("117", "KH", PhoneFault.TOO_SHORT),
        ("09612", "KH", PhoneFault.TOO_SHORT),
        ("096 123 456 789 012", "KH", PhoneFault.TOO_LONG),
        ("9" * 64, "KH", PhoneFault.TOO_LONG),
        ("096123456", None, PhoneFault.INVALID_FOR_REGION),
        ("+999 123 456 78", "KH", PhoneFault.INVALID_FOR_REGION),
        ("1900 123 456", "KH", PhoneFault.NOT_MOBILE),
        ("+1 900 555 1234", "KH", PhoneFault.NOT_MOBILE),
        ("+1 800 555 1234", "KH", PhoneFault.NOT_MOBILE),
        ("+44 20 7946 0958", "KH", PhoneFault.NOT_MOBILE),
    ],
)
def test_a_number_that_takes_no_code_is_refused_with_its_reason(text: str, region: str | None, fault: str) -> None:
    assert e164(text, region) == fault


def test_every_reason_is_one_that_is_documented() -> None:
    documented = {"empty", "not_a_number", "too_short", "too_long", "invalid_for_region", "not_mobile"}

    assert {fault.value for fault in PhoneFault} == documented


@pytest.mark.parametrize(("region", "known"), [("KH", True), ("DE", True), ("ZZ", False), ("kh", False)])
def test_a_region_is_one_of_iso_3166(region: str, *, known: bool) -> None:
    assert known_region(region) is known
