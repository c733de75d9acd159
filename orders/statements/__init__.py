"""Readers of bank statement files: CSV, MT940, CAMT and OFX in, lines out. Pure Python: no database, no request."""

from orders.statements.formats import Format, detect_format
from orders.statements.guessing import guess_mapping
from orders.statements.lines import Kind, Line, StatementError, Unreadable
from orders.statements.mapping import CsvMapping
from orders.statements.reading import MAX_STATEMENT_BYTES, read_statement

__all__ = [
    "MAX_STATEMENT_BYTES",
    "CsvMapping",
    "Format",
    "Kind",
    "Line",
    "StatementError",
    "Unreadable",
    "detect_format",
    "guess_mapping",
    "read_statement",
]
