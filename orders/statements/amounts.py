"""Amounts in tables: their sign and currency, and their decimal mark, which is settled over the whole file and never guessed."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from django.utils.translation import gettext as _

from marketplace.money import MINOR_UNITS
from orders.statements.lines import LineError, clean

MARKS = (".", ",")
# The currencies a sign may stand for; the first is meant where none of them is the account's.
_SIGNS = {
    "€": ("EUR",),
    "£": ("GBP", "EGP"),
    "$": ("USD", "AUD", "CAD", "HKD", "MXN", "NZD", "SGD", "ARS", "CLP", "COP"),
    "US$": ("USD",),
    "R$": ("BRL",),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₦": ("NGN",),
    "₺": ("TRY",),
    "zł": ("PLN",),
    "₴": ("UAH",),
    "₱": ("PHP",),
    "₫": ("VND",),
    "₩": ("KRW",),
    "₿": ("BTC",),
}
_CURRENCY = "|".join([r"[A-Za-z]{3,4}", *map(re.escape, sorted(_SIGNS, key=len, reverse=True))])
_CELL = re.compile(
    rf"(?P<open>\(?)\s?(?P<before>[+-]?)\s?(?P<code>{_CURRENCY})?\s?(?P<inside>[+-]?)\s?(?P<number>[\d.,][\d.,' ]*?)"
    rf"\s?(?P<after>[+-]?)\s?(?P<code_after>(?!CR\b|DR\b)(?:{_CURRENCY}))?\s?(?P<word>(?:CR|DR)?)\s?(?P<close>\)?)",
    re.ASCII,
)
_SAME = str.maketrans({"−": "-", "–": "-", "﹣": "-", "－": "-", "’": "'", "٫": ".", "٬": ","})
_GROUPED = {
    ",": re.compile(r"\d*|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})*,\d{3}", re.ASCII),
    ".": re.compile(r"\d*|[1-9]\d{0,2}(?:\.\d{3})+", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One amount as it stands: `readings` has a value for each decimal mark it may have been written with."""

    text: str
    negative: bool
    currency: str  # "" where the cell names none
    readings: dict[str, Decimal]


@lru_cache(maxsize=4096)
def parse_cell(text: str, currency: str) -> Cell:
    """The cell of an account in `currency`. Raises `LineError` where it is no amount."""
    plain = unicodedata.normalize("NFKC", text).translate(_SAME) if len(text) <= 60 else ""
    compact = " ".join("".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain).split())
    match = _CELL.fullmatch(compact.removeprefix("'"))
    signs = [match[name] for name in ("before", "inside", "after", "word") if match[name]] if match else []
    number = _ungrouped(match["number"]) if match else ""
    if not match or bool(match["open"]) != bool(match["close"]) or len(signs) + bool(match["open"]) > 1 or not number:
        raise _no_number(text)
    readings = {mark: value for mark in MARKS if (value := _reading(number, mark, currency)) is not None}
    if not readings or (match["code"] and match["code_after"]):
        raise _no_number(text)
    return Cell(
        text=text,
        negative=bool(match["open"]) or bool({"-", "DR"} & set(signs)),
        currency=_currency(match["code"] or match["code_after"] or "", currency),
        readings=readings,
    )


def amount_of(cell: Cell, marks: frozenset[str]) -> Decimal:
    """The amount, without its sign, as the marks of the file allow. Raises `LineError` where two readings remain."""
    values = {cell.readings[mark] for mark in marks or MARKS if mark in cell.readings}
    if len(values) == 1:
        return values.pop()
    if not values:
        raise _no_number(cell.text)
    reason = _("The amount %(amount)s can be read in two ways. Set the decimal mark in the column mapping.")
    raise LineError(reason % {"amount": clean(cell.text, 40)})


def _reading(number: str, mark: str, currency: str) -> Decimal | None:
    group = "," if mark == "." else "."
    whole, point, fraction = number.partition(mark)
    if point and not re.fullmatch(r"\d{1,18}", fraction, re.ASCII):
        return None
    if len(whole) > 30 or not _GROUPED[group].fullmatch(whole):
        return None
    if len(fraction) > 2 and MINOR_UNITS.get(currency) == 0:
        return None  # whole amounts alone: `1,234` yen has no decimals
    return Decimal(f"{whole.replace(group, '') or '0'}.{fraction or '0'}")


def _ungrouped(number: str) -> str:
    """Without spaces and apostrophes between groups of three digits; "" where they stand elsewhere."""
    number = number.strip()
    if re.fullmatch(r"[\d.,]+", number, re.ASCII):
        return number
    if re.fullmatch(r"\d{1,3}(?:([ '])\d{3})(?:\1\d{3})*(?:[.,]\d+)?", number, re.ASCII):
        return re.sub("[ ']", "", number)
    return ""


def _currency(code: str, account: str) -> str:
    if code in _SIGNS:
        return account if account in _SIGNS[code] else _SIGNS[code][0]
    return code.upper()


def _no_number(text: str) -> LineError:
    return LineError(_("The amount “%(amount)s” cannot be read as a number.") % {"amount": clean(text, 40)})
