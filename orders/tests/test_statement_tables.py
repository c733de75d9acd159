"""Tables (CSV): how dates and amounts are settled over the whole file, and what is put aside instead of guessed."""

import io
from datetime import date
from decimal import Decimal

import pytest

from orders.statements import CsvMapping, Kind, Line, StatementError, Unreadable, guess_mapping, read_statement
from orders.tests.bank_files.samples import sample

pytestmark = pytest.mark.once

SIMPLE = CsvMapping(date="Date", amount="Amount", text=("Text",), delimiter=";")


def read(text: str | bytes, mapping: CsvMapping | None = SIMPLE, currency: str = "EUR") -> list[Line | Unreadable]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_statement(io.BytesIO(data), currency=currency, mapping=mapping, size=len(data)))


def read_amounts(*amounts: str, currency: str = "EUR", mapping: CsvMapping = SIMPLE) -> list[Decimal | str]:
    rows = "\n".join(f"2024-11-05;{amount};x" for amount in amounts)
    lines = read(f"Date;Amount;Text\n{rows}\n", mapping, currency)
    return [line.amount if isinstance(line, Line) else line.reason for line in lines]


@pytest.mark.parametrize(
    ("written", "kind", "amount", "currency"),
    [
        ("1.234,56", Kind.CREDIT, "1234.56", "EUR"),
        ("1,234.56", Kind.CREDIT, "1234.56", "EUR"),
        ("12,34,567.89", Kind.CREDIT, "1234567.89", "EUR"),
        ("1 234,56", Kind.CREDIT, "1234.56", "EUR"),
        ("1\u202f234,56 €", Kind.CREDIT, "1234.56", "EUR"),
        ("1'234.50", Kind.CREDIT, "1234.50", "EUR"),
        ("+5", Kind.CREDIT, "5.00", "EUR"),
        ("5 CR", Kind.CREDIT, "5.00", "EUR"),
        ("EUR 5,00", Kind.CREDIT, "5.00", "EUR"),
        ("١٢٣٤٫٥٦", Kind.CREDIT, "1234.56", "EUR"),
        (",50", Kind.CREDIT, "0.50", "EUR"),
        ("(12.00)", Kind.DEBIT, "12.00", "EUR"),
        ("12.00-", Kind.DEBIT, "12.00", "EUR"),
        ("-12,00", Kind.DEBIT, "12.00", "EUR"),
        ("−12,00", Kind.DEBIT, "12.00", "EUR"),
        ("€ -12.00", Kind.DEBIT, "12.00", "EUR"),
        ("12.00 DR", Kind.DEBIT, "12.00", "EUR"),
        ("USD 5.00", Kind.FOREIGN, "5.00", "USD"),
        ("£5.00", Kind.FOREIGN, "5.00", "GBP"),
        ("5.00 CHF", Kind.FOREIGN, "5.00", "CHF"),
    ],
)
def test_an_amount_is_read_with_its_sign_and_currency(written: str, kind: Kind, amount: str, currency: str):
    (line,) = read(f"Date;Amount;Text\n2024-11-05;{written};x\n")
    assert isinstance(line, Line), line
    assert (line.kind, line.amount, line.currency) == (kind, Decimal(amount), currency)


@pytest.mark.parametrize(
    "written",
    [
        *("abc", "12,3,4", "1.23.456,7", "--5", "-(5)", "5-5", "(5", "5)", "NaN", "Infinity", "1e5", "0x10", "=1+1", "1,2345.6"),
        *("12 34", "1 2345", "0", "0,00", "-0.00", "12.345,678", "5,001", "9999999999", "5 EUR USD", "€5$", "+5-", "12.", "."),
    ],
)
def test_what_is_no_amount_is_put_aside_and_never_zero(written: str):
    (line,) = read(f"Date;Amount;Text\n2024-11-05;{written};x\n")
    assert isinstance(line, Unreadable), line
    assert written in line.raw
    assert line.reason.endswith(".")


def test_the_decimal_mark_of_one_line_settles_the_others():
    assert read_amounts("1.234", "12,50") == [Decimal("1234.00"), Decimal("12.50")]
    assert read_amounts("1,234", "12.50") == [Decimal("1234.00"), Decimal("12.50")]
    assert read_amounts("1.234", "1.234.567") == [Decimal("1234.00"), Decimal("1234567.00")]


def test_an_amount_that_nothing_settles_is_put_aside():
    one, two = read_amounts("1.234", "500")
    assert "two ways" in str(one)
    assert two == Decimal("500.00")


def test_a_file_that_writes_both_ways_settles_nothing():
    first, ambiguous, second = read_amounts("12,50", "1.234", "12.50")
    assert (first, second) == (Decimal("12.50"), Decimal("12.50"))
    assert "two ways" in str(ambiguous)


