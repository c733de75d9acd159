"""The one door: a file of bytes in, its lines out, whatever its format."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from django.utils.translation import gettext as _

from orders.statements.camt import read_camt
from orders.statements.encodings import CHUNK
from orders.statements.formats import Format, detect_format
from orders.statements.guessing import guess_mapping
from orders.statements.lines import Line, StatementError, Unreadable, without_shared_ids
from orders.statements.mapping import CsvMapping
from orders.statements.mt940 import read_mt940
from orders.statements.ofx import read_ofx
from orders.statements.tables import read_table

MAX_STATEMENT_BYTES = 100_000_000


def read_statement(file: BinaryIO, *, currency: str, mapping: CsvMapping | None = None, size: int) -> Iterator[Line | Unreadable]:
    """The lines of a bank statement of an account in `currency`, one at a time; `size` in bytes. `mapping` is for tables alone.

    Raises `StatementError` at once where the whole file cannot be read, and nothing after that: what cannot be read
    further down is an `Unreadable`. The file must be seekable; it is read from its start and left open.
    """
    if size > MAX_STATEMENT_BYTES:
        limit = MAX_STATEMENT_BYTES // 1_000_000
        raise StatementError(_("The file is larger than %(limit)d MB. Download a shorter period.") % {"limit": limit})
    file.seek(0)
    head = file.read(CHUNK)
    lines = without_shared_ids(_read(file, head, currency, mapping))
    return chain(list(islice(lines, 1)), lines)


def _read(file: BinaryIO, head: bytes, currency: str, mapping: CsvMapping | None) -> Iterator[Line | Unreadable]:
    match detect_format(head):
        case Format.CAMT:
            return read_camt(file, currency=currency)
        case Format.OFX:
            return read_ofx(file, currency=currency)
        case Format.MT940:
            return read_mt940(file, currency=currency)
        case Format.CSV:
            mapping = mapping or guess_mapping(head)
            if not mapping:
                raise StatementError(_("Say in the column mapping which column of this table holds the date, which the amount."))
            return read_table(file, currency=currency, mapping=mapping)
