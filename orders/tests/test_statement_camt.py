"""CAMT.052, .053 and .054: batches, statuses, reversals, returns and charges, in the old and the new version."""

import datetime
import io
import tracemalloc
from decimal import Decimal

import pytest

from orders.statements import Kind, Line, StatementError, Unreadable, read_statement
from orders.tests.bank_files.make import Deposit, deposits, make_camt
from orders.tests.bank_files.samples import sample

pytestmark = pytest.mark.once

PAID = Deposit("K7M4-9QXT", Decimal("12.50"), "Amara Okafor", datetime.date(2024, 5, 6), "B7")


def read(data: bytes) -> list[Line | Unreadable]:
    return list(read_statement(io.BytesIO(data), currency="EUR", size=len(data)))


def read_one(data: bytes) -> Line | Unreadable:
    (line,) = read(data)
    return line


@pytest.mark.parametrize("version", ["02", "08"])
def test_a_statement_with_all_kinds_of_entries(version: str):
    lines = read(sample(f"camt053_{version}.xml"))
    assert [(line.kind, line.amount, line.bank_id) for line in lines if isinstance(line, Line)] == [
        (Kind.CREDIT, Decimal("1234.56"), "A-1"),
        (Kind.CREDIT, Decimal("80.00"), "A-2"),
        (Kind.CREDIT, Decimal("10.00"), "A-3#1"),
        (Kind.CREDIT, Decimal("20.00"), "A-3#2"),
        (Kind.CREDIT, Decimal("29.00"), "A-4"),
        (Kind.CHARGE, Decimal("4.90"), "A-5/charge"),
        (Kind.REVERSAL, Decimal("80.00"), "A-2/reversal"),
        (Kind.REVERSAL, Decimal("15.00"), "A-7/reversal"),
        (Kind.PENDING, Decimal("16.00"), ""),
        (Kind.DEBIT, Decimal("17.00"), "A-9/debit"),
        (Kind.FOREIGN, Decimal("18.00"), "A-10/foreign"),
    ]
    assert [line.position for line in lines if isinstance(line, Unreadable)] == [12, 13, 14]
    first, creditor_reference = lines[:2]
    assert isinstance(first, Line)
    assert first.text == "Rechnung K7M4-9QXT"
    assert (first.payer_name, first.payer_account) == ("Amara Okafor", "DE02500105170137075030")
    assert first.account == "DE02120300000000202051"
    assert isinstance(creditor_reference, Line)
    assert creditor_reference.text == "RF18539007547034"


def test_a_batch_that_adds_up_gives_each_payer_a_line_and_another_gives_nobody_s_name():
    _one, _two, first, second, whole, *_rest = read(sample("camt053_08.xml"))
    assert isinstance(first, Line)
    assert isinstance(second, Line)
    assert [(line.payer_name, line.text) for line in (first, second)] == [("Li Wei", "erste"), ("Amara Okafor", "zweite")]
    assert isinstance(whole, Line)
    assert (whole.payer_name, whole.text) == ("", "dritte vierte")


def test_a_debit_inside_a_credit_batch_is_a_debit():
    data = sample("camt053_08.xml").replace(b'<Amt Ccy="EUR">30.00<', b'<Amt Ccy="EUR">10.00<')
    ten = b'<Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>\n'
    turned = data.replace(ten, ten.replace(b"CRDT", b"DBIT"))
    _one, _two, first, second, *_rest = read(turned)
    assert isinstance(first, Line)
    assert isinstance(second, Line)
    assert [(line.kind, line.amount) for line in (first, second)] == [(Kind.DEBIT, Decimal(10)), (Kind.CREDIT, Decimal(20))]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("<Cd>BOOK</Cd>", Kind.CREDIT),
        ("<Cd>PDNG</Cd>", Kind.PENDING),
        ("<Cd>INFO</Cd>", Kind.PENDING),
        ("<Cd>FUTR</Cd>", Kind.PENDING),
        ("<Prtry>SOON</Prtry>", Kind.PENDING),
    ],
)
def test_only_a_booked_entry_is_a_deposit(status: str, kind: Kind):
    line = read_one(make_camt([PAID]).replace(b"<Cd>BOOK</Cd>", status.encode()))
    assert isinstance(line, Line)
    assert line.kind is kind
    assert (line.bank_id == "") is (kind is Kind.PENDING)


