"""What a statement file is read into: lines, lines that could not be read, and why a whole file is refused."""

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from marketplace.money import validate_amount

MAX_TEXT = 2_000
MAX_RAW = 4_000
MAX_NAME = 200
MAX_ACCOUNT = 64
MAX_ID = 120
EARLIEST = datetime.date(1990, 1, 1)
# Control characters: PostgreSQL refuses NUL, a terminal would obey the others. Line breaks and tabs are spaces already.
_CONTROL = dict.fromkeys((*range(1, 9), 11, 12, *range(14, 32), *range(127, 160)), " ") | {0: "\ufffd"}
_NO_IDS = {"", "0", "1", "NONREF", "NOREF", "NOTPROVIDED", "NONE", "N/A", "NA", "-"}


class Kind(StrEnum):
    """What a line is. Only CREDIT is a deposit: booked, coming in, in the account's currency, from somebody."""

    CREDIT = "credit"
    DEBIT = "debit"
    CHARGE = "charge"
    REVERSAL = "reversal"
    PENDING = "pending"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Line:
    """One booking. `amount` is positive and has no more digits than `currency`; `raw` is what stood in the file.

    `bank_id` is "" where the bank gives none, and has the kind behind it where this is no deposit (`B-17/charge`).
    """

    position: int
    booked_on: datetime.date
    amount: Decimal
    currency: str
    kind: Kind
    bank_id: str
    text: str
    payer_name: str
    payer_account: str
    account: str
    raw: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stood at a place of the file that nobody may guess at, and the reason as a sentence."""

    position: int
    raw: str
    reason: str


class StatementError(DomainError):
    """The whole file cannot be read; the sentence says what to do."""

    code = "statement_unreadable"


class LineError(DomainError):
    """One line cannot be read: it is kept as `Unreadable`, and the next line follows."""

    code = "line_unreadable"


@dataclass(frozen=True, slots=True)
class Booking:
    """What a reader found in one line of its format, before the checks all formats share."""

    booked_on: datetime.date
    amount: Decimal
    currency: str
    kind: Kind
    raw: str
    bank_id: str = ""
    text: str = ""
    payer_name: str = ""
    payer_account: str = ""
    account: str = ""


def settle(position: int, booking: Booking, currency: str) -> Line | Unreadable:
    """The line of a booking in an account of `currency`, or the reason why its date or its amount cannot be right."""
    try:
        check_date(booking.booked_on)
        amount = validate_amount(booking.amount, booking.currency)
    except DomainError as error:
        return unreadable(position, booking.raw, error)
    kind = booking.kind if booking.currency == currency else Kind.FOREIGN
    return Line(
        position=position,
        booked_on=booking.booked_on,
        amount=amount,
        currency=booking.currency,
        kind=kind,
        bank_id=_known_id(booking.bank_id, kind),
        text=clean(booking.text, MAX_TEXT),
        payer_name=clean(booking.payer_name, MAX_NAME),
        payer_account=clean(booking.payer_account, MAX_ACCOUNT),
        account=clean(booking.account, MAX_ACCOUNT),
        raw=cut_raw(booking.raw),
    )


def unreadable(position: int, raw: str, error: DomainError) -> Unreadable:
    return Unreadable(position, cut_raw(raw), error.message)


def check_date(day: datetime.date) -> None:
    """Raises `LineError` for a day before 1990 or more than a day ahead."""
    if day < EARLIEST:
        raise LineError(_("The date %(date)s is too long ago to be right.") % {"date": day.isoformat()})
    if day > (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).date():
        raise LineError(_("The date %(date)s lies in the future.") % {"date": day.isoformat()})


def clean(text: str, length: int) -> str:
    """The text on one line, without control characters, at most `length` characters long."""
    return " ".join(text.translate(_CONTROL).split())[:length]


def cut_raw(raw: str) -> str:
    return raw[:MAX_RAW].translate(_CONTROL).strip("\r\n")


def plain_decimal(text: str, *, mark: str = ".") -> Decimal:
    """An unsigned number as file formats define it, without grouping. Raises `LineError`."""
    number = text.strip()
    if not re.fullmatch(r"\d{1,18}(?:[.,]\d{0,18})?", number, re.ASCII) or ({".", ","} - set(mark)) & set(number):
        raise LineError(_("The amount “%(amount)s” cannot be read as a number.") % {"amount": clean(text, 40)})
    return Decimal(number.replace(",", "."))


def _known_id(bank_id: str, kind: Kind) -> str:
    """The bank's id of a deposit, or of what is none with its kind behind it: a charge or a reversal often repeats the id of
    the deposit it belongs to. A pending entry has none, for the booked one will have it."""
    found = clean(bank_id, MAX_ID)
    if kind is Kind.PENDING or found.upper() in _NO_IDS or len(found) > MAX_ID - 10 or not found.strip("0"):
        return ""
    return found if kind is Kind.CREDIT else f"{found}/{kind}"


def without_shared_ids(lines: Iterable[Line | Unreadable]) -> Iterator[Line | Unreadable]:
    """The lines, where an id that the file gives to different bookings is none: no deposit may be lost as a repetition."""
    seen: dict[str, int] = {}
    for line in lines:
        if isinstance(line, Line) and line.bank_id:
            content = hash((line.booked_on, line.amount, line.kind, line.text, line.payer_name))
            if seen.setdefault(line.bank_id, content) != content:
                line = replace(line, bank_id="")
        yield line
