"""CSV: read twice, once to settle how the file writes dates and decimals, once to read its rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import BinaryIO

from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from orders.statements.amounts import MARKS, Cell, amount_of, parse_cell
from orders.statements.dates import ORDERS, date_in_format, date_of, date_readings
from orders.statements.encodings import text_lines
from orders.statements.lines import Booking, Kind, Line, LineError, StatementError, Unreadable, clean, settle, unreadable
from orders.statements.mapping import IN_WORDS, OUT_WORDS, CsvMapping, column_number, folded
from orders.statements.rows import Row, heading, rows, sniff_delimiter

_HEAD_LINES = 60


@dataclass(frozen=True, slots=True)
class _Table:
    """How one file is laid out: where each field stands, and how it writes dates and decimals."""

    mapping: CsvMapping
    currency: str
    delimiter: str
    places: dict[str, int]
    width: int
    orders: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()

    def cell(self, row: tuple[str, ...], field: str) -> str:
        return row[self.places[field]] if field in self.places else ""


def read_table(file: BinaryIO, *, currency: str, mapping: CsvMapping) -> Iterator[Line | Unreadable]:
    """The lines below the headings. Raises `StatementError` where the file has not the columns of the mapping."""
    table = _survey(file, _layout(file, currency, mapping))
    for row in _body(file, table):
        try:
            cells = _whole(row, table)
            booking = _booking(cells, row.raw, table)
        except DomainError as error:
            yield unreadable(row.number, row.raw, error)
        else:
            yield settle(row.number, booking, currency)


def _layout(file: BinaryIO, currency: str, mapping: CsvMapping) -> _Table:
    first_lines = list(islice(text_lines(file), max(_HEAD_LINES, mapping.header_row + _HEAD_LINES)))
    delimiter = mapping.delimiter or sniff_delimiter(first_lines)
    top = [row for row in rows(first_lines, delimiter) if row.cells]
    if not mapping.header_row:
        width = max((len(row.cells or ()) for row in top), default=0)
        places = {name: column_number(column) - 1 for name, column in mapping.columns.items()}
        return _Table(mapping, currency, delimiter, places, width)
    headings = next((row.cells for row in top if row.number == mapping.header_row), None)
    if not headings:
        raise StatementError(
            _("There are no headings in line %(line)d. Check the column mapping.") % {"line": mapping.header_row}
        )
    places = {name: _place(column, headings) for name, column in mapping.columns.items()}
    return _Table(mapping, currency, delimiter, places, len(headings))


def _place(column: str, headings: tuple[str, ...]) -> int:
    """Where the column stands, by its exact heading, by one that differs in case, accents or signs, or by its number."""
    found = [place for place, name in enumerate(headings) if name == column.strip()]
    found = found or [place for place, name in enumerate(headings) if heading(column) and heading(name) == heading(column)]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        reason = _("There is more than one column “%(column)s”. Name it by its number in the column mapping.")
        raise StatementError(reason % {"column": clean(column, 60)})
    if 1 <= column_number(column) <= len(headings):
        return column_number(column) - 1
    raise StatementError(
        _("There is no column “%(column)s”. The columns are: %(columns)s.")
        % {"column": clean(column, 60), "columns": clean(", ".join(headings), 300)}
    )


def _body(file: BinaryIO, table: _Table) -> Iterator[Row]:
    """The rows below the headings, without empty ones."""
    for row in rows(text_lines(file), table.delimiter):
        if row.number > table.mapping.header_row and (row.cells is None or any(row.cells)):
            yield row


def _survey(file: BinaryIO, table: _Table) -> _Table:
    """The table with what all its rows together show about the order of dates and about the decimal mark."""
    orders: set[frozenset[str]] = set()
    marks: set[frozenset[str]] = set()
    for row in _body(file, table):
        try:
            cells = _whole(row, table)
            figures = _figures(cells, table)
            if figures and not table.mapping.date_format:
                orders.add(frozenset(date_readings(table.cell(cells, "date"))))
        except DomainError:
            continue  # said when the row is read
        marks |= {frozenset(figure.readings) for figure in figures}
    mark = frozenset(table.mapping.decimal_mark)
    return replace(table, orders=_agreed(ORDERS, orders), marks=mark or _agreed(MARKS, marks))


def _agreed(all_ways: Iterable[str], possible: Iterable[frozenset[str]]) -> frozenset[str]:
    """The ways of writing that are possible in every row: one if the file shows it, none if it has several."""
    return frozenset(all_ways).intersection(*possible)


def _whole(row: Row, table: _Table) -> tuple[str, ...]:
    """The cells of a row. A row with more of them than headings has a delimiter in a text, and its amount stands elsewhere."""
    if row.cells is None:
        raise LineError(_("The quotation marks of this line do not match, or it is too long."))
    if any(row.cells[table.width :]):
        raise LineError(_("This line has more columns than the table."))
    if len(row.cells) <= max(table.places.values()):
        raise LineError(_("This line has too few columns. It is not a booking."))
    return row.cells


def _figures(cells: tuple[str, ...], table: _Table) -> list[Cell]:
    """The amounts of the row that are there, in the columns for amount, money in and money out."""
    texts = [table.cell(cells, field) for field in ("amount", "credit", "debit")]
    return [parse_cell(text, table.currency) for text in texts if text]


def _booking(cells: tuple[str, ...], raw: str, table: _Table) -> Booking:
    day = table.cell(cells, "date")
    if not day:
        raise LineError(_("This line has no date. It is not a booking."))
    figure, amount, incoming, taken_back = _amount(cells, table)
    pending = _is_pending(table.cell(cells, "status"), table.mapping.pending_words)
    kind = Kind.PENDING if pending else Kind.REVERSAL if taken_back else Kind.CREDIT if incoming else Kind.DEBIT
    currency = table.cell(cells, "currency").upper()
    if currency and figure.currency and currency != figure.currency:
        raise LineError(_("This line names two currencies."))
    texts = [table.cell(cells, field) for field in table.places if field.startswith("text ")]
    mapping = table.mapping
    return Booking(
        booked_on=date_in_format(day, mapping.date_format) if mapping.date_format else date_of(day, table.orders),
        amount=amount,
        currency=currency or figure.currency or table.currency,
        kind=kind,
        raw=raw,
        bank_id=table.cell(cells, "bank_id"),
        text=" ".join(text for text in texts if text),
        payer_name=table.cell(cells, "payer_name"),
        payer_account=table.cell(cells, "payer_account"),
    )


def _amount(cells: tuple[str, ...], table: _Table) -> tuple[Cell, Decimal, bool, bool]:
    """(cell, amount, whether it came in, whether it is a deposit taken back) of a row."""
    if "amount" in table.places:
        if not table.cell(cells, "amount"):
            raise LineError(_("This line has no amount. It is not a booking."))
        cell = parse_cell(table.cell(cells, "amount"), table.currency)
        incoming, reversed_ = _direction(cells, cell, table)
        return cell, amount_of(cell, table.marks), incoming, reversed_
    found = []
    for field in ("credit", "debit"):
        text = table.cell(cells, field)
        if text:
            cell = parse_cell(text, table.currency)
            amount = amount_of(cell, table.marks)
            if amount:
                found.append((cell, amount, field == "credit", field == "credit" and cell.negative))
    if len(found) != 1:
        raise LineError(_("This line has no amount, or one in each direction."))
    return found[0]


def _direction(cells: tuple[str, ...], cell: Cell, table: _Table) -> tuple[bool, bool]:
    """(whether the money came in, whether a deposit was taken back): by the sign, or by the word beside it."""
    if "direction" not in table.places:
        return not cell.negative, False
    word = folded(table.cell(cells, "direction"))
    if word not in IN_WORDS | OUT_WORDS:
        raise LineError(_("This line does not say whether the money came in or went out."))
    return word in IN_WORDS, word in IN_WORDS and cell.negative


@lru_cache(maxsize=1024)
def _is_pending(status: str, words: tuple[str, ...]) -> bool:
    return any(folded(word) in folded(status) for word in words if word.strip())
