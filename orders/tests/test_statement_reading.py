"""Whole files: which format they have, which are refused, how they are encoded, and that nothing but lines ever comes out."""

import datetime
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.statements import (
    MAX_STATEMENT_BYTES,
    Format,
    Kind,
    Line,
    StatementError,
    Unreadable,
    detect_format,
    read_statement,
)
from orders.statements.lines import MAX_RAW, MAX_TEXT
from orders.tests.bank_files.make import Deposit, deposits, make_camt, make_csv, make_mt940, make_ofx
from orders.tests.bank_files.samples import sample

pytestmark = pytest.mark.once

MAKERS: dict[str, Callable[[list[Deposit]], bytes]] = {
    "CSV": make_csv,
    "MT940": make_mt940,
    "CAMT.053 .02": lambda payments: make_camt(payments, version="02"),
    "CAMT.053 .08": make_camt,
    "CAMT.052": lambda payments: make_camt(payments, message="052"),
    "CAMT.054": lambda payments: make_camt(payments, message="054"),
    "OFX 1": make_ofx,
    "OFX 2": lambda payments: make_ofx(payments, version=2),
}
SAMPLES = {
    **dict.fromkeys(["german_bank.csv", "wallet.csv"], Format.CSV),
    **dict.fromkeys(["german.mt940", "dutch.mt940"], Format.MT940),
    **dict.fromkeys(["camt053_02.xml", "camt053_08.xml"], Format.CAMT),
    "bank.ofx": Format.OFX,
}


def read(data: bytes) -> list[Line | Unreadable]:
    return list(read_statement(io.BytesIO(data), currency="EUR", size=len(data)))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_was_paid_is_read_from_every_format(make: Callable[[list[Deposit]], bytes]):
    payments = list(deposits(7))
    lines = read(make(payments))
    assert len(lines) == 7
    for line, paid in zip(lines, payments, strict=True):
        assert isinstance(line, Line), line
        assert (line.kind, line.amount, line.currency, line.booked_on) == (Kind.CREDIT, paid.amount, "EUR", paid.booked_on)
        assert paid.reference in line.text
        assert line.payer_name == paid.payer_name
        assert paid.reference in line.raw
    assert [line.position for line in lines] == sorted({line.position for line in lines})


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_money_going_out_is_no_deposit_in_any_format(make: Callable[[list[Deposit]], bytes]):
    (line,) = read(make([Deposit("R1", Decimal("-12.50"), "Li Wei", datetime.date(2024, 5, 6), "B7")]))
    assert isinstance(line, Line)
    assert (line.kind, line.amount) == (Kind.DEBIT, Decimal("12.50"))


@pytest.mark.parametrize(("name", "expected"), SAMPLES.items())
def test_the_format_is_told_from_the_content(name: str, expected: Format):
    assert detect_format(sample(name)) is expected
    assert detect_format(sample(name)[:2000]) is expected


NOT_STATEMENTS = {
    "nothing": (b"", "empty"),
    "blank": (b" \r\n\t ", "empty"),
    "a mark alone": (b"\xef\xbb\xbf", "empty"),
    "PDF": (b"%PDF-1.7 ...", "PDF"),
    "a spreadsheet": (b"PK\x03\x04....", "ZIP/XLSX"),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0....", "XLS"),
    "another XML": (b"<?xml version='1.0'?><invoice/>", "no bank statement"),
    "prose": (b"Dear all\nthe money is in the bank\n", "no statement file"),
    "noise": (bytes(range(256)) * 4, "no statement file"),
    "CAMT cut before its first entry": (make_camt(2)[:300], "breaks off"),
    "CAMT in an unknown encoding": (make_camt(1).replace(b"UTF-8", b"X-NONE"), "breaks off"),
}


@pytest.mark.parametrize(("data", "complaint"), NOT_STATEMENTS.values(), ids=NOT_STATEMENTS)
def test_what_is_no_statement_is_refused_at_once(data: bytes, complaint: str):
    with pytest.raises(StatementError, match=complaint) as refusal:
        read_statement(io.BytesIO(data), currency="EUR", size=len(data))
    assert refusal.value.code == "statement_unreadable"


