"""MT940 (and MT942) of SWIFT: lines in fields `:61:` and what they are about in `:86:`, read field by field."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO

from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from orders.statements.codes import is_charge, is_return
from orders.statements.encodings import text_lines
from orders.statements.lines import Booking, Kind, Line, LineError, Unreadable, plain_decimal, settle, unreadable

_FIELD = re.compile(r":(13D?|20|21|25P?|28C?|34F|60[FM]|61|62[FM]|64|65|86|90[CD]|NS):(.*)", re.DOTALL)
_ENVELOPE = re.compile(r"\{1:.*?\{4:\s*|\{[1-3]:[^}]*\}\s*|\{4:\s*")
_MAX_FIELD = 20_000
_MAX_DETAILS = 20
_ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4}|\s{4})?(?P<mark>[RE]?[CD])(?P<funds>[A-Z])?\s?(?P<amount>\d+(?:[.,]\d*)*)"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<reference>(?:(?!//)[^\n])*)(?://(?P<bank_reference>[^\n]*))?(?:\n(?P<more>.*))?",
    re.ASCII | re.DOTALL,
)
_STRUCTURED = re.compile(r"(\d{3})([?~^<>+|])(?=\d\d)")
_BALANCE = re.compile(r"([CD])\d{6}([A-Z]{3})(\d{1,15}(?:,\d{0,8})?)(?!\d)", re.ASCII)
_PART_WIDTH = 27  # characters in one of the numbered parts of `:86:` before a bank breaks the text
_FIELD_WIDTH = 65  # and in one of its lines


@dataclass
class _Statement:
    """What the fields before an entry said. `balance` is None where nobody can tell what it should be by now."""

    account: str = ""
    currency: str = ""
    interim: bool = False
    balance: Decimal | None = None


@dataclass
class _Entry:
    line: str
    details: list[str] = field(default_factory=list)

    @property
    def raw(self) -> str:
        return "\n".join([f":61:{self.line}", *(f":86:{detail}" for detail in self.details)])


def read_mt940(file: BinaryIO, *, currency: str) -> Iterator[Line | Unreadable]:
    """The lines of every statement in the file, and an `Unreadable` where they do not add up to its closing balance.

    An MT942, which has no balances, tells of the day so far: its lines are pending until an MT940 has them.
    """
    position = 0
    statement, entry = _Statement(), None
    for tag, value in _fields(file):
        if tag == "86":
            if entry and len(entry.details) < _MAX_DETAILS:
                entry.details.append(value)
            continue
        if entry:
            position += 1
            yield _line(position, entry, statement, currency)
        entry = _Entry(value) if tag == "61" else None
        if tag == "20":
            statement = _Statement()
        error = _note(statement, tag, value)
        if error:
            position += 1
            yield unreadable(position, f":{tag}:{value}", error)


def _fields(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """(tag, value) of each field; ("-", "") ends a message. Only known tags start one: a payer's text may begin with `:12:`."""
    tag, value = "", ""
    for line in text_lines(file):
        if line.startswith("{"):
            line = _ENVELOPE.sub("", line[:1000]) + line[1000:]
        match = _FIELD.match(line)
        if match or line.startswith("-}") or line.strip() == "-":
            if tag:
                yield tag, value
            tag, value = match.groups() if match else ("", "")
        elif tag and len(value) < _MAX_FIELD:
            value += "\n" + line
    if tag:
        yield tag, value
    yield "-", ""


def _note(statement: _Statement, tag: str, value: str) -> DomainError | None:
    """Keep what a field says about the lines around it. Returns the error if it is a closing balance they do not add up to."""
    if tag in ("25", "25P"):
        statement.account = value.partition("\n")[0]
    elif tag == "34F" and not statement.currency:
        statement.currency, statement.interim = value[:3], True
    elif tag in ("60F", "60M", "62F", "62M"):
        match = _BALANCE.match(value)
        stated = _signed(match[1], plain_decimal(match[3], mark=",")) if match else None
        expected, statement.balance = statement.balance, stated
        if match:
            statement.currency, statement.interim = match[2], False
        if tag.startswith("62") and None not in (expected, stated) and expected != stated:
            return LineError(_("The lines of this statement do not add up to its closing balance. Check them against the bank."))
    return None


