"""One number, one identity: every spelling of a phone number becomes the same E.164 text (S2.26).

A number that cannot receive a one-time code is refused with one of the reasons of failure-codes.md.
"""

import unicodedata
from enum import StrEnum

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# Digits, spaces and dashes of any script. Letters would be dialled as on a keypad; `#`, `,` and `;` begin extensions.
_WRITTEN = frozenset({"Nd", "Zs", "Pd"})


class PhoneFault(StrEnum):
    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    INVALID_FOR_REGION = "invalid_for_region"
    NOT_MOBILE = "not_mobile"


_PARSE_FAULTS = {
    NumberParseException.INVALID_COUNTRY_CODE: PhoneFault.INVALID_FOR_REGION,
    NumberParseException.TOO_SHORT_AFTER_IDD: PhoneFault.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: PhoneFault.TOO_SHORT,
    NumberParseException.TOO_LONG: PhoneFault.TOO_LONG,
}
_LENGTH_FAULTS = {
    ValidationResult.TOO_SHORT: PhoneFault.TOO_SHORT,
    ValidationResult.TOO_LONG: PhoneFault.TOO_LONG,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: PhoneFault.TOO_SHORT,
}


def known_region(region: str) -> bool:
    return region in phonenumbers.SUPPORTED_REGIONS


def e164(raw: str, region: str | None) -> str | PhoneFault:
    """The number in E.164, or what is wrong with it; `region` is used where `raw` has no country code."""
    text = "".join(c for c in unicodedata.normalize("NFKC", raw) if unicodedata.category(c) != "Cf")
    text = " ".join(text.split()).removeprefix("tel:")
    if not text:
        return PhoneFault.EMPTY
    if any(unicodedata.category(c) not in _WRITTEN and c not in "+()./" for c in text):
        return PhoneFault.NOT_A_NUMBER
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        return _PARSE_FAULTS.get(error.error_type, PhoneFault.NOT_A_NUMBER)
    return _fault(number) or phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _fault(number: PhoneNumber) -> PhoneFault | None:
    length = _LENGTH_FAULTS.get(phonenumbers.is_possible_number_with_reason(number))
    if length:
        return length
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return PhoneFault.INVALID_FOR_REGION
    return None if kind in MOBILE else PhoneFault.NOT_MOBILE
