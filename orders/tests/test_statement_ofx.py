"""OFX and QFX: SGML and XML, signs and types, corrections, pending lists, exchanged amounts."""

import datetime
import io
from decimal import Decimal

import pytest
from ofxtools.Parser import OFXTree

from orders.statements import Kind, Line, Unreadable, read_statement
from orders.tests.bank_files.make import Deposit, make_ofx
from orders.tests.bank_files.samples import sample

pytestmark = pytest.mark.once

PAID = Deposit("K7M4-9QXT", Decimal("12.50"), "Amara Okafor", datetime.date(2024, 5, 6), "B7")


def read(data: bytes) -> list[Line | Unreadable]:
    return list(read_statement(io.BytesIO(data), currency="EUR", size=len(data)))


def read_one(data: bytes) -> Line | Unreadable:
    (line,) = read(data)
    return line


def test_a_statement_with_all_kinds_of_transactions():
    lines = read(sample("bank.ofx"))
    assert [(line.kind, line.amount, line.bank_id) for line in lines if isinstance(line, Line)] == [
        (Kind.CREDIT, Decimal("1234.56"), "F1"),
        (Kind.CREDIT, Decimal("12.50"), "F2"),
        (Kind.CHARGE, Decimal("4.90"), "F3/charge"),
        (Kind.REVERSAL, Decimal("12.50"), "F4/reversal"),
        (Kind.REVERSAL, Decimal("12.50"), "F5/reversal"),
        (Kind.DEBIT, Decimal("9.99"), "F6/debit"),
        (Kind.FOREIGN, Decimal("5.00"), "F7/foreign"),
        (Kind.CREDIT, Decimal("6.00"), "F8"),
        (Kind.PENDING, Decimal("8.00"), ""),
    ]
    assert [line.position for line in lines if isinstance(line, Unreadable)] == [9, 10]
    first = lines[0]
    assert isinstance(first, Line)
    assert (first.payer_name, first.text, first.account) == ("José Ñíguez", "K7M4-9QXT & Co", "202051")
    assert first.booked_on == datetime.date(2024, 11, 5)  # as the bank's clock had it, five hours west


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"12.50", b"1,234.56"),
        (b"12.50", b"1.234"),
        (b"12.50", b"--5"),
        (b"12.50", b"0.00"),
        (b"12.50", b""),
        (b"<TRNAMT>", b"<TRNAMT>5<TRNAMT>"),
        (b"20240506", b"20240230"),
        (b"20240506", b"06052024x"),
        (b"20240506", b"20990101"),
    ],
)
def test_a_transaction_that_cannot_be_read_is_put_aside(version: int, old: bytes, new: bytes):
    line = read_one(make_ofx([PAID], version=version).replace(old, new))
    assert isinstance(line, Unreadable)
    assert "TRNTYPE" in line.raw


def test_an_amount_a_payer_wrote_into_the_text_does_not_become_the_amount():
    line = read_one(make_ofx([PAID]).replace(b"<MEMO>", b"<MEMO>hello <TRNAMT>9999.00 "))
    assert isinstance(line, Unreadable)
    assert "stands twice" in line.reason


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("CREDIT", "5.00", Kind.CREDIT),
        ("XFER", "5.00", Kind.CREDIT),
        ("OTHER", "-5.00", Kind.DEBIT),
        ("CREDIT", "-5.00", Kind.REVERSAL),
        ("DEBIT", "5.00", Kind.REVERSAL),
        ("SRVCHG", "-5.00", Kind.CHARGE),
        ("SRVCHG", "5.00", Kind.CHARGE),
        ("HOLD", "5.00", Kind.PENDING),
    ],
)
def test_type_and_sign_together_say_what_a_transaction_is(kind: str, amount: str, expected: Kind):
    line = read_one(make_ofx([PAID]).replace(b"<TRNTYPE>CREDIT", f"<TRNTYPE>{kind}".encode()).replace(b"12.50", amount.encode()))
    assert isinstance(line, Line)
    assert (line.kind, line.amount) == (expected, Decimal(5))


def test_a_file_on_a_single_line_and_transactions_that_are_never_closed():
    data = make_ofx([PAID, PAID], version=2).replace(b"\r\n", b"")
    assert [type(line) for line in read(data)] == [Line, Line]
    assert [type(line) for line in read(data.replace(b"</STMTTRN>", b""))] == [Line, Line]


def test_a_transaction_without_end_is_put_aside_and_later_ones_are_read():
    data = make_ofx([PAID], version=2).replace(b"</MEMO>", b"x" * 300_000 + b"</MEMO>")
    assert isinstance(read_one(data), Unreadable)


def test_each_account_of_a_file_has_its_own_number_and_currency():
    one = make_ofx([PAID], version=2).decode()
    start, end = one.index("<STMTTRNRS>"), one.index("</STMTTRNRS>") + len("</STMTTRNRS>")
    second = one[start:end].replace("<CURDEF>EUR", "<CURDEF>USD").replace("DE02120300000000202051", "4711")
    lines = [line for line in read((one[:end] + second + one[end:]).encode()) if isinstance(line, Line)]
    assert [(line.account, line.kind) for line in lines] == [("DE02120300000000202051", Kind.CREDIT), ("4711", Kind.FOREIGN)]


def test_character_data_and_entities_are_text():
    line = read_one(make_ofx([PAID], version=2).replace(b"<MEMO>Zahlung K7M4-9QXT", b"<MEMO><![CDATA[a & b]]>"))
    assert isinstance(line, Line)
    assert line.text == "a & b"


@pytest.mark.parametrize("data", [sample("bank.ofx"), make_ofx(20), make_ofx(20, version=2)], ids=["sample", "OFX 1", "OFX 2"])
def test_we_agree_with_the_ofxtools_library(data: bytes):
    tree = OFXTree()
    tree.parse(io.BytesIO(data))
    theirs = [(one.findtext("FITID") or "", one.findtext("TRNAMT") or "") for one in tree.getroot().iter("STMTTRN")]
    ours = [line for line in read(data) if isinstance(line, Line) and line.kind is not Kind.PENDING]
    expected = [(bank_id, amount) for bank_id, amount in theirs if bank_id not in ("F9", "F10")]
    assert [line.bank_id.partition("/")[0] for line in ours] == [bank_id for bank_id, _amount in expected]
    assert [line.amount for line in ours] == [abs(Decimal(amount.replace(",", "."))) for _bank_id, amount in expected]