def _line(position: int, entry: _Entry, statement: _Statement, asked: str) -> Line | Unreadable:
    try:
        booking, mark = _booking(entry, statement, asked)
        line = settle(position, booking, asked)
    except DomainError as error:
        line = unreadable(position, entry.raw, error)
    if isinstance(line, Unreadable):
        statement.balance = None
    elif statement.balance is not None and not mark.startswith("E"):
        statement.balance += _signed("D" if mark in ("D", "RC") else "C", line.amount)
    return line


def _booking(entry: _Entry, statement: _Statement, asked: str) -> tuple[Booking, str]:
    """What an entry books, and its mark: C, D, RC, RD (taken back), EC, ED (expected)."""
    match = _ENTRY.fullmatch(entry.line.rstrip())
    if not match:
        raise LineError(_("This line is not written the way MT940 defines it."))
    found = {name: (text or "").strip() for name, text in match.groupdict().items()}
    details = _details(entry.details)
    reference = found["reference"] if found["reference"].upper() not in ("NONREF", "") else ""
    booking = Booking(
        booked_on=_day(found["value"], found["entry"]),
        amount=plain_decimal(found["amount"], mark=".,"),
        currency=statement.currency or asked,
        kind=_kind(found["mark"], found["type"], details.code, interim=statement.interim),
        raw=entry.raw,
        # No bank_id: what banks write behind `//` may be that of a whole batch, and stands twice then.
        text=" ".join(part for part in (details.text, reference, found["more"]) if part),
        payer_name=details.name,
        payer_account=details.account,
        account=statement.account,
    )
    return booking, found["mark"]


def _kind(mark: str, swift_type: str, german_code: str, *, interim: bool) -> Kind:
    if interim or mark.startswith("E"):
        return Kind.PENDING
    if mark.startswith("R") or is_return(swift_type, german_code):
        return Kind.REVERSAL
    if is_charge(swift_type, german_code):
        return Kind.CHARGE
    return Kind.CREDIT if mark == "C" else Kind.DEBIT


def _day(value: str, entry: str) -> datetime.date:
    """The booking day (`MMDD`) in the year that brings it nearest to the value date; the value date where there is none."""
    year = int(value[:2]) + (2000 if int(value[:2]) < 90 else 1900)
    try:
        if not entry:
            return datetime.date(year, int(value[2:4]), int(value[4:]))
        # Some banks count 30 days in February: only the month of the value date is needed here.
        middle = datetime.date(year, int(value[2:4]), 15)
        days = [_date(nearby, entry) for nearby in (year - 1, year, year + 1)]
        return min((day for day in days if day), key=lambda day: abs(day - middle))
    except ValueError as error:
        raise LineError(_("There is no such date as %(date)s.") % {"date": f"{value} {entry}".strip()}) from error


def _date(year: int, month_day: str) -> datetime.date | None:
    try:
        return datetime.date(year, int(month_day[:2]), int(month_day[2:]))
    except ValueError:
        return None


@dataclass(frozen=True)
class _Details:
    text: str = ""
    name: str = ""
    account: str = ""
    code: str = ""  # business transaction code of a German bank


def _details(fields: list[str]) -> _Details:
    """What `:86:` says: in numbered parts (`?20` …), in words between slashes (`/NAME/` …), or in plain text."""
    value = "\n".join(fields)
    structured = _STRUCTURED.match(value)
    if structured:
        code, mark = structured.groups()
        _head, *pieces = re.split(re.escape(mark) + r"(\d\d)", value.replace("\n", ""))
        parts = list(zip(pieces[::2], pieces[1::2], strict=True))
        purpose = [text for number, text in parts if "20" <= number <= "29" or "60" <= number <= "63"]
        return _Details(
            text=_rejoin(purpose, _PART_WIDTH),
            name=_rejoin([text for number, text in parts if number in ("32", "33")], _PART_WIDTH),
            account="".join(text for number, text in parts if number == "31"),
            code=code,
        )
    text = _rejoin(value.split("\n"), _FIELD_WIDTH)
    name, account = re.search(r"/ ?NAME/([^/]+)", text), re.search(r"/ ?IBAN/([A-Z0-9]+)", text)
    return _Details(text=text, name=name[1] if name else "", account=account[1] if account else "")


def _rejoin(parts: list[str], width: int) -> str:
    """One text of its parts: a full one was broken in the middle of a word, after a shorter one comes a space."""
    return "".join(part if len(part) >= width else part + " " for part in parts).strip()


def _signed(mark: str, amount: Decimal) -> Decimal:
    return amount if mark == "C" else -amount
