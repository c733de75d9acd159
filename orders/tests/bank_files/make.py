"""Statement files of any length, for tests and benchmarks: the same deposits written the way banks write them."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

NAMES = ("Amara Okafor", "José Ñíguez", "Li Wei", "Ingrid Bø")
OWN_ACCOUNT = "DE02120300000000202051"
PAYER_ACCOUNT = "DE02500105170137075030"


@dataclass(frozen=True)
class Deposit:
    """One payment as it shall stand in the file; a negative amount is money going out."""

    reference: str
    amount: Decimal
    payer_name: str
    booked_on: datetime.date
    bank_id: str


def deposits(count: int, *, start: datetime.date = datetime.date(2024, 1, 1)) -> Iterable[Deposit]:
    """Invented payments, all of them different, spread over 300 days."""
    for number in range(count):
        yield Deposit(
            reference=f"REF{number:06d}",
            amount=Decimal(1000 + number % 90000) / 100,
            payer_name=NAMES[number % len(NAMES)],
            booked_on=start + datetime.timedelta(days=number % 300),
            bank_id=f"B{number:09d}",
        )


def make_csv(payments: int | Iterable[Deposit], *, delimiter: str = ";", encoding: str = "utf-8") -> bytes:
    """A table with headings, dates and decimal commas of a German bank."""
    rows = ["Buchungstag;Auftraggeber;IBAN;Verwendungszweck;Betrag;Währung;Transaktions-ID"]
    rows += [
        f"{one.booked_on:%d.%m.%Y};{one.payer_name};{PAYER_ACCOUNT};Zahlung {one.reference};"
        f"{_comma(one.amount)};EUR;{one.bank_id}"
        for one in _payments(payments)
    ]
    return ("\r\n".join(rows) + "\r\n").replace(";", delimiter).encode(encoding)


def make_mt940(payments: int | Iterable[Deposit], *, encoding: str = "utf-8") -> bytes:
    """One statement with structured `:86:` fields, as German banks write them."""
    payments = list(_payments(payments))
    entries = [
        f":61:{one.booked_on:%y%m%d}{one.booked_on:%m%d}{'D' if one.amount < 0 else 'C'}{_comma(abs(one.amount))}"
        f"NTRFNONREF//{one.bank_id}\r\n:86:166?00SEPA-GUTSCHRIFT?109310?20SVWZ+Zahlung {one.reference}?30INGDDEFFXXX"
        f"\r\n?31{PAYER_ACCOUNT}?32{one.payer_name}"
        for one in payments
    ]
    total = sum((one.amount for one in payments), Decimal(0))
    opening = f":20:STARTUMSE\r\n:25:{OWN_ACCOUNT}\r\n:28C:00001/001\r\n:60F:C240101EUR0,00"
    closing = f":62F:{'D' if total < 0 else 'C'}241101EUR{_comma(abs(total))}"
    return "\r\n".join([opening, *entries, closing, "-", ""]).encode(encoding)


def make_camt(payments: int | Iterable[Deposit], *, version: str = "08", message: str = "053") -> bytes:
    """One statement of an entry per payment; version `02` or `08`, message `052`, `053` or `054`."""
    root, body = _CAMT_PARTS[message]
    entries = "".join(_camt_entry(one, version) for one in _payments(payments))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.{message}.001.{version}">'
        f"<{root}><GrpHdr><MsgId>1</MsgId></GrpHdr><{body}><Id>1</Id><Acct><Id><IBAN>{OWN_ACCOUNT}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"\n{entries}</{body}></{root}></Document>\n"
    ).encode()


_CAMT_PARTS = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def _camt_entry(one: Deposit, version: str) -> str:
    status, name = "BOOK", f"<Nm>{one.payer_name}</Nm>"
    if version != "02":
        status, name = f"<Cd>{status}</Cd>", f"<Pty>{name}</Pty>"
    direction = "DBIT" if one.amount < 0 else "CRDT"
    return (
        f'<Ntry><Amt Ccy="EUR">{abs(one.amount):.2f}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>{one.booked_on}</Dt></BookgDt><ValDt><Dt>{one.booked_on}</Dt></ValDt><AcctSvcrRef>{one.bank_id}</AcctSvcrRef>"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
        "<Prtry><Cd>NTRF+166+00931</Cd><Issr>DK</Issr></Prtry></BkTxCd>"
        "<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        f'<AmtDtls><TxAmt><Amt Ccy="EUR">{abs(one.amount):.2f}</Amt></TxAmt></AmtDtls>'
        f"<RltdPties><Dbtr>{name}</Dbtr><DbtrAcct><Id><IBAN>{PAYER_ACCOUNT}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>Zahlung {one.reference}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
    )


def make_ofx(payments: int | Iterable[Deposit], *, version: int = 1) -> bytes:
    """A bank statement as OFX 1 (SGML without closing tags, CP1252) or OFX 2 (XML)."""
    header, close = _OFX_HEADERS[version]
    entries = "".join(_ofx_entry(one, close) for one in _payments(payments))
    text = (
        header + "<OFX><SIGNONMSGSRSV1><SONRS><STATUS>" + _leaf("CODE", "0", close) + "</STATUS></SONRS></SIGNONMSGSRSV1>"
        "<BANKMSGSRSV1><STMTTRNRS><STMTRS>" + _leaf("CURDEF", "EUR", close) + "<BANKACCTFROM>"
        f"{_leaf('BANKID', '12030000', close)}{_leaf('ACCTID', OWN_ACCOUNT, close)}</BANKACCTFROM><BANKTRANLIST>\r\n{entries}"
        "</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\r\n"
    )
    return text.encode("cp1252" if version == 1 else "utf-8")


_OFX_HEADERS = {
    1: (
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n"
        "COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n",
        False,
    ),
    2: (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n'
        '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\r\n',
        True,
    ),
}


def _ofx_entry(one: Deposit, close: bool) -> str:
    fields = {
        "TRNTYPE": "DEBIT" if one.amount < 0 else "CREDIT",
        "DTPOSTED": f"{one.booked_on:%Y%m%d}120000",
        "TRNAMT": f"{one.amount:.2f}",
        "FITID": one.bank_id,
        "NAME": one.payer_name,
        "MEMO": f"Zahlung {one.reference}",
    }
    return "<STMTTRN>" + "".join(_leaf(tag, text, close) for tag, text in fields.items()) + "</STMTTRN>\r\n"


def _leaf(tag: str, text: str, close: bool) -> str:
    return f"<{tag}>{text}</{tag}>" if close else f"<{tag}>{text}\r\n"


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _payments(payments: int | Iterable[Deposit]) -> Iterable[Deposit]:
    return deposits(payments) if isinstance(payments, int) else payments