def test_the_mapping_may_settle_the_decimal_mark():
    mapping = CsvMapping(date="Date", amount="Amount", delimiter=";", decimal_mark=",")
    assert read_amounts("150.000", currency="IDR", mapping=mapping) == [Decimal("150000.00")]


def test_a_currency_without_decimals_groups_and_one_with_three_is_ambiguous():
    assert read_amounts("1,234", "12.000", currency="JPY") == [Decimal(1234), Decimal(12000)]
    assert "two ways" in str(read_amounts("1.234", currency="KWD")[0])
    assert read_amounts("1.234", "0.500", currency="KWD") == [Decimal("1.234"), Decimal("0.500")]


def read_dates(*dates: str, mapping: CsvMapping = SIMPLE) -> list[date | str]:
    lines = read("Date;Amount;Text\n" + "".join(f"{day};5,00;x\n" for day in dates), mapping)
    return [line.booked_on if isinstance(line, Line) else line.reason for line in lines]


@pytest.mark.parametrize(
    "written",
    [
        *("2024-11-05", "20241105", "2024/11/05", "2024-11-05T23:59:00Z", "2024-11-05 10:00:00", "05.11.2024", "5.11.24"),
        *(
            "05.11.2024 10:15",
            "5 Nov 2024",
            "05-NOV-2024",
            "5. November 2024",
            "Nov 5, 2024",
            "5 nov. 2024",
            "5 de noviembre de 2024",
        ),
    ],
)
def test_a_date_that_can_only_be_one_day_is_read(written: str):
    assert read_dates(written) == [date(2024, 11, 5)]


def test_a_day_above_twelve_settles_the_order_of_the_others():
    assert read_dates("05/11/2024", "25/11/2024") == [date(2024, 11, 5), date(2024, 11, 25)]
    assert read_dates("05/11/2024", "05/25/2024") == [date(2024, 5, 11), date(2024, 5, 25)]


def test_a_date_that_nothing_settles_is_put_aside_with_the_way_out():
    ambiguous, same = read_dates("05/11/2024", "07/07/2024")
    assert "date format" in str(ambiguous)
    assert same == date(2024, 7, 7)


def test_a_file_with_both_orders_settles_nothing():
    ambiguous, *sure = read_dates("05/11/2024", "25/11/2024", "05/25/2024")
    assert "date format" in str(ambiguous)
    assert sure == [date(2024, 11, 25), date(2024, 5, 25)]


@pytest.mark.parametrize("date_format", ["%m/%d/%Y", "MM/DD/YYYY"])
def test_the_mapping_may_settle_the_date_format(date_format: str):
    mapping = CsvMapping(date="Date", amount="Amount", delimiter=";", date_format=date_format)
    assert read_dates("05/11/2024", mapping=mapping) == [date(2024, 5, 11)]
    assert "no such date" in str(read_dates("25/11/2024", mapping=mapping)[0])


@pytest.mark.parametrize(
    "written", ["31.02.2024", "2024-13-01", "00.00.0000", "1989-12-31", "2099-01-01", "yesterday", "", "5 Foo 2024"]
)
def test_an_impossible_date_is_put_aside(written: str):
    (line,) = read(f"Date;Amount;Text\n{written};5,00;x\n")
    assert isinstance(line, Unreadable)


def test_columns_for_each_direction():
    mapping = CsvMapping(date="Date", credit="In", debit="Out", delimiter=";")
    rows = ["5,00;", ";6,00", "0,00;-7,00", "-8,00;", "9,00;9,00", ";"]
    lines = read("Date;In;Out\n" + "".join(f"2024-11-05;{row}\n" for row in rows), mapping)
    assert [line.kind if isinstance(line, Line) else None for line in lines] == [
        *(Kind.CREDIT, Kind.DEBIT, Kind.DEBIT, Kind.REVERSAL, None, None),
    ]


def test_a_word_beside_the_amount_says_its_direction():
    mapping = CsvMapping(date="Date", amount="Amount", direction="Af Bij", delimiter=";")
    rows = ["5,00;Bij", "6,00;Af", "7,00;?", "-8,00;Bij"]
    lines = read("Date;Amount;Af Bij\n" + "".join(f"2024-11-05;{row}\n" for row in rows), mapping)
    assert [line.kind if isinstance(line, Line) else None for line in lines] == [Kind.CREDIT, Kind.DEBIT, None, Kind.REVERSAL]


def test_a_column_of_types_that_holds_directions_is_found():
    lines = read("Date,Type,Amount\n2024-11-05,Credit,5.00\n2024-11-06,Debit,6.00\n", None)
    assert [line.kind for line in lines if isinstance(line, Line)] == [Kind.CREDIT, Kind.DEBIT]