def test_an_entry_without_a_status_is_booked_in_a_statement_alone():
    statement, notice = (
        make_camt([PAID], message=message).replace(b"<Sts><Cd>BOOK</Cd></Sts>", b"") for message in ("053", "054")
    )
    assert [line.kind for line in (*read(statement), *read(notice)) if isinstance(line, Line)] == [Kind.CREDIT, Kind.PENDING]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("ESCT", "RRTN", Kind.REVERSAL),
        ("ESCT", "CHRG", Kind.CHARGE),
        ("NTRF+166", "NRTI+159", Kind.REVERSAL),
        ("NTRF+166", "NTRF+109", Kind.REVERSAL),
        ("NTRF+166", "NCHG+808", Kind.CHARGE),
        ("</TxDtls>", "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>", Kind.REVERSAL),
        ("<Sts>", "<RvslInd>1</RvslInd><Sts>", Kind.REVERSAL),
        ("<Sts>", "<RvslInd>false</RvslInd><Sts>", Kind.CREDIT),
    ],
)
def test_what_came_back_and_what_the_bank_charged_is_no_deposit(old: str, new: str, kind: Kind):
    line = read_one(make_camt([PAID]).replace(old.encode(), new.encode()))
    assert isinstance(line, Line)
    assert line.kind is kind


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b">12.50<", b">-12.50<"),
        (b">12.50<", b">12,50<"),
        (b">12.50<", b">NaN<"),
        (b">12.50<", b"><"),
        (b"CRDT", b"BOTH"),
        (b"<Dt>2024-05-06</Dt>", b"<Dt>2024-02-30</Dt>"),
        (b"<Dt>2024-05-06</Dt>", b""),
        (b' Ccy="EUR"', b""),
    ],
)
def test_an_entry_that_cannot_be_read_is_put_aside_with_what_stood_there(old: bytes, new: bytes):
    line = read_one(make_camt([PAID]).replace(old, new))
    assert isinstance(line, Unreadable)
    assert "<Ntry>" in line.raw
    assert line.reason


@pytest.mark.parametrize(
    "written", ["<DtTm>2024-05-06T23:59:59+02:00</DtTm>", "<Dt>2024-05-06+02:00</Dt>", "<Dt> 2024-05-06 </Dt>"]
)
def test_the_booking_day_is_that_of_the_bank(written: str):
    line = read_one(make_camt([PAID]).replace(b"<Dt>2024-05-06</Dt>", written.encode()))
    assert isinstance(line, Line)
    assert line.booked_on == datetime.date(2024, 5, 6)


def test_each_statement_of_a_file_has_its_own_account():
    one = make_camt([PAID]).decode()
    start, end = one.index("<Stmt>"), one.index("</Stmt>") + len("</Stmt>")
    second = one[start:end].replace("<IBAN>DE02120300000000202051</IBAN>", "<Othr><Id>4711</Id></Othr>")
    lines = read((one[:end] + second + one[end:]).encode())
    assert [line.account for line in lines if isinstance(line, Line)] == ["DE02120300000000202051", "4711"]


def test_a_prefix_before_the_names_changes_nothing():
    data = (
        make_camt([PAID]).decode().replace("</", "</n:").replace("<", "<n:").replace("<n:/n:", "</n:").replace("<n:?xml", "<?xml")
    )
    line = read_one(data.replace("xmlns=", "xmlns:n=").encode())
    assert isinstance(line, Line)
    assert line.payer_name == "Amara Okafor"


def test_a_statement_without_entries_has_no_lines():
    assert read(make_camt([])) == []


def test_the_tree_does_not_grow_with_the_file():
    """Nested and strange elements are dropped too; the entries around them are still read."""
    strange = b"<Bal><Amt Ccy='EUR'>1</Amt></Bal>" * 5000 + b"<TxsSummry>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</TxsSummry>"
    data = make_camt(list(deposits(2))).replace(b"</Acct>", b"</Acct>" + strange, 1)
    assert [type(line) for line in read(data)] == [Line, Line]


@pytest.mark.parametrize("place", [b"<Document", b"<GrpHdr>", b"<Acct>", b"<Ntry>"])
def test_a_part_that_never_ends_is_refused_before_it_fills_the_memory(place: bytes):
    endless = b"<a/>" * 150_000
    data = make_camt([PAID])
    at = data.index(b">", data.index(place)) + 1
    data = data[:at] + endless + data[at:]
    tracemalloc.start()
    with pytest.raises(StatementError, match="not valid XML"):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25_000_000


def test_many_entries_are_not_too_many_elements():
    assert len(read(make_camt(6_000))) == 6_000