def test_a_file_too_large_is_refused_without_reading_it():
    class Untouchable(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("read")

    with pytest.raises(StatementError, match="larger than 100 MB"):
        read_statement(Untouchable(), currency="EUR", size=MAX_STATEMENT_BYTES + 1)  # type: ignore[arg-type]


BOMB = b"".join(b'<!ENTITY lol%d "%s">' % (n, b"&lol%d;" % (n - 1) * 10) for n in range(1, 10))
DEFINITIONS = {
    "billion laughs": b'<!DOCTYPE lolz [<!ENTITY lol0 "lol">' + BOMB + b"]>",
    "a file of the server": b'<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>',
    "a DTD elsewhere": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    "a DTD behind the first 64 kB": b"<!--" + b" " * 70_000 + b"--><!DOCTYPE x [<!ENTITY lol 'x'>]>",
}


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_defines_entities_is_refused(definition: bytes, encoding: str):
    head, _sep, rest = make_camt(1).partition(b"\n")
    text = (head + definition + rest.replace(b"REF000000", b"&lol9;")).decode().replace("UTF-8", encoding)
    with pytest.raises(StatementError):
        read(text.encode(encoding))


def test_ofx_with_entities_is_only_text():
    data = make_ofx(1, version=2).replace(b"REF000000", b"&xxe; &amp;")
    (line,) = read(data)
    assert isinstance(line, Line)
    assert line.text == "Zahlung &xxe; &"
    with pytest.raises(StatementError, match="entities"):
        read(data.replace(b"<OFX>", b'<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><OFX>'))


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "iso-8859-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("make", [make_csv, make_mt940], ids=["CSV", "MT940"])
def test_text_files_are_read_in_any_usual_encoding(make: Callable[..., bytes], encoding: str):
    lines = read(make(4, encoding=encoding))
    assert [line.payer_name for line in lines if isinstance(line, Line)] == ["Amara Okafor", "José Ñíguez", "Li Wei", "Ingrid Bø"]


def test_ofx_is_read_in_the_encoding_it_has_whatever_it_says():
    text = make_ofx(2).decode("cp1252")
    for encoding in ENCODINGS:
        assert [line.payer_name for line in read(text.encode(encoding)) if isinstance(line, Line)][1] == "José Ñíguez"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_xml_is_read_in_the_encoding_it_declares(encoding: str):
    text = make_camt(2).decode().replace('"UTF-8"', f'"{encoding.removesuffix("-sig")}"')
    assert [line.payer_name for line in read(text.encode(encoding)) if isinstance(line, Line)][1] == "José Ñíguez"


def test_a_character_across_two_pieces_of_the_file_stays_whole():
    for filler in range(65_500, 65_540):
        data = b"Date;Amount;Filler;Text\n2024-11-05;5,00;" + b"x" * filler + ";ñé€\n2024-11-05;6,00;;".encode() + b"\xe9\n"
        assert [line.text for line in read(data) if isinstance(line, Line)] == ["ñé€", "é"]


def test_nul_and_control_characters_never_come_out():
    data = make_csv(2).replace(b"Zahlung", b"Zah\0l\x1b[31mung\x07")
    first, _second = read(data)
    assert isinstance(first, Line)
    assert first.text == "Zah\ufffdl [31mung REF000000"
    assert "\0" not in first.raw
    assert "\x1b" not in first.raw


def test_a_field_of_ten_thousand_characters_is_cut_and_the_line_kept():
    for make in MAKERS.values():
        (line,) = read(make([Deposit("R1 " + "x" * 10_000, Decimal(5), "Li Wei", datetime.date(2024, 5, 6), "B7")]))
        assert isinstance(line, Line)
        assert len(line.text) == MAX_TEXT
        assert "R1 xxx" in line.text
        assert len(line.raw) <= MAX_RAW


def test_a_line_that_never_ends_is_put_aside():
    lines = read(make_csv(1) + b"05.11.2024;" + b"x" * 3_000_000 + b";;;5,00;EUR;\n" + make_csv(2).split(b"\n")[2])
    assert [isinstance(line, Line) for line in lines] == [True, False, True]
    assert len(lines[1].raw) <= MAX_RAW


def test_a_file_that_breaks_off_keeps_its_lines_and_says_so():
    whole = make_camt(3)
    *lines, last = read(whole[: whole.rindex(b"<RmtInf>")])
    assert [type(line) for line in lines] == [Line, Line]
    assert isinstance(last, Unreadable)
    assert "breaks off" in last.reason


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_file_is_read_no_further_than_needed(make: Callable[[int], bytes]):
    data = make(3000)  # type: ignore[arg-type]
    file = io.BytesIO(data)
    lines = read_statement(file, currency="EUR", size=len(data))
    assert len(list(islice(lines, 1))) == 1
    if make is not make_csv:  # a table is read once before, to settle its dates and decimals
        assert file.tell() < len(data) / 2
    assert len(list(lines)) == 2999
    assert not file.closed


@time_machine.travel("2025-06-10T23:30:00Z", tick=False)
def test_a_date_may_lie_one_day_ahead_and_no_more():
    def dated(day: int) -> Line | Unreadable:
        (line,) = read(make_csv([Deposit("R1", Decimal(5), "Li Wei", datetime.date(2025, 6, day), "B7")]))
        return line

    assert isinstance(dated(11), Line)
    future = dated(12)
    assert isinstance(future, Unreadable)
    assert "future" in future.reason


def test_an_id_two_bookings_share_is_no_id_and_a_booking_stated_twice_keeps_it():
    def paid(reference: str, bank_id: str) -> Deposit:
        return Deposit(reference, Decimal(5), "Li Wei", datetime.date(2024, 5, 6), bank_id)

    payments = [paid("R1", "X-7"), paid("R2", "X-7"), paid("R1", "X-7"), paid("R3", "0000"), paid("R4", "NONREF")]
    assert [line.bank_id for line in read(make_ofx(payments)) if isinstance(line, Line)] == ["X-7", "", "X-7", "", ""]


SEEDS = [*(sample(name) for name in SAMPLES), *(make(list(deposits(3))) for make in MAKERS.values())]
SPLINTERS = [
    *(
        b"\0",
        b'"',
        b";",
        b"<",
        b">",
        b"&#0;",
        b"&lol;",
        b"\xff\xfe",
        b"\n:61:",
        b"\n:86:",
        b"\r",
        b"<Ntry>",
        b"</Ntry>",
        b"<!DOCTYPE x>",
    ),
    *(
        b"<STMTTRN>",
        b"<TRNAMT>5",
        b"NaN",
        b"Infinity",
        b"1e9",
        b"-",
        b"(",
        b"\xf0\x9f",
        b"9" * 40,
        b"<![CDATA[",
        b"]]>",
        b"13",
        b"0",
    ),
]


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A good file with some of its bytes gone, replaced, or repeated elsewhere."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 60))
        data[start:end] = draw(st.one_of(st.sampled_from(SPLINTERS), st.binary(max_size=8), st.just(bytes(data[:200]))))
    return bytes(data)


def check_everything_is_a_line(data: bytes) -> None:
    def lines() -> Iterator[Line | Unreadable]:
        try:
            opened = read_statement(io.BytesIO(data), currency="EUR", size=len(data))
        except StatementError as error:
            assert error.message
        else:
            yield from opened  # nothing is raised any more

    position = 0
    for line in lines():
        assert line.position > position
        position = line.position
        assert len(line.raw) <= MAX_RAW
        assert "\0" not in line.raw
        if isinstance(line, Line):
            assert line.amount > 0
            assert line.amount == line.amount.quantize(Decimal("0.01"))
            assert not {"\0", "\n"} & set(line.text + line.payer_name + line.payer_account + line.account + line.bank_id)
        else:
            assert line.reason


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(damaged_files())
def test_a_damaged_file_gives_lines_or_a_refusal(data: bytes):
    check_everything_is_a_line(data)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)), st.sampled_from([b"", *SPLINTERS]))
def test_noise_gives_lines_or_a_refusal(data: bytes, splinter: bytes):
    check_everything_is_a_line(splinter + data)
    check_everything_is_a_line(b"Date;Amount;Text\n" + data)
    check_everything_is_a_line(b":20:X\n:61:" + data)
