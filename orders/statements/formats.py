"""Which format a statement file has, told from its first bytes and never from its name."""

import re
from enum import StrEnum

from django.utils.translation import gettext as _

from orders.statements.encodings import decode_head
from orders.statements.lines import StatementError


class Format(StrEnum):
    CSV = "csv"
    MT940 = "mt940"
    CAMT = "camt"
    OFX = "ofx"


_OTHER_FILES = {
    b"%PDF": "PDF",
    b"PK\x03\x04": "ZIP/XLSX",
    b"\xd0\xcf\x11\xe0": "XLS",
    b"\x1f\x8b": "GZIP",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
}
_CAMT = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.001\.\d\d|<(?:\w+:)?BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)\b")
_MT940 = re.compile(r"^(?:\{1:.{0,300}|\{4:\s{0,5})?[ \t\r]{0,20}:20:", re.MULTILINE)
_MT940_FIELD = re.compile(r"^:(?:25P?|28C?|60[FM]|61):", re.MULTILINE)


def detect_format(head: bytes) -> Format:
    """The format of a file that starts with `head` (64 kB are plenty). Raises `StatementError` where it is none we read."""
    for start, name in _OTHER_FILES.items():
        if head.startswith(start):
            raise StatementError(
                _("This is a %(kind)s file. Download the statement from the bank as CSV, MT940, CAMT or OFX.") % {"kind": name}
            )
    text = decode_head(head).lstrip("\ufeff \t\r\n")
    if not text:
        raise StatementError(_("The file is empty. Download the statement again."))
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE) and text.startswith("<"):
        raise StatementError(_("The file defines its own XML entities, which no bank does. It was not read."))
    if text.startswith("OFXHEADER") or re.search(r"<OFX>|<\?OFX\s", text):
        return Format.OFX
    if text.startswith("<"):
        return _xml_format(text)
    if _MT940.search(text) and (_MT940_FIELD.search(text) or text.startswith("{1:")):
        return Format.MT940
    if _looks_like_a_table(text):
        return Format.CSV
    raise StatementError(_("This is no statement file we can read. Download it from the bank as CSV, MT940, CAMT or OFX."))


def _xml_format(text: str) -> Format:
    if _CAMT.search(text):
        return Format.CAMT
    raise StatementError(_("This XML file is no bank statement. Choose CAMT.053 (or 052, 054) when you download it."))


def _looks_like_a_table(text: str) -> bool:
    """Whether it is mostly printable and has a line with a delimiter in it."""
    sample = text[:4096]
    odd = sum((not c.isprintable() and c not in "\r\n\t") or c == "\ufffd" for c in sample)
    return odd <= len(sample) * 0.1 and any(mark in text for mark in ";,\t|")
