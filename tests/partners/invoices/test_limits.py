"""Limits are data; a cap counts what was approved and is never passed (K17)."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.failures import Code
from contracts.money import CURRENCIES
from services.partners.invoices.limits import CapKey, Ceilings, Limits, Usage, load_limits

DAY = date(2026, 11, 22)
ACME, OTHER = UUID(int=1), UUID(int=2)
LIMITS = Limits({"EUR": Ceilings(Decimal(100), Decimal(250), Decimal(400))})


def nothing_used(*partners: UUID) -> Usage:
    keys = [CapKey.of_region(DAY, "EUR"), *(CapKey.of_partner(partner, DAY, "EUR") for partner in partners)]
    return Usage(dict.fromkeys(keys, Decimal(0)))


def charge(usage: Usage, partner: UUID, amount: str) -> Code | None:
    return LIMITS.charge(usage, partner, DAY, Decimal(amount), "EUR")


def test_a_cap_may_be_reached_and_not_passed() -> None:
    usage = nothing_used(ACME)

    answers = [charge(usage, ACME, amount) for amount in ("100", "100", "50", "0.01")]

    assert answers == [None, None, None, Code.BRANCH_CAP_EXCEEDED]


def test_partners_share_the_cap_of_their_region() -> None:
    usage = nothing_used(ACME, OTHER)
    charge(usage, ACME, "250")

    assert charge(usage, OTHER, "150.01") is Code.REGION_CAP_EXCEEDED
    assert charge(usage, OTHER, "150") is None


def test_what_is_refused_counts_against_neither_cap() -> None:
    usage = nothing_used(ACME, OTHER)
    charge(usage, ACME, "250")
    before = dict(usage.used)

    charge(usage, ACME, "1")
    charge(usage, OTHER, "200")

    assert usage.used == before


@given(st.lists(st.tuples(st.sampled_from([ACME, OTHER]), st.decimals(Decimal("0.01"), 100, places=2)), max_size=40))
def test_no_order_of_approvals_passes_a_cap(wanted: list[tuple[UUID, Decimal]]) -> None:
    usage, approved = nothing_used(ACME, OTHER), {ACME: Decimal(0), OTHER: Decimal(0)}

    for partner, amount in wanted:
        if LIMITS.charge(usage, partner, DAY, amount, "EUR") is None:
            approved[partner] += amount

    assert max(approved.values()) <= 250
    assert sum(approved.values()) <= 400
    assert usage.used[CapKey.of_region(DAY, "EUR")] == sum(approved.values())


def test_the_defaults_limit_every_currency_there_is() -> None:
    limits = load_limits(None)

    assert set(limits.ceilings) == set(CURRENCIES)
    assert all(each.invoice < each.partner_day < each.region_day for each in limits.ceilings.values())


def test_a_file_names_the_supported_currencies_and_their_limits(tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    file.write_text('{"KWD": {"invoice": "10.125", "partner_day": "20", "region_day": "30"}}')

    limits = load_limits(file)

    assert limits.ceilings == {"KWD": Ceilings(Decimal("10.125"), Decimal(20), Decimal(30))}
    assert not limits.supports("USD")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"USD": {"invoice": 10.5, "partner_day": "20", "region_day": "30"}}', id="a float"),
        pytest.param('{"USD": {"invoice": "10.555", "partner_day": "20", "region_day": "30"}}', id="half a cent"),
        pytest.param('{"USD": {"invoice": "0", "partner_day": "20", "region_day": "30"}}', id="zero"),
        pytest.param('{"ZZZ": {"invoice": "1", "partner_day": "2", "region_day": "3"}}', id="no currency"),
        pytest.param('{"USD": {"invoice": "1", "partner_day": "2"}}', id="one is missing"),
        pytest.param("nonsense", id="no JSON"),
    ],
)
def test_a_file_that_says_anything_else_stops_the_start(tmp_path: Path, text: str) -> None:
    file = tmp_path / "limits.json"
    file.write_text(text)

    with pytest.raises((ValidationError, ValueError)):
        load_limits(file)


def test_a_cap_of_a_day_is_one_of_a_partner_or_of_a_region() -> None:
    partner = uuid4()

    assert CapKey.of_partner(partner, DAY, "GBP") == (f"partner:{partner}", DAY, "GBP")
    assert CapKey.of_region(DAY, "GBP") == ("region:EUROPE", DAY, "GBP")