def test_a_delimiter_in_a_text_never_moves_another_number_into_the_amount():
    good, shifted = read("Date,Text,Amount,Balance\n2024-11-05,a,5.00,10.00\n2024-11-05,Room 1, 200,7.00,17.00\n", None)
    assert isinstance(good, Line)
    assert isinstance(shifted, Unreadable)


def test_a_stray_quotation_mark_spoils_its_own_line_alone():
    rows = ['1,00;"never closed', '2,00;12" pipe', '3,00;"a\nb; ""c"""', "4,00;d"]
    lines = read("Date;Amount;Text\n" + "".join(f"2024-11-05;{row}\n" for row in rows))
    assert [line.amount if isinstance(line, Line) else line.position for line in lines] == [
        *(Decimal(1), Decimal(2), Decimal(3), Decimal(4)),
    ]
    assert [line.text for line in lines if isinstance(line, Line)] == ["never closed", '12" pipe', 'a b; "c"', "d"]
    assert [line.position for line in lines] == [2, 3, 4, 6]


def test_a_quotation_mark_before_the_amount_puts_the_line_aside():
    bad, good = read('Date;Amount;Text\n2024-11-05;"1,00;x\n2024-11-05;"2,00";x\n')
    assert isinstance(bad, Unreadable)
    assert isinstance(good, Line)


def test_short_lines_totals_and_empty_lines():
    lines = read("Date;Amount;Text\n\n;;\n2024-11-05;5,00;x\n2024-11-05\nTotal;5,00;\n;5,00;\n2024-11-05;;y\n")
    assert [isinstance(line, Line) for line in lines] == [True, False, False, False, False]
    assert [line.position for line in lines] == [4, 5, 6, 7, 8]


def test_a_line_in_two_currencies_is_put_aside():
    mapping = CsvMapping(date="Date", amount="Amount", currency="Currency", delimiter=";")
    foreign, torn, unknown = read("Date;Amount;Currency\n2024-11-05;5;usd\n2024-11-05;5 GBP;EUR\n2024-11-05;5;XQX\n", mapping)
    assert isinstance(foreign, Line)
    assert (foreign.kind, foreign.currency) == (Kind.FOREIGN, "USD")
    assert isinstance(torn, Unreadable)
    assert isinstance(unknown, Unreadable)


def test_a_table_without_headings_is_read_by_numbers():
    mapping = CsvMapping(date="1", amount="3", text=("2",), header_row=0)
    (line,) = read("05.11.2024;K7M4-9QXT;5,00\n", mapping)
    assert isinstance(line, Line)
    assert (line.text, line.amount, line.position) == ("K7M4-9QXT", Decimal("5.00"), 1)


def test_the_line_that_names_the_delimiter_is_believed():
    (line,) = read("sep=|\nDate|Amount|Text\n2024-11-05|5,00|a;b;c\n", None)
    assert isinstance(line, Line)
    assert line.text == "a;b;c"


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"date": "Datum"}, "There is no column “Datum”. The columns are: Date, Amount, Text."),
        ({"date": "9"}, "There is no column “9”"),
        ({"date": "9" * 5000}, "There is no column “999"),
        ({"header_row": 7}, "no headings in line 7"),
    ],
)
def test_a_table_without_the_columns_of_the_mapping_is_refused(columns: dict[str, object], complaint: str):
    mapping = CsvMapping.from_json({**SIMPLE.to_json(), **columns})
    with pytest.raises(StatementError, match=complaint):
        read("Date;Amount;Text\n2024-11-05;5,00;x\n", mapping)


def test_a_heading_that_stands_twice_is_refused_by_name_and_found_by_number():
    text = "Date;Amount;Amount\n2024-11-05;5,00;100,00\n"
    with pytest.raises(StatementError, match="more than one column"):
        read(text, CsvMapping(date="Date", amount="Amount"))
    (line,) = read(text, CsvMapping(date="Date", amount="2"))
    assert isinstance(line, Line)
    assert line.amount == Decimal("5.00")


