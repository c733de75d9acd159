"""CAMT.052, .053 and .054 (ISO 20022), version 02 and later: XML read entry by entry, never as a whole tree."""

import datetime
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import iterparse
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from orders.statements.codes import CHARGE_SUBFAMILIES, RETURN_SUBFAMILIES, is_charge, is_return, split_german
from orders.statements.lines import (
    MAX_RAW,
    MAX_TEXT,
    Booking,
    Kind,
    Line,
    LineError,
    StatementError,
    Unreadable,
    plain_decimal,
    settle,
    unreadable,
)

_STATEMENTS = {"Stmt", "Rpt", "Ntfctn"}
_INCOMING = {"CRDT": True, "DBIT": False}
_MAX_ELEMENTS = 100_000  # held at once; an entry, or what stands before the first one, has a few hundred


@dataclass(slots=True)
class _Detail:
    """One transaction inside an entry. `amount` is None where the bank does not state it."""

    amount: Decimal | None
    currency: str
    incoming: bool | None
    codes: frozenset[str]
    bank_id: str
    text: str
    payers: tuple[str, str]  # the debtor's name and account, or the creditor's where the money went out
    payees: tuple[str, str]
    raw: str


@dataclass(slots=True)
class _Statement:
    """The statement being read: its element, its account, and the transactions of the entry being read."""

    tag: str = ""
    account: str = ""
    details: list[_Detail] = field(default_factory=list)


def read_camt(file: BinaryIO, *, currency: str) -> Iterator[Line | Unreadable]:
    """The lines of every statement in the file; a batch whose parts add up gives a line per part.

    Broken XML raises `StatementError` before the first line; after it, the rest of the file is one `Unreadable`.
    """
    file.seek(0)
    position = 0
    try:
        for statement, entry in _entries(file):
            for found in _bookings(statement, entry):
                position += 1
                yield (
                    settle(position, found, currency) if isinstance(found, Booking) else unreadable(position, _xml(entry), found)
                )
    except (ParseError, LookupError, ValueError) as error:  # LookupError: an unknown encoding; ValueError: a DTD or an entity
        broken = StatementError(_("The file breaks off or is not valid XML. Download it again; nothing is counted twice."))
        if not position:
            raise broken from error
        yield unreadable(position + 1, "", broken)


def _entries(file: BinaryIO) -> Iterator[tuple[_Statement, Element]]:
    """Each entry with the statement it stands in. What is read is taken out of the tree at once, so that memory stays flat.

    ValueError where more is left than any bank writes.
    """
    above: list[tuple[Element, int]] = []  # with how many elements the tree held before it
    held = 0
    statement = _Statement()
    for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            element.tag = _local_name(element.tag)
            above.append((element, held))
            held += 1
            if held > _MAX_ELEMENTS:
                raise ValueError(f"<{element.tag}> is one element too many.")
            if element.tag in _STATEMENTS:
                statement = _Statement(element.tag)
            continue
        _element, before = above.pop()
        parent = above[-1][0] if above else None
        if parent is None or (parent.tag not in _STATEMENTS and element.tag != "TxDtls"):
            continue
        if element.tag == "TxDtls":
            statement.details.append(_detail(element))
        elif element.tag == "Ntry":
            yield statement, element
            statement.details = []
        elif element.tag == "Acct":
            statement.account = _account(element)
        parent.remove(element)
        held = before


@lru_cache(maxsize=1024)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _bookings(statement: _Statement, entry: Element) -> Iterable[Booking | DomainError]:
    """What an entry books: its transactions where they add up to it, else itself."""
    try:
        amount, currency = plain_decimal(_text(entry, "Amt")), _currency(entry)
        incoming, day = _incoming(entry), _day(entry)
    except DomainError as error:
        return [error]
    details = statement.details
    bank_id = _text(entry, "AcctSvcrRef")
    own = _codes(entry)
    if not _add_up(details, amount, currency, incoming):
        details = [_merged(details) if details else _detail(entry)]
    bookings = []
    for number, detail in enumerate(details, start=1):
        inward = incoming if detail.incoming is None or len(details) == 1 else detail.incoming
        payer_name, payer_account = detail.payers if inward else detail.payees
        bookings.append(
            Booking(
                booked_on=day,
                amount=amount if len(details) == 1 or detail.amount is None else detail.amount,
                currency=currency,
                kind=_kind(statement, entry, own | detail.codes, inward),
                raw=_xml(entry, detail.raw),
                bank_id=detail.bank_id or (f"{bank_id}#{number}" if bank_id and len(details) > 1 else bank_id),
                text=f"{detail.text} {_text(entry, 'AddtlNtryInf')}",
                payer_name=payer_name,
                payer_account=payer_account,
                account=statement.account,
            )
        )
    return bookings


def _add_up(details: list[_Detail], amount: Decimal, currency: str, incoming: bool) -> bool:
    if len(details) == 1:
        return True
    total = Decimal(0)
    for detail in details:
        if detail.amount is None or detail.currency != currency:
            return False
        total += detail.amount if detail.incoming in (None, incoming) else -detail.amount
    return bool(details) and total == amount


def _merged(details: list[_Detail]) -> _Detail:
    """A batch that cannot be taken apart: all its texts, so that every reference in it is seen, and nobody's name."""
    codes = frozenset[str]().union(*(one.codes for one in details))
    text = " ".join(one.text for one in details[:100])[:MAX_TEXT]
    raw = "".join(one.raw for one in details[:20])[:MAX_RAW]
    return _Detail(None, "", None, codes, "", text, ("", ""), ("", ""), raw)


