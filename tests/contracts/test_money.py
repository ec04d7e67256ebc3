"""K14: an amount is exactly what was typed, or it is refused; no float is ever in between."""

import ast
from decimal import Decimal, Inexact
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import CURRENCIES, format_amount, parse_amount

REPOSITORY = Path(__file__).parents[2]
MONEY_FILES = (REPOSITORY / "contracts/money.py", *sorted((REPOSITORY / "services/partners/invoices").glob("*.py")))

currencies = st.sampled_from(sorted(CURRENCIES))


@st.composite
def amounts(draw: st.DrawFn) -> tuple[Decimal, str]:
    """Any amount that can be invoiced, in its currency."""
    currency = draw(currencies)
    units = draw(st.integers(1, 10 ** (15 + CURRENCIES[currency].digits) - 1))
    return Decimal(units).scaleb(-CURRENCIES[currency].digits), currency


@given(amounts())
def test_an_amount_that_is_written_is_read_as_the_same_amount(money: tuple[Decimal, str]) -> None:
    amount, currency = money

    text = format_amount(amount, currency)

    assert parse_amount(text, currency) == amount
    assert len(text.partition(".")[2]) == CURRENCIES[currency].digits


@given(st.text(max_size=24) | st.from_regex(r"[+-]?[0-9]{0,18}[.,]?[0-9]{0,6}(e[0-9])?", fullmatch=True), currencies)
def test_what_is_read_is_written_with_the_same_digits(text: str, currency: str) -> None:
    """Whatever text is taken in, nothing but zeros behind the point may change."""
    amount = parse_amount(text, currency)

    if amount is not None:
        whole, _, minor = text.partition(".")
        digits = CURRENCIES[currency].digits
        assert format_amount(amount, currency) == (f"{whole}.{minor:0<{digits}}" if digits else whole)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1250.00", "USD", "1250.00"),
        ("1250.5", "EUR", "1250.5"),
        ("1250", "GBP", "1250"),
        ("0.01", "CHF", "0.01"),
        ("1250", "JPY", "1250"),
        ("0.001", "KWD", "0.001"),
        ("999999999999999.99", "USD", "999999999999999.99"),
    ],
)
def test_a_plain_decimal_is_taken_in(text: str, currency: str, amount: str) -> None:
    assert parse_amount(text, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        pytest.param("", "USD", id="nothing"),
        pytest.param("0", "USD", id="zero"),
        pytest.param("0.00", "USD", id="zero with minor digits"),
        pytest.param("-1", "USD", id="a sign"),
        pytest.param("+1", "USD", id="a plus"),
        pytest.param("1e3", "USD", id="an exponent"),
        pytest.param("01", "USD", id="a leading zero"),
        pytest.param("00.10", "USD", id="two leading zeros"),
        pytest.param(".5", "USD", id="no digit before the point"),
        pytest.param("5.", "USD", id="no digit behind the point"),
        pytest.param("1.001", "USD", id="more digits than cents"),
        pytest.param("1.0", "JPY", id="yen have no minor digits"),
        pytest.param("1.0001", "KWD", id="more digits than fils"),
        pytest.param(" 1", "USD", id="a space before"),
        pytest.param("1 ", "USD", id="a space behind"),
        pytest.param("1\n", "USD", id="a line break behind"),
        pytest.param("1,000", "USD", id="thousands"),
        pytest.param("1_000", "USD", id="an underscore, which Decimal would take"),
        pytest.param("١٢", "USD", id="Arabic digits, which Decimal would take"),
        pytest.param("1²", "USD", id="a superscript"),
        pytest.param("NaN", "USD", id="no number"),
        pytest.param("Infinity", "USD", id="infinity"),
        pytest.param("1000000000000000", "USD", id="sixteen digits"),
    ],
)
def test_anything_else_is_no_amount(text: str, currency: str) -> None:
    assert parse_amount(text, currency) is None


def test_an_amount_is_never_rounded_to_be_written() -> None:
    with pytest.raises(Inexact):
        format_amount(Decimal("1.005"), "USD")


def test_every_currency_fits_the_column_that_keeps_it() -> None:
    """numeric(24, 4): at most four minor digits, and a day's sum of a hundred thousand largest invoices."""
    assert all(0 <= currency.digits <= 4 for currency in CURRENCIES.values())
    assert {"USD", "EUR", "GBP", "CHF", "JPY", "SGD", "HKD", "AED", "KWD"} <= set(CURRENCIES)


@pytest.mark.parametrize("file", MONEY_FILES, ids=lambda file: file.name)
def test_no_float_is_near_money(file: Path) -> None:
    found = [node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)]
    numbers = [n.value for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant)]

    assert "float" not in found
    seconds = 15.0  # how often the expiry timer sweeps: time, not money
    assert [number for number in numbers if isinstance(number, float) and number != seconds] == []
