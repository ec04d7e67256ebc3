"""Money is a decimal string with an ISO 4217 currency; in between it is Decimal, never a float (K14)."""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import NamedTuple

_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])
_DIGITS = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.([0-9]{1,4}))?")


class Currency(NamedTuple):
    """`digits` are its minor digits by ISO 4217; `region` is the desk whose cap of the day it counts against."""

    digits: int
    region: str


CURRENCIES: dict[str, Currency] = {
    "USD": Currency(2, "AMERICAS"),
    "EUR": Currency(2, "EUROPE"),
    "GBP": Currency(2, "EUROPE"),
    "CHF": Currency(2, "EUROPE"),
    "JPY": Currency(0, "ASIA_PACIFIC"),
    "SGD": Currency(2, "ASIA_PACIFIC"),
    "HKD": Currency(2, "ASIA_PACIFIC"),
    "AED": Currency(2, "MIDDLE_EAST"),
    "KWD": Currency(3, "MIDDLE_EAST"),
}


def parse_amount(text: str, currency: str) -> Decimal | None:
    """The amount, above 0 and below 10^15; None for what has a sign, an exponent, leading zeros or too many digits."""
    shape = _DIGITS.fullmatch(text)
    if shape is None or len(shape[1] or "") > CURRENCIES[currency].digits:
        return None
    amount = Decimal(text)
    return amount if amount > 0 else None


def format_amount(amount: Decimal, currency: str) -> str:
    """With exactly the currency's minor digits; raises decimal.Inexact where that would change the amount."""
    step = Decimal(1).scaleb(-CURRENCIES[currency].digits)
    return format(amount.quantize(step, context=_EXACT), "f")
