"""Files for a bank or wallet: SEPA credit transfers (pain.001) and lists as CSV. Pure Python; nothing here moves money."""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from defusedcsv import csv
from defusedxml import ElementTree
from django.utils.translation import gettext as _
from sepaxml import SepaTransfer
from sepaxml.validation import ValidationError, try_valid_xml
from text_unidecode import unidecode

from marketplace.exceptions import DomainError
from marketplace.money import plain_amount, to_minor
from orders.iban import compact, is_bic, is_sepa_iban

SEPA_SCHEMA = "pain.001.001.09"
_NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{SEPA_SCHEMA}"
_NOT_SEPA = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")  # the characters that every SEPA bank takes
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{5,15}")  # E.164, or as people dial it in their own country


class FileRefused(DomainError):
    """What was made does not follow the bank's schema; it is never given out."""

    code = "payment_file_refused"


@dataclass(frozen=True)
class Debtor:
    """The account that the transfers are drawn on. `bic` may be empty."""

    name: str
    iban: str
    bic: str


@dataclass(frozen=True)
class Payment:
    """One amount to one account. `id` is unique for ever, at most 35 letters and digits: the end-to-end id of a transfer."""

    id: str
    holder: str
    kind: str
    account: str
    routing: str
    amount: Decimal
    currency: str
    text: str


def fits_sepa(payment: Payment) -> bool:
    """Whether it can stand in a SEPA file: euros to the IBAN of a SEPA country."""
    return payment.currency == "EUR" and payment.kind == "bank" and is_sepa_iban(payment.account)


def sepa_file(*, debtor: Debtor, payments: Iterable[Payment], message_id: str, at: datetime) -> bytes:
    """A pain.001 file of these transfers, checked against its schema: the same bytes each time it is made. Raises FileRefused."""
    head = {"name": _plain(debtor.name)[:70], "IBAN": debtor.iban, "batch": True, "currency": "EUR"}
    transfer = SepaTransfer({**head, "BIC": debtor.bic} if debtor.bic else head, schema=SEPA_SCHEMA, clean=False)
    for payment in payments:
        transfer.add_payment(_transfer_of(payment, at))
    document = ElementTree.fromstring(transfer.export(validate=False))
    fixed = {"MsgId": message_id, "CreDtTm": f"{at:%Y-%m-%dT%H:%M:%S}", "PmtInfId": message_id}
    for tag, text in fixed.items():  # the library makes them up anew each time
        for node in document.iter(f"{{{_NAMESPACE}}}{tag}"):
            node.text = text
    made: bytes = ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)
    try:
        try_valid_xml(made, SEPA_SCHEMA)
    except ValidationError as fault:
        raise FileRefused(
            _("A bank would refuse this file. Look at the accounts in it, and fail those that are wrong.")
        ) from fault
    return made


def _transfer_of(payment: Payment, at: datetime) -> dict[str, object]:
    transfer: dict[str, object] = {
        "name": _plain(payment.holder)[:70] or "NOTPROVIDED",
        "IBAN": compact(payment.account),
        "amount": to_minor(payment.amount, payment.currency),
        "execution_date": at.date(),
        "description": _plain(payment.text)[:140],
        "endtoend_id": payment.id,
    }
    bic = compact(payment.routing)
    return {**transfer, "BIC": bic} if is_bic(bic) else transfer


def _plain(text: str) -> str:
    """In the letters of SEPA: José Ñíguez & Co becomes Jose Niguez Co."""
    return " ".join(_NOT_SEPA.sub(" ", unidecode(text)).split())


def payments_csv(payments: Iterable[Payment]) -> bytes:
    """The same as a list for a wallet, a bank without SEPA, or a person who types it in. Phone numbers as wallets read them."""
    rows = (
        [
            *(payment.id, payment.holder, payment.kind, _account_of(payment), payment.routing),
            *(plain_amount(payment.amount, payment.currency), payment.currency, payment.text),
        ]
        for payment in payments
    )
    return csv_bytes(["id", "holder", "kind", "account", "routing", "amount", "currency", "text"], rows)


class _PhoneNumber(int):
    """Written with its plus, and still a number, never a formula: nothing but digits gets in here."""

    def __str__(self) -> str:
        return f"+{int(self)}"


def _account_of(payment: Payment) -> str | _PhoneNumber:
    """A phone number without the spaces and hyphens people write into it; any other account as it is."""
    number = re.sub(r"[ ().-]", "", payment.account)
    if payment.kind != "mobile" or not _PHONE.fullmatch(number):
        return payment.account
    return _PhoneNumber(number) if number.startswith("+") else number


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file that spreadsheets read as UTF-8 and in which no cell is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()
