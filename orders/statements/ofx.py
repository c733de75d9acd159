"""OFX and QFX, 1.x (SGML, most tags unclosed) and 2.x (XML): transactions are cut out of the file one by one.

Both are read as tags with text behind them. No XML parser sees the file, so that a DTD or an entity in it is only text.
(`ofxtools` keeps the whole file in memory, refuses it for one bad line and logs payers' data; the tests compare us with it.)
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.sax.saxutils import unescape

from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from orders.statements.encodings import text_chunks
from orders.statements.lines import Booking, Kind, Line, LineError, Unreadable, plain_decimal, settle, unreadable

_LONGEST = 50_000
_START = re.compile(r"<(STMTTRNP?|CURDEF|BANKACCTFROM|CCACCTFROM)>")
_END = {
    "STMT": re.compile(r"</STMTTRNP?>|(?=<STMTTRNP?>|</BANKTRANLISTP?>|</OFX>)"),
    "CURD": re.compile(r"(?=[<\n])"),
    "BANK": re.compile(r"</BANKACCTFROM>|(?=<BANKTRANLIST)"),
    "CCAC": re.compile(r"</CCACCTFROM>|(?=<BANKTRANLIST)"),
}
_LONGEST_TAG = 20
_FIELD = re.compile(r"<([A-Z0-9._]+)>(?:\s*<!\[CDATA\[([^<]*)\]\]>|([^<]*))")
_CHARGES = {"FEE", "SRVCHG"}
_OUTGOING = {"DEBIT", "CHECK", "PAYMENT", "CASH", "DIRECTDEBIT", "REPEATPMT", "POS"}
_INCOMING = {"CREDIT", "DEP", "DIRECTDEP", "INT", "DIV"}
_ENTITIES = {"&nbsp;": " ", "&quot;": '"', "&apos;": "'"}


@dataclass
class _Account:
    number: str = ""
    currency: str = ""


def read_ofx(file: BinaryIO, *, currency: str) -> Iterator[Line | Unreadable]:
    """The lines of every account in the file, pending ones too."""
    account = _Account()
    position = 0
    for tag, block in _blocks(file):
        if tag == "CURDEF":
            account = _Account(currency=block.strip().upper())
        elif not tag.startswith("STMTTRN"):
            account.number = _first(r"<ACCTID>([^<\r\n]*)", block)
        else:
            position += 1
            try:
                yield settle(position, _booking(tag, block, account, currency), currency)
            except DomainError as error:
                yield unreadable(position, block, error)


def _blocks(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """(tag, what stands inside) of each transaction, and of what says whose they are, in the order of the file."""
    chunks = text_chunks(file)
    text, place = "", 0
    while True:
        start = _START.search(text, place)
        end = _END[start[1][:4]].search(text, start.end()) if start else None
        if start and (end or len(text) - start.end() > _LONGEST):
            place = end.end() if end else len(text)
            yield start[1], text[start.end() : end.start() if end else None]
            continue
        added = next(chunks, None)
        if added is None:
            if start:
                yield start[1], text[start.end() :]
            return
        text, place = text[start.start() if start else max(place, len(text) - _LONGEST_TAG) :] + added, 0


def _booking(tag: str, block: str, account: _Account, asked: str) -> Booking:
    fields = _fields(block)
    sign, amount = fields.get("TRNAMT", "")[:1], fields.get("TRNAMT", "")
    pending = tag == "STMTTRNP" or fields.get("TRNTYPE") == "HOLD"
    return Booking(
        booked_on=_day(fields.get("DTPOSTED") or fields.get("DTTRAN") or fields.get("DTUSER") or ""),
        amount=plain_decimal(amount[1:] if sign in ("+", "-") else amount, mark=".,"),
        # CURRENCY: the amount is not in the account's currency. ORIGCURRENCY: it is, after an exchange.
        currency=(fields.get("CURSYM", "") if "CURRENCY" in fields else account.currency or asked).upper(),
        kind=Kind.PENDING if pending else _kind(fields, negative=sign == "-"),
        raw=block,
        bank_id=fields.get("FITID", ""),
        text=" ".join(fields.get(name, "") for name in ("MEMO", "EXTDNAME", "REFNUM", "CHECKNUM") if fields.get(name)),
        payer_name=fields.get("NAME", ""),
        payer_account=fields.get("ACCTID", ""),
        account=account.number,
    )


def _kind(fields: dict[str, str], *, negative: bool) -> Kind:
    kind = fields.get("TRNTYPE", "").upper()
    if "CORRECTFITID" in fields or (negative and kind in _INCOMING) or (not negative and kind in _OUTGOING):
        return Kind.REVERSAL
    if kind in _CHARGES:
        return Kind.CHARGE
    return Kind.DEBIT if negative else Kind.CREDIT


def _fields(block: str) -> dict[str, str]:
    """The transaction's fields by name. Raises `LineError` for one that has no end and for a field that stands twice."""
    if len(block) > _LONGEST:
        raise LineError(_("This transaction has no end."))
    fields: dict[str, str] = {}
    for name, data, text in _FIELD.findall(block):
        if name in fields:
            raise LineError(_("The field %(field)s stands twice in this transaction.") % {"field": name[:30]})
        fields[name] = data or unescape(text.strip(), _ENTITIES)
    return fields


def _day(text: str) -> datetime.date:
    """The day as the bank's clock had it: `20261105120000[-5:EST]` is 5 November."""
    try:
        return datetime.datetime.strptime(text[:8] if re.match(r"\d{8}", text, re.ASCII) else "", "%Y%m%d").date()  # noqa: DTZ007
    except ValueError as error:
        raise LineError(_("There is no such date as %(date)s.") % {"date": text[:30] or "–"}) from error


def _first(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1].strip() if match else ""
