"""Amounts: how they are read, checked, rounded and written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import (
    CURRENCIES,
    MAX_AMOUNT,
    MAX_DIGITS,
    MINOR_UNITS,
    AmountError,
    format_money,
    parse_amount,
    plain_amount,
    round_money,
    validate_amount,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("1234.56", "EUR", "1234.56"),
        ("1.234,56", "EUR", "1234.56"),
        ("1,234.56", "EUR", "1234.56"),
        ("1 234,56", "EUR", "1234.56"),
        ("1\u00a0234,56", "EUR", "1234.56"),
        ("1\u202f234.56", "EUR", "1234.56"),
        ("1'234.56", "EUR", "1234.56"),
        ("1’234,56", "EUR", "1234.56"),
        ("١٢٣٤٫٥٦", "EUR", "1234.56"),
        ("١٬٢٣٤٫٥٦", "EUR", "1234.56"),
        ("۱۲۳۴", "EUR", "1234.00"),
        ("१२", "INR", "12.00"),
        ("12,34,567.00", "INR", "1234567.00"),
        ("1,23,456", "INR", "123456.00"),
        ("1.234.567", "EUR", "1234567.00"),
        ("1,000", "EUR", "1000.00"),
        ("1.000", "EUR", "1000.00"),
        ("1,5", "EUR", "1.50"),
        ("0,5", "EUR", "0.50"),
        ("007", "EUR", "7.00"),
        ("  5 ", "EUR", "5.00"),
        ("EUR 5", "EUR", "5.00"),
        ("5 eur", "EUR", "5.00"),
        ("1.234", "JPY", "1234"),
        ("12500.00", "JPY", "12500"),
        ("1.234", "KWD", "1.234"),
        ("0,123", "KWD", "0.123"),
        ("0.00421", "BTC", "0.00421000"),
        ("999,999,999", "EUR", "999999999.00"),
        ("9999999.12345678", "BTC", "9999999.12345678"),
        ("21000000", "BTC", "21000000.00000000"),
        ("999999998.123456", "USDC", "999999998.123456"),
    ],
)
def test_an_amount_is_read_as_people_type_it(text: str, currency: str, amount: str):
    read = parse_amount(text, currency)
    assert (read, str(read)) == (Decimal(amount), amount)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "NaN",
        "Infinity",
        "-Infinity",
        "-5",
        "+5",
        "1e5",
        "0x10",
        "½",
        "²",
        "1..2",
        "1,",
        ".5",
        "5€",
        "1\x002",
        "9" * 31,
        "1,2,",
        "12 5",
        "1 2 3",
        "1 234 5",
        "USD 5",
        "\u202e5",
        "٫٥",
        "<b>5</b>",
    ],
)
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(AmountError) as refusal:
        parse_amount(text, "EUR")
    assert refusal.value.message == "Write the amount as a number, for example 1234.50."
    assert refusal.value.code == "invalid_amount"


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12.34.56", "EUR"),
        ("1,234,56", "EUR"),
        ("100,00.5", "EUR"),
        ("1.234,5.6", "EUR"),
        ("1.23.456", "EUR"),
        ("12.34.567,00", "EUR"),
        ("1,234", "KWD"),
        ("1,234", "BTC"),
        ("1.23٫4", "EUR"),
        ("1٫2٫3", "EUR"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(text: str, currency: str):
    with pytest.raises(AmountError, match="can be read in two ways"):
        parse_amount(text, currency)


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("0", "EUR", "The amount must be more than zero."),
        ("0,00", "EUR", "The amount must be more than zero."),
        ("1.2345", "EUR", "EUR has 2 digits after the decimal point."),
        ("0.001", "EUR", "EUR has 2 digits after the decimal point."),
        ("1٫234", "EUR", "EUR has 2 digits after the decimal point."),
        ("1.5", "JPY", "JPY has no digits after the decimal point."),
        ("0.1234", "KWD", "KWD has 3 digits after the decimal point."),
        ("0.123456789", "BTC", "BTC has 8 digits after the decimal point."),
        ("1000000000", "EUR", "The amount is too large: at most 999,999,999.00\u00a0EUR."),
        ("1234567890123", "JPY", "The amount is too large: at most 999,999,999\u00a0JPY."),
        ("21000000.00000001", "BTC", "This amount has too many digits to be kept exactly: at most 15."),
        ("999999998.12345678", "BTC", "This amount has too many digits to be kept exactly: at most 15."),
        ("5", "XXX", "XXX is not a currency this site knows."),
        ("5", "", " is not a currency this site knows."),
    ],
)
def test_a_number_that_is_no_payable_amount_says_why(text: str, currency: str, message: str):
    with pytest.raises(AmountError) as refusal:
        parse_amount(text, currency)
    assert refusal.value.message == message


@pytest.mark.parametrize(
    "amount", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-0", "-1", "1e400", "1e-400", "999999999.01", "0.005"]
)
def test_a_decimal_that_is_no_payable_amount_is_refused(amount: str):
    with pytest.raises(AmountError):
        validate_amount(Decimal(amount), "EUR")


def test_a_valid_amount_comes_back_in_the_digits_of_its_currency():
    assert str(validate_amount(Decimal("1E+3"), "EUR")) == "1000.00"
    assert str(validate_amount(Decimal("5.000"), "JPY")) == "5"
    assert validate_amount(MAX_AMOUNT, "BTC") == MAX_AMOUNT


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("0.125", "EUR", "0.12"), ("0.135", "EUR", "0.14"), ("2.5", "JPY", "2"), ("3.5", "JPY", "4"), ("0.0005", "KWD", "0.000")],
)
def test_money_rounds_half_to_even(amount: str, currency: str, rounded: str):
    assert str(round_money(Decimal(amount), currency)) == rounded


@pytest.mark.parametrize(
    ("amount", "currency", "shown", "plain"),
    [
        ("1234.5", "EUR", "1,234.50\u00a0EUR", "1234.50"),
        ("1234567", "JPY", "1,234,567\u00a0JPY", "1234567"),
        ("0.00421", "BTC", "0.00421000\u00a0BTC", "0.00421000"),
        ("-3.5", "KWD", "-3.500\u00a0KWD", "-3.500"),
        ("0.00000001", "BTC", "0.00000001\u00a0BTC", "0.00000001"),
    ],
)
def test_amounts_are_written_for_people_and_for_machines(amount: str, currency: str, shown: str, plain: str):
    assert (format_money(Decimal(amount), currency), plain_amount(Decimal(amount), currency)) == (shown, plain)


@given(st.sampled_from(CURRENCIES), st.integers(min_value=1, max_value=10**17))
def test_every_amount_is_read_back_as_it_was_shown(currency: str, units: int):
    amount = Decimal(units).scaleb(-MINOR_UNITS[currency])
    if amount <= MAX_AMOUNT and len(str(units).rstrip("0")) <= MAX_DIGITS:
        assert parse_amount(format_money(amount, currency), currency) == amount
        assert parse_amount(plain_amount(amount, currency), currency) == amount


@given(st.text(max_size=40), st.sampled_from(CURRENCIES))
def test_any_text_is_an_amount_or_a_refusal(text: str, currency: str):
    try:
        amount = parse_amount(text, currency)
    except AmountError:
        return
    assert 0 < amount <= MAX_AMOUNT
    assert amount == round_money(amount, currency)
