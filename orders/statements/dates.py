"""Dates in tables: whether day or month comes first is settled over the whole file and never guessed."""

import datetime
import re
import unicodedata
from functools import lru_cache

from django.utils.translation import gettext as _

from orders.statements.lines import LineError, clean

ORDERS = ("dmy", "mdy", "ymd")
_TIME = r"(?:[T ,]+\d{1,2}:\d{2}.{0,30})?"
_NUMBERS = re.compile(rf"(\d{{1,4}})([./ -])(\d{{1,2}})\2(\d{{1,4}})\.?{_TIME}", re.ASCII)
_COMPACT = re.compile(rf"(\d{{8}}){_TIME}", re.ASCII)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})[. -]*([a-z]{{3,12}})[., -]*(\d{{4}}|\d{{2}}){_TIME.lower()}", re.ASCII)
_MONTH_FIRST = re.compile(rf"([a-z]{{3,12}})[. -]*(\d{{1,2}})(?:[, ]+)(\d{{4}}){_TIME.lower()}", re.ASCII)
# Beginnings of the months' names in English, French, German, Portuguese and Spanish.
_MONTHS = {
    **dict.fromkeys(["jan", "ene"], 1),
    **dict.fromkeys(["feb", "fev"], 2),
    "mar": 3,
    **dict.fromkeys(["apr", "abr", "avr"], 4),
    **dict.fromkeys(["may", "mai"], 5),
    **dict.fromkeys(["jun", "juin"], 6),
    **dict.fromkeys(["jul", "juil"], 7),
    **dict.fromkeys(["aug", "ago", "aou"], 8),
    **dict.fromkeys(["sep", "set"], 9),
    **dict.fromkeys(["oct", "okt", "out"], 10),
    "nov": 11,
    **dict.fromkeys(["dec", "dez", "dic"], 12),
}


@lru_cache(maxsize=4096)
def date_readings(text: str) -> dict[str, datetime.date]:
    """The day for each order of day, month and year the text may be written in. Raises `LineError` where it is no date."""
    plain = " ".join(text.split()) if len(text) <= 60 else ""
    readings = {order: day for order in ORDERS if (day := _numbers(plain, order) or _names(plain))}
    if not readings:
        raise _no_date(text)
    return readings


def date_of(text: str, orders: frozenset[str]) -> datetime.date:
    """The day, as the orders of the file allow. Raises `LineError` where two days remain."""
    readings = date_readings(text)
    days = {readings[order] for order in orders or ORDERS if order in readings}
    if len(days) == 1:
        return days.pop()
    raise LineError(
        _("The date %(date)s can be read in two ways. Set the date format in the column mapping.") % {"date": clean(text, 30)}
    )


@lru_cache(maxsize=4096)
def date_in_format(text: str, date_format: str) -> datetime.date:
    """The day written in a format of `strptime`, or in one like `DD.MM.YYYY`. Raises `LineError`."""
    try:
        return datetime.datetime.strptime(text.strip(), strptime_format(date_format)).date()  # noqa: DTZ007
    except (ValueError, re.error) as error:
        raise _no_date(text) from error


def strptime_format(date_format: str) -> str:
    for letters, directive in (("YYYY", "%Y"), ("YY", "%y"), ("MM", "%m"), ("DD", "%d")):
        date_format = date_format.replace(letters, directive)
    return date_format


def _numbers(text: str, order: str) -> datetime.date | None:
    match = _COMPACT.fullmatch(text)
    if match:
        return _date(match[1][:4], match[1][4:6], match[1][6:]) if order == "ymd" else None
    match = _NUMBERS.fullmatch(text)
    if not match:
        return None
    first, mark, second, third = match.groups()
    if order not in _possible_orders(first, mark, third):
        return None
    year, month, day = {"ymd": (first, second, third), "dmy": (third, second, first), "mdy": (third, first, second)}[order]
    return _date(year, month, day)


def _possible_orders(first: str, mark: str, third: str) -> tuple[str, ...]:
    """Four digits are the year. Nobody writes the month first with dots between."""
    if len(first) == 4:
        return ("ymd",)
    if mark == ".":
        return ("dmy",)
    return ("dmy", "mdy") if len(third) == 4 else ORDERS


def _names(text: str) -> datetime.date | None:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c)).replace(" de ", " ")
    match = _DAY_FIRST.fullmatch(plain)
    if match:
        return _date(match[3], _month(match[2]), match[1])
    match = _MONTH_FIRST.fullmatch(plain)
    return _date(match[3], _month(match[1]), match[2]) if match else None


def _month(name: str) -> str:
    return str(_MONTHS.get(name[:4]) or _MONTHS.get(name[:3]) or 0)


def _date(year: str, month: str, day: str) -> datetime.date | None:
    """The date if there is one; two digits of a year are those of 1990 to 2089."""
    if len(year) not in (2, 4) or len(day) > 2:
        return None
    full = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 90 else 1900)
    try:
        return datetime.date(full, int(month), int(day))
    except ValueError:
        return None


def _no_date(text: str) -> LineError:
    return LineError(_("There is no such date as “%(date)s”.") % {"date": clean(text, 30) or "–"})
