"""MT940: marks, dates across the year's end, structured and plain details, and the balances as a check."""

import datetime
import io
from decimal import Decimal

import mt940
import pytest

from orders.statements import Kind, Line, Unreadable, read_statement
from orders.tests.bank_files.make import make_mt940
from orders.tests.bank_files.samples import sample

pytestmark = pytest.mark.once

HEAD = ":20:X\n:25:DE02120300000000202051\n:28C:1/1\n:60F:C241101EUR0,00\n"


def read(data: bytes | str) -> list[Line | Unreadable]:
    raw = data.encode() if isinstance(data, str) else data
    return list(read_statement(io.BytesIO(raw), currency="EUR", size=len(raw)))


def read_one(entry: str, *, head: str = HEAD) -> Line | Unreadable:
    (line,) = read(f"{head}{entry}\n-\n")
    return line


def test_a_german_statement_across_the_turn_of_the_year():
    lines = read(sample("german.mt940"))
    assert [(line.kind, line.amount) for line in lines if isinstance(line, Line)] == [
        (Kind.CREDIT, Decimal("1234.56")),
        (Kind.CHARGE, Decimal("4.90")),
        (Kind.REVERSAL, Decimal("80.00")),
        (Kind.REVERSAL, Decimal("25.00")),
        (Kind.PENDING, Decimal("77.00")),
        (Kind.DEBIT, Decimal("10.00")),
    ]
    first = lines[0]
    assert isinstance(first, Line)
    assert first.booked_on == datetime.date(2025, 1, 1)
    assert first.text == "EREF+NOTPROVIDED SVWZ+Rechnung K7M4-9 QXT danke fuer alles"
    assert (first.payer_name, first.payer_account) == ("Amara Okafor", "DE02500105170137075030")
    assert first.account == "12030000/0000202051"
    assert first.raw.startswith(":61:2412310101C1234,56")


def test_two_dutch_statements_with_plain_and_slashed_details():
    first, fee, dollars = read(sample("dutch.mt940"))
    assert isinstance(first, Line)
    assert (first.payer_name, first.payer_account) == ("Ingrid Bo", "DE02500105170137075030")
    assert "K7M49QXT" in first.text
    assert "Betaling order" in first.text
    assert isinstance(fee, Line)
    assert fee.text == "plain text over two lines"
    assert isinstance(dollars, Line)
    assert (dollars.kind, dollars.currency, dollars.account) == (Kind.FOREIGN, "USD", "NL91ABNA0417164300USD")


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("C", Kind.CREDIT),
        ("CR", Kind.CREDIT),  # R is the last letter of EUR
        ("D", Kind.DEBIT),
        ("RC", Kind.REVERSAL),
        ("RD", Kind.REVERSAL),
        ("EC", Kind.PENDING),
        ("ED", Kind.PENDING),
    ],
)
def test_each_mark_has_its_kind(mark: str, kind: Kind):
    line = read_one(f":61:2411051105{mark}5,00NTRFNONREF")
    assert isinstance(line, Line)
    assert (line.kind, line.amount) == (kind, Decimal("5.00"))


@pytest.mark.parametrize(
    ("dates", "day"),
    [
        ("2412310102", datetime.date(2025, 1, 2)),
        ("2501021231", datetime.date(2024, 12, 31)),
        ("241105", datetime.date(2024, 11, 5)),
        ("241105    ", datetime.date(2024, 11, 5)),
        ("2402300229", datetime.date(2024, 2, 29)),
        ("9911051105", datetime.date(1999, 11, 5)),
    ],
)
def test_the_booking_day_is_nearest_to_the_value_date(dates: str, day: datetime.date):
    line = read_one(f":61:{dates}C5,NTRFNONREF")
    assert isinstance(line, Line)
    assert line.booked_on == day


@pytest.mark.parametrize(
    "entry",
    [
        *("2411051105X5,00NTRFNONREF", "2413051105C5,00NTRFNONREF", "240230C5,00NTRFNONREF", "2411051131C5,00NTRFNONREF"),
        *(
            "2411051105CNTRFNONREF",
            "2411051105C1.234,56NTRFNONREF",
            "2411051105C0,00NTRFNONREF",
            "2411051105C5,001NTRFNONREF",
            "",
        ),
        *("2411051105C99999999999999999999,00NTRFNONREF", ""),
    ],
)
def test_a_line_that_cannot_be_read_is_put_aside_and_the_next_one_read(entry: str):
    bad, good = read(f"{HEAD}:61:{entry}\n:86:text\n:61:2411051105C5,00NTRFNONREF\n:62F:C241105EUR99,00\n-\n")
    assert isinstance(bad, Unreadable)
    assert bad.raw == f":61:{entry}\n:86:text".rstrip("\n")
    assert isinstance(good, Line)


def test_a_reference_of_the_payer_stands_in_the_text_and_that_of_the_bank_is_no_id():
    line = read_one(":61:2411051105C5,00NTRFK7M49QXT//BATCH-1")
    assert isinstance(line, Line)
    assert (line.text, line.bank_id) == ("K7M49QXT", "")


def test_a_text_broken_at_the_full_width_is_joined_without_a_space():
    line = read_one(":61:2411051105C5,00NTRFNONREF\n:86:166?20abcdefghijklmnopqrstuvwxyzK?217M4-9QXT?22end\n?60 more")
    assert isinstance(line, Line)
    assert line.text == "abcdefghijklmnopqrstuvwxyzK7M4-9QXT end more"


def test_a_text_that_looks_like_an_unknown_field_stays_text():
    line = read_one(":61:2411051105C5,00NTRFNONREF\n:86:see\n:12:30 at the door")
    assert isinstance(line, Line)
    assert line.text == "see :12:30 at the door"


def test_lines_that_do_not_add_up_to_the_closing_balance_are_said():
    """A payer's text in a careless bank's file may look like a whole entry: then the balance gives it away."""
    text = f"{HEAD}:61:2411051105C5,00NTRFNONREF\n:86:hello\n:61:2411051105C900,00NTRFNONREF\n:62F:C241105EUR5,00\n-\n"
    _first, _forged, alarm = read(text)
    assert isinstance(alarm, Unreadable)
    assert "add up" in alarm.reason
    assert len(read(text.replace("EUR5,00\n-", "EUR905,00\n-"))) == 2


def test_an_interim_report_has_pending_lines_alone():
    line = read_one(":61:2411051105C5,00NTRFNONREF", head=":20:X\n:25:DE02\n:28C:1\n:34F:EUR0,\n:13D:2411051200+0100\n")
    assert isinstance(line, Line)
    assert (line.kind, line.currency) == (Kind.PENDING, "EUR")


def test_details_of_the_whole_statement_belong_to_no_line():
    line = read_one(":61:2411051105C5,00NTRFNONREF\n:86:mine\n:62F:C241105EUR5,00\n:86:of the statement")
    assert isinstance(line, Line)
    assert line.text == "mine"


@pytest.mark.parametrize("data", [sample("german.mt940").replace(b"EC77", b"C77"), make_mt940(20)], ids=["sample", "made"])
def test_we_agree_with_the_mt940_library(data: bytes):
    theirs = mt940.models.Transactions(options=mt940.options.Options(reversal_sign=True))
    theirs.parse(data.decode())
    ours = [line for line in read(data) if isinstance(line, Line)]
    assert [line.amount for line in ours] == [abs(one.data["amount"].amount) for one in theirs]
    assert [line.booked_on for line in ours] == [one.data["entry_date"] for one in theirs]
    assert [line.currency for line in ours] == [one.data["currency"] for one in theirs]
    assert len(ours) >= 6
