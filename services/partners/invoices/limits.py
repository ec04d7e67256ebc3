"""How much may be invoiced and approved: per invoice, per partner and day, per region and day (K17).

A day is a UTC day; a region is a property of the currency (`contracts.money`). What was approved stays counted when
the invoice fails later, so a cap may bind too early, never too late. That usage is exact is the store's promise:
handlers see rows that are locked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

from contracts.failures import Code
from contracts.money import CURRENCIES, parse_amount


class CapKey(NamedTuple):
    """One cap of one day: `scope` is `partner:<id>` or `region:<name>`."""

    scope: str
    day: date
    currency: str

    @classmethod
    def of_partner(cls, partner_id: UUID, day: date, currency: str) -> "CapKey":
        return cls(f"partner:{partner_id}", day, currency)

    @classmethod
    def of_region(cls, day: date, currency: str) -> "CapKey":
        return cls(f"region:{CURRENCIES[currency].region}", day, currency)


class Ceilings(NamedTuple):
    """The limits of one currency: of one invoice, and of what is approved in a day."""

    invoice: Decimal
    partner_day: Decimal
    region_day: Decimal


@dataclass(slots=True)
class Usage:
    """What is approved already, for each cap that a batch may touch; `changed` is to be written back."""

    used: dict[CapKey, Decimal] = field(default_factory=dict)
    changed: set[CapKey] = field(default_factory=set)

    def add(self, key: CapKey, amount: Decimal) -> None:
        self.used[key] += amount
        self.changed.add(key)


@dataclass(frozen=True, slots=True)
class Limits:
    """A currency without ceilings is not supported."""

    ceilings: Mapping[str, Ceilings]

    def supports(self, currency: str) -> bool:
        return currency in self.ceilings

    def allows_invoice(self, amount: Decimal, currency: str) -> bool:
        return amount <= self.ceilings[currency].invoice

    def charge(self, usage: Usage, partner_id: UUID, day: date, amount: Decimal, currency: str) -> Code | None:
        """Count the amount against both caps, or name the one it would pass; then it counts against neither."""
        ceilings = self.ceilings[currency]
        partner, region = CapKey.of_partner(partner_id, day, currency), CapKey.of_region(day, currency)
        if usage.used[partner] + amount > ceilings.partner_day:
            return Code.BRANCH_CAP_EXCEEDED
        if usage.used[region] + amount > ceilings.region_day:
            return Code.REGION_CAP_EXCEEDED
        usage.add(partner, amount)
        usage.add(region, amount)
        return None


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    invoice: str
    partner_day: str
    region_day: str


_FILE = TypeAdapter(dict[str, _Row])


def load_limits(file: Path | None) -> Limits:
    """From `{"USD": {"invoice": "1000000", "partner_day": "5000000", "region_day": "25000000"}, …}`, or the defaults.

    A file that says something else stops the process at start: ValueError.
    """
    rows = _FILE.validate_json(file.read_bytes()) if file else {code: _Row(**row) for code, row in DEFAULTS.items()}
    return Limits({code: _ceilings(code, row) for code, row in rows.items()})


def _ceilings(currency: str, row: _Row) -> Ceilings:
    if currency not in CURRENCIES:
        raise ValueError(f"{currency} is no currency of contracts.money")
    amounts = [parse_amount(text, currency) for text in (row.invoice, row.partner_day, row.region_day)]
    if not all(amounts):
        raise ValueError(f"the limits of {currency} are not amounts in it")
    return Ceilings(*(amount for amount in amounts if amount is not None))


def _row(invoice: str, partner_day: str, region_day: str) -> dict[str, str]:
    return {"invoice": invoice, "partner_day": partner_day, "region_day": region_day}


DEFAULTS = {
    "USD": _row("1000000", "5000000", "50000000"),
    "EUR": _row("1000000", "5000000", "50000000"),
    "GBP": _row("1000000", "5000000", "50000000"),
    "CHF": _row("1000000", "5000000", "50000000"),
    "JPY": _row("150000000", "750000000", "7500000000"),
    "SGD": _row("1500000", "7500000", "75000000"),
    "HKD": _row("8000000", "40000000", "400000000"),
    "AED": _row("4000000", "20000000", "200000000"),
    "KWD": _row("300000", "1500000", "15000000"),
}