@pytest.mark.parametrize(
    "data",
    [
        *(
            None,
            [],
            "x",
            {},
            {"date": ""},
            {"date": "a"},
            {"date": 1, "amount": "b"},
            {"date": "a", "amount": "b", "colour": "c"},
        ),
        *(
            {"date": "a", "amount": "b", "credit": "c"},
            {"date": "a", "debit": "c"},
            {"date": "a", "credit": "b", "direction": "c"},
        ),
        *({"date": "a", "amount": "b", "text": "c"}, {"date": "a", "amount": "b", "text": [1]}),
        *({"date": "a", "amount": "b", "header_row": True}, {"date": "a", "amount": "b", "header_row": -1}),
        *({"date": "0", "amount": "2", "header_row": 0}, {"date": "9" * 5000, "amount": "2", "header_row": 0}),
        *({"date": "a", "amount": "b", "header_row": 0}, {"date": "a", "amount": "b", "delimiter": ";;"}),
        *({"date": "a", "amount": "b", "delimiter": '"'}, {"date": "a", "amount": "b", "date_format": "%d/%m"}),
        {"date": "a", "amount": "b", "decimal_mark": ";"},
    ],
)
def test_a_mapping_that_cannot_be_is_refused_with_a_sentence(data: object):
    with pytest.raises(StatementError) as refusal:
        CsvMapping.from_json(data)
    assert refusal.value.code == "statement_unreadable"
    assert refusal.value.message.endswith((".", ","))


def test_a_mapping_survives_json():
    mapping = CsvMapping(date="a", amount="b", text=("c", "d"), delimiter="\t", decimal_mark=",", pending_words=("soon",))
    assert CsvMapping.from_json(mapping.to_json()) == mapping


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ("Date,Description,Amount", {"date": "Date", "amount": "Amount"}),
        ("Transaction Date\tDetails\tDebit\tCredit\tBalance", {"credit": "Credit", "debit": "Debit"}),
        ("Buchungstag;Auftraggeber;Verwendungszweck;Betrag;Währung", {"date": "Buchungstag", "payer_name": "Auftraggeber"}),
        ("Buchung;Valuta;Auftraggeber/Empfänger;Verwendungszweck;Saldo;Währung;Betrag;Währung", {"currency": "6"}),
        ("Date d'opération;Libellé;Débit;Crédit", {"date": "Date d'opération", "credit": "Crédit"}),
        ("Fecha;Concepto;Importe;Divisa", {"date": "Fecha", "amount": "Importe", "currency": "Divisa"}),
        ("Data Mov.;Descrição;Débito;Crédito;Saldo", {"date": "Data Mov.", "debit": "Débito"}),
        ("Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance", {"credit": "Paid In"}),
        ("Datum;Naam / Omschrijving;Rekening;Tegenrekening;Code;Af Bij;Bedrag (EUR);Mededelingen", {"direction": "Af Bij"}),
    ],
)
def test_usual_headings_are_guessed(headings: str, expected: dict[str, str]):
    mapping = guess_mapping(f"Some Bank\n\n{headings}\n".encode())
    assert mapping
    assert mapping.header_row == 3
    assert {name: getattr(mapping, name) for name in expected} == expected


def test_no_mapping_is_guessed_from_anything_else():
    assert guess_mapping(b"a;b;c\n1;2;3\n") is None
    assert guess_mapping(b"Date;Balance\n") is None
    assert guess_mapping(b"Date;Credit\n") is None
    assert guess_mapping(b"") is None
    with pytest.raises(StatementError, match="column mapping"):
        read("a;b;c\n1;2;3\n", None)


def test_a_file_of_a_german_bank():
    lines = read(sample("german_bank.csv"), None)
    assert [(line.kind, line.amount) for line in lines[:6] if isinstance(line, Line)] == [
        (Kind.CREDIT, Decimal("1234.56")),
        (Kind.CREDIT, Decimal("80.00")),
        (Kind.DEBIT, Decimal("4.90")),
        (Kind.CREDIT, Decimal("1500.00")),
        (Kind.PENDING, Decimal("15.00")),
        (Kind.FOREIGN, Decimal("20.00")),
    ]
    first, second, *_rest, total = lines
    assert isinstance(first, Line)
    assert (first.text, first.payer_name, first.payer_account) == ("Rechnung K7M4-9QXT", "Amara Okafor", "DE02500105170137075030")
    assert isinstance(second, Line)
    assert second.text == 'Zahlung; "eilig" zweite Zeile'
    assert isinstance(total, Unreadable)
    assert "Endsaldo" in total.raw


def test_a_charge_with_the_id_of_its_deposit_takes_it_from_it_in_no_order():
    head = "Receipt No,Completion Time,Details,Paid In,Withdrawn\n"
    deposit, charge = "R77,2024-11-05 10:00:00,K7M49QXT,50.00,\n", "R77,2024-11-05 10:00:00,Fee,,-1.00\n"
    for text in (head + deposit + charge, head + charge + deposit):
        ids = {line.kind: line.bank_id for line in read(text, None) if isinstance(line, Line)}
        assert ids == {Kind.CREDIT: "R77", Kind.DEBIT: "R77/debit"}


def test_what_a_wallet_declined_or_took_back_is_no_deposit():
    lines = read(sample("wallet.csv"), None)
    assert [line.kind for line in lines if isinstance(line, Line)] == [Kind.CREDIT, Kind.PENDING, Kind.PENDING, Kind.DEBIT]