def _detail(element: Element) -> _Detail:
    """A `TxDtls`, or an `Ntry` that has none, as far as it goes."""
    amount = element.find("Amt")
    if amount is None:
        amount = _below(element, "AmtDtls", "TxAmt", "Amt")
    try:
        figure = plain_decimal(amount.text or "") if amount is not None else None
    except LineError:
        figure = None
    return _Detail(
        amount=figure,
        currency=amount.get("Ccy", "") if amount is not None else "",
        incoming=_INCOMING.get(_text(element, "CdtDbtInd")),
        codes=_codes(element),
        bank_id=_text(element, "Refs", "AcctSvcrRef"),
        text=_remittance(element),
        payers=_party(element, "Dbtr"),
        payees=_party(element, "Cdtr"),
        raw=_xml(element) if element.tag == "TxDtls" else "",
    )


def _codes(element: Element) -> frozenset[str]:
    """Whether the bank's codes say that it is a payment that came back (`return`), or a charge (`charge`)."""
    found = set()
    if element.find("RtrInf") is not None or _text(element, "RvslInd") in ("true", "1"):
        found.add("return")
    codes = element.find("BkTxCd")
    for code in codes.itertext() if codes is not None else ():
        swift_type, german_code = split_german(code.strip())
        if code in RETURN_SUBFAMILIES or is_return(swift_type, german_code):
            found.add("return")
        if code in CHARGE_SUBFAMILIES or is_charge(swift_type, german_code):
            found.add("charge")
    return frozenset(found)


def _remittance(element: Element) -> str:
    """What the payer wrote, in the order of the places it may stand in."""
    remittance = element.find("RmtInf")
    found = [node.text or "" for node in remittance.findall("Ustrd")] if remittance is not None else []
    for structured in remittance.findall("Strd") if remittance is not None else ():
        found += [node.text or "" for path in _STRUCTURED for node in structured.findall(path)]
    end_to_end = _text(element, "Refs", "EndToEndId")
    found += [end_to_end if end_to_end != "NOTPROVIDED" else "", _text(element, "AddtlTxInf")]
    return " ".join(text for text in found if text)[: MAX_TEXT * 2]


_STRUCTURED = ("CdtrRefInf/Ref", "RfrdDocInf/Nb", "AddtlRmtInf")


def _party(element: Element, role: str) -> tuple[str, str]:
    """Name and account of the debtor or the creditor; the name stands one level deeper from version 03 on."""
    parties = element.find("RltdPties")
    if parties is None:
        return "", ""
    account = parties.find(f"{role}Acct")
    named = (parties.find(role), parties.find(f"Ultmt{role}"))
    names = [_text(one, "Nm") or _text(one, "Pty", "Nm") for one in named if one is not None]
    return next(filter(None, names), ""), "" if account is None else _account(account)


def _account(element: Element) -> str:
    return _text(element, "Id", "IBAN") or _text(element, "Id", "Othr", "Id")


def _kind(statement: _Statement, entry: Element, codes: frozenset[str], incoming: bool) -> Kind:
    status = _text(entry, "Sts", "Cd") or _text(entry, "Sts", "Prtry") or _text(entry, "Sts")
    if status != "BOOK" and (status or statement.tag != "Stmt"):  # a CAMT.053 holds booked entries alone
        return Kind.PENDING
    if "return" in codes:
        return Kind.REVERSAL
    if "charge" in codes:
        return Kind.CHARGE
    return Kind.CREDIT if incoming else Kind.DEBIT


def _incoming(entry: Element) -> bool:
    direction = _INCOMING.get(_text(entry, "CdtDbtInd"))
    if direction is None:
        raise LineError(_("The entry does not say whether the money came in or went out."))
    return direction


def _currency(entry: Element) -> str:
    amount = entry.find("Amt")
    return "" if amount is None else amount.get("Ccy", "")


def _day(entry: Element) -> datetime.date:
    """The day the entry was booked, as the bank's clock had it; the value date where it is not booked yet."""
    for names in (("BookgDt", "Dt"), ("BookgDt", "DtTm"), ("ValDt", "Dt"), ("ValDt", "DtTm")):
        text = _text(entry, *names)
        if text:
            try:
                return datetime.date.fromisoformat(text[:10] if re.match(r"\d{4}-\d\d-\d\d", text, re.ASCII) else "")
            except ValueError as error:
                raise LineError(_("There is no such date as %(date)s.") % {"date": text[:30]}) from error
    raise LineError(_("The entry has no date."))


def _text(element: Element, *names: str) -> str:
    """The text of the element below, a name per level; "" where there is none."""
    found = _below(element, *names)
    return "" if found is None else (found.text or "").strip()


def _below(element: Element, *names: str) -> Element | None:
    """Like `find` with a path, which takes three times as long."""
    found: Element | None = element
    for name in names:
        if found is not None:
            found = found.find(name)
    return found


def _xml(element: Element, more: str = "") -> str:
    """The element as it stood in the file but for name spaces and closing tags, no longer than is kept."""
    parts: list[str] = []
    length = len(more)
    for node in element.iter():
        attributes = "".join(f' {name}="{value}"' for name, value in node.items()) if node.attrib else ""
        text = node.text
        parts.append(f"<{node.tag}{attributes}>{text.strip()}" if text else f"<{node.tag}{attributes}>")
        length += len(parts[-1])
        if length > MAX_RAW:
            break
    return ("".join(parts) + more)[:MAX_RAW]
