"""The rows of a table file, and its headings: who separates columns how, and which column is meant by a name."""

import csv
import re
import unicodedata
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orders.statements.encodings import MAX_LINE
from orders.statements.mapping import DELIMITERS

_MAX_LINES = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A row, the number of the line it starts in, and its cells; None where nobody can tell the cells apart."""

    number: int
    raw: str
    cells: tuple[str, ...] | None


def rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """The rows of the lines. A quotation mark that is never closed spoils its own line and not those after it."""
    source = iter(lines)
    waiting: deque[str] = deque()
    number = 1
    while True:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            return
        taken = [line]
        quotes = line.count('"')
        while quotes % 2 and len(taken) < _MAX_LINES:
            more = waiting.popleft() if waiting else next(source, None)
            if more is None:
                break
            taken.append(more)
            quotes += more.count('"')
        cells = _cells("\n".join(taken), delimiter, strict=True)
        if cells is None:
            waiting.extendleft(reversed(taken[1:]))
            taken = [line]
            cells = _cells(line, delimiter, strict=False)
        yield Row(number, "\n".join(taken), cells)
        number += len(taken)


def _cells(text: str, delimiter: str, *, strict: bool) -> tuple[str, ...] | None:
    if len(text) >= MAX_LINE:
        return None
    try:
        found = list(csv.reader([text], delimiter=delimiter, strict=strict, skipinitialspace=delimiter != "\t"))
    except csv.Error:
        return None
    if len(found) > 1:
        return None
    return tuple(cell.strip() for cell in found[0]) if found else ()


def sniff_delimiter(lines: list[str]) -> str:
    """The delimiter that cuts most of the lines into the same number of columns, and into most columns of those that do."""
    named = re.fullmatch(r"\ufeff?sep=(.)\s*", lines[0], re.IGNORECASE) if lines else None
    return named[1] if named else max(DELIMITERS, key=lambda delimiter: _regularity(lines, delimiter))


def _regularity(lines: list[str], delimiter: str) -> tuple[int, int]:
    widths = Counter(len(row.cells) for row in rows(lines, delimiter) if row.cells and len(row.cells) > 1)
    if not widths:
        return 0, 0
    width, times = max(widths.items(), key=lambda item: (item[1], item[0]))
    return times, width


def heading(text: str) -> str:
    """A heading as it is compared: small letters without accents, signs and the currency behind it."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.replace("ß", "ss").casefold()) if not unicodedata.combining(c))
    words = re.findall(r"[a-z0-9\u0370-\uffff]+", re.sub(r"\*(?:in|r|n)\b", "", plain))
    if len(words) > 1 and words[-1] in {"eur", "usd", "gbp", "chf", "€"}:
        words.pop()
        words = words[:-1] if len(words) > 1 and words[-1] == "in" else words
    return " ".join(words)
