"""Which column of a bank's table holds what: kept per payment method as JSON, or guessed from usual headings."""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, Self

from django.utils.translation import gettext as _

from orders.statements.dates import strptime_format
from orders.statements.lines import StatementError

DELIMITERS = (";", ",", "\t", "|")
PENDING_WORDS = (
    *("pending", "authorised", "authorized", "declined", "reverted", "failed", "cancelled", "canceled", "rejected", "expired"),
    *("vorgemerkt", "vormerkung", "offen", "storniert", "nicht gebucht", "en attente", "en cours", "annulé", "refusé"),
    *("pendiente", "en proceso", "rechazado", "anulado", "pendente", "em processamento", "cancelado", "recusado"),
)
# How banks write the direction beside an amount without a sign.
IN_WORDS = {"c", "cr", "crdt", "credit", "h", "haben", "bij", "in", "haber", "abono", "credito", "entrada", "gutschrift", "+"}
OUT_WORDS = {
    "d",
    "dr",
    "dbit",
    "debit",
    "s",
    "soll",
    "af",
    "out",
    "debe",
    "cargo",
    "debito",
    "saida",
    "lastschrift",
    "belastung",
    "-",
}


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """The text in small letters without accents, as words are compared."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold().strip()) if not unicodedata.combining(c))


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvMapping:
    """Columns by heading or by number from 1; "" where the table has none. Raises `StatementError` for what cannot be.

    Either `amount` has both directions (by its sign, or by the words in `direction`), or `credit` and `debit` have one each.
    """

    date: str
    delimiter: str = ""  # "": found out
    header_row: int = 1  # 0: none
    date_format: str = ""  # as for strptime, or `DD.MM.YYYY`; "": found out, where the file shows it
    decimal_mark: str = ""  # `.` or `,`; "": found out, where the file shows it
    amount: str = ""
    credit: str = ""
    debit: str = ""
    direction: str = ""
    text: tuple[str, ...] = ()
    payer_name: str = ""
    payer_account: str = ""
    bank_id: str = ""
    currency: str = ""
    status: str = ""
    pending_words: tuple[str, ...] = PENDING_WORDS

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise StatementError(problem)

    @property
    def columns(self) -> dict[str, str]:
        """What is looked for, by field; those of `text` are `text 1`, `text 2` …"""
        single = {name: getattr(self, name) for name in SINGLE_COLUMNS}
        texts = {f"text {number}": column for number, column in enumerate(self.text, start=1)}
        return {name: column for name, column in {**single, **texts}.items() if column}

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The mapping of a plain dictionary. Raises `StatementError` for unknown names and values of another type."""
        if not isinstance(data, Mapping):
            raise StatementError(_("The column mapping is not an object with names and values."))
        known = {one.name for one in fields(cls)}
        unknown = sorted(str(name) for name in set(data) - known)
        if unknown:
            raise StatementError(_("The column mapping has a name nobody knows: %(name)s.") % {"name": unknown[0][:50]})
        if "date" not in data:
            raise StatementError(_("The column mapping does not say which column holds the date."))
        return cls(**{name: _typed(name, value) for name, value in data.items()})


SINGLE_COLUMNS = (
    *("date", "amount", "credit", "debit", "direction"),
    *("payer_name", "payer_account", "bank_id", "currency", "status"),
)


def _typed(name: str, value: Any) -> Any:
    if name == "header_row":
        right = isinstance(value, int) and not isinstance(value, bool)
    elif name in ("text", "pending_words"):
        right = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        value = tuple(value) if right else value
    else:
        right = isinstance(value, str)
    if not right:
        raise StatementError(_("The value of “%(name)s” in the column mapping has the wrong type.") % {"name": name})
    return value


def _problem(mapping: CsvMapping) -> str:
    """What is wrong with the mapping, as a sentence; "" if nothing is."""
    if not mapping.date.strip():
        return _("The column mapping does not say which column holds the date.")
    if not (mapping.amount or mapping.credit):
        return _("The column mapping does not say which column holds the amount.")
    if mapping.amount and (mapping.credit or mapping.debit):
        return _("Map either one column with all amounts, or one for money in and one for money out.")
    if mapping.direction and not mapping.amount:
        return _("A column for the direction needs one column with all amounts.")
    if mapping.delimiter and (len(mapping.delimiter) != 1 or mapping.delimiter in '"\r\n' or mapping.delimiter.isalnum()):
        return _("The delimiter of the column mapping is a single character such as ; or ,")
    if mapping.decimal_mark not in ("", ".", ","):
        return _("The decimal mark of the column mapping is a point or a comma.")
    if not 0 <= mapping.header_row <= 1000:
        return _("The row of the headings is a number from 0 (none) to 1000.")
    if mapping.header_row == 0 and not all(column_number(column) for column in mapping.columns.values()):
        return _("Without a row of headings, columns are named by their number.")
    if mapping.date_format and not _has_whole_date(strptime_format(mapping.date_format)):
        return _("The date format of the column mapping needs a day, a month and a year, for example DD.MM.YYYY.")
    return ""


def column_number(column: str) -> int:
    """The number from 1 the column is named by; 0 if it is named by its heading."""
    return int(column) if column.isdecimal() and len(column) <= 4 else 0


def _has_whole_date(date_format: str) -> bool:
    return (
        "%d" in date_format
        and any(month in date_format for month in ("%m", "%b", "%B"))
        and any(year in date_format for year in ("%Y", "%y"))
    )
