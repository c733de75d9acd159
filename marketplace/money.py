"""Amounts of money: their currencies, their smallest units, how they are read and written.

An amount is a `Decimal` beside its currency code, never a float. Minor units (digits after the point) are those of
ISO 4217; coins use the digits their wallets show. Every amount column is `money_field()`.
"""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import formats
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError

_TWO_DIGITS = """
    AED ARS AUD BDT BGN BRL CAD CHF CNY COP CZK DKK EGP ETB EUR GBP GEL GHS HKD HUF IDR ILS INR KES LKR MAD MXN MYR MZN NGN NOK
    NPR NZD PEN PHP PKR PLN RON RSD SAR SEK SGD THB TRY TZS UAH USD UZS ZAR ZMW
"""
MINOR_UNITS = {
    **dict.fromkeys(_TWO_DIGITS.split(), 2),
    **dict.fromkeys(["CLP", "ISK", "JPY", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    "BTC": 8,
    "ETH": 8,
    "LTC": 8,
    "USDC": 6,
    "USDT": 6,
}
CURRENCIES = sorted(MINOR_UNITS)
CURRENCY_CHOICES = [(code, code) for code in CURRENCIES]
MAX_AMOUNT = Decimal("999999999")
MAX_DIGITS = 15  # from the first that is not 0 to the last: SQLite keeps no more of a number exactly


class AmountError(DomainError):
    code = "invalid_amount"


def money_field(**options: Any) -> "models.DecimalField[Decimal, Decimal]":
    """A column for an amount of any currency: ten digits before the point, eight after it."""
    return models.DecimalField(max_digits=18, decimal_places=8, **options)


def price_field(**options: Any) -> "models.DecimalField[Decimal, Decimal]":
    return money_field(validators=[MinValueValidator(Decimal(0))], **options)


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half-even to the currency's minor unit: the one place where money is rounded."""
    return amount.quantize(Decimal(1).scaleb(-MINOR_UNITS[currency]), rounding=ROUND_HALF_EVEN)


def to_minor(amount: Decimal, currency: str) -> int:
    """The amount in whole minor units (cents, satoshi); ValueError when it is no whole number of them."""
    units = amount.scaleb(MINOR_UNITS[currency])
    if units != units.to_integral_value():
        raise ValueError(f"{amount} is no whole number of minor units of {currency}.")
    return int(units)


def from_minor(units: int, currency: str) -> Decimal:
    """The amount that so many minor units are."""
    return Decimal(units).scaleb(-MINOR_UNITS[currency])


def validate_amount(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's digits; AmountError if it is no payable amount (sign, size, digits, currency)."""
    if currency not in MINOR_UNITS:
        raise AmountError(_("%(currency)s is not a currency this site knows.") % {"currency": currency})
    if not amount.is_finite() or amount <= 0:
        raise AmountError(_("The amount must be more than zero."))
    if amount > MAX_AMOUNT:
        raise AmountError(_("The amount is too large: at most %(max)s.") % {"max": format_money(MAX_AMOUNT, currency)})
    if amount != round_money(amount, currency):
        digits = MINOR_UNITS[currency]
        if not digits:
            raise AmountError(_("%(currency)s has no digits after the decimal point.") % {"currency": currency})
        raise AmountError(
            _("%(currency)s has %(digits)d digits after the decimal point.") % {"currency": currency, "digits": digits}
        )
    if len(amount.normalize().as_tuple().digits) > MAX_DIGITS:
        raise AmountError(_("This amount has too many digits to be kept exactly: at most %(max)d.") % {"max": MAX_DIGITS})
    return round_money(amount, currency)


def format_money(amount: Decimal, currency: str) -> str:
    """The amount with grouped digits and its code, joined by a no-break space: `1,234.50 EUR`."""
    number = formats.number_format(round_money(amount, currency), MINOR_UNITS[currency], use_l10n=True, force_grouping=True)
    return f"{number}\u00a0{currency}"


def plain_amount(amount: Decimal, currency: str) -> str:
    """The amount as a machine or a banking app wants it typed: `1234.50`."""
    return f"{round_money(amount, currency):f}"


def parse_amount(text: str, currency: str) -> Decimal:
    """Read what a person typed, with either decimal mark, grouping and any Unicode digits, as an amount of `currency`.

    `1.234,56`, `1,234.56`, `1 234,56`, `1'234.56` and `١٢٣٤٫٥٦` are the same amount. A single mark before exactly three digits
    groups thousands where the currency has fewer than three decimals; where it has more, a comma there is refused as ambiguous.
    """
    spaced = re.sub(rf"^{re.escape(currency)}|{re.escape(currency)}$", "", text.strip(), flags=re.IGNORECASE).strip()
    compact = _ungrouped(_ascii_digits(spaced))
    if not re.fullmatch(r"\d+(?:[.,٫]\d+)*", compact, flags=re.ASCII) or len(compact) > 30:
        raise AmountError(_("Write the amount as a number, for example 1234.50."))
    return validate_amount(Decimal(_with_point(compact, currency)), currency)


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)


def _ungrouped(text: str) -> str:
    """Without spaces, apostrophes, low lines and Arabic thousands marks, where they stand between groups of digits."""
    if re.fullmatch(r"\d{1,3}(?:[\s'’_٬]\d{2,3})*[\s'’_٬]\d{3}(?:[.,٫]\d+)?", text):
        return re.sub(r"[\s'’_٬]", "", text)
    return text


def _with_point(text: str, currency: str) -> str:
    if "٫" in text:  # nothing but a decimal mark
        whole, _mark, fraction = text.partition("٫")
        if not fraction.isdecimal() or not _grouped(whole):
            raise AmountError(_("That amount can be read in two ways. Write it without grouping, for example 1234.50."))
        return f"{re.sub('[.,]', '', whole)}.{fraction}"
    marks = [c for c in text if c in ".,"]
    if not marks:
        return text
    last = marks[-1]
    whole, _mark, fraction = text.rpartition(last)
    if len(set(marks)) == 2:
        if marks.count(last) > 1 or not _grouped(whole):
            raise AmountError(_("That amount can be read in two ways. Write it without grouping, for example 1234.50."))
        return f"{re.sub('[.,]', '', whole)}.{fraction}"
    if len(marks) > 1:
        if not _grouped(text):
            raise AmountError(_("That amount can be read in two ways. Write it without grouping, for example 1234.50."))
        return re.sub("[.,]", "", text)
    if len(fraction) == 3 and re.fullmatch(r"[1-9]\d{0,2}", whole):
        if MINOR_UNITS.get(currency, 2) < 3:
            return whole + fraction
        if last == ",":
            raise AmountError(_("That amount can be read in two ways. Write it with a decimal point, for example 1.234."))
    return f"{whole}.{fraction}"


def _grouped(whole: str) -> bool:
    """True for groups of three, or with commas the Indian ones of two before the last three."""
    return bool(re.fullmatch(r"\d+|\d{1,3}(?:[.,]\d{3})*|\d{1,3}(?:,\d{2})*,\d{3}", whole))
