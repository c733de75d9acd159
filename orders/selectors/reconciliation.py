"""Whether every amount adds up: all invariants of the money path, checked with a query each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from marketplace.money import MINOR_UNITS
from orders.selectors.invariants import CHECKS, Check

RECEIPT_WITHIN = timedelta(hours=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Result:
    """What a check found: the breaching rows, as their columns by name."""

    check: Check
    rows: list[dict[str, Any]]


def reconcile(*, now: datetime, since: datetime | None = None) -> Iterator[Result]:
    """Make every check, one after the other. Each sees the books at one instant, also while the site runs.

    With `since` only the transfers posted and the orders changed from then on are looked at; accounts always as a whole.
    """
    moments = {"since": since or BEGINNING, "receipt_due": now - RECEIPT_WITHIN}
    instants = {name: connection.ops.adapt_datetimefield_value(at) for name, at in moments.items()}
    for check in CHECKS:
        yield Result(check, list(_rows(check.sql.format_map(_EXPRESSIONS), instants)))


def _rows(sql: str, instants: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, instants)
        names = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(1000):
            yield from (dict(zip(names, row, strict=True)) for row in rows)


def _units(amount: str, currency: str) -> str:
    """The expression for an amount column in whole minor units of its currency: nothing is ever compared in fractions."""
    unusual = sorted({digits for digits in MINOR_UNITS.values() if digits != 2})
    codes = {digits: [f"'{code}'" for code in MINOR_UNITS if MINOR_UNITS[code] == digits] for digits in unusual}
    scales = "".join(f" WHEN {currency} IN ({', '.join(codes[digits])}) THEN {10**digits}" for digits in unusual)
    return f"CAST(ROUND({amount} * CASE{scales} ELSE 100 END) AS BIGINT)"


def _compared(reference: str) -> str:
    """The expression for a bank's reference as `normalize_reference` writes it, if of letters, digits and the usual signs."""
    for sign in " -./:#_":
        reference = f"REPLACE({reference}, '{sign}', '')"
    return f"UPPER({reference})"


_EXPRESSIONS = {
    "order": "o.id, o.payment_reference, o.status, o.payment_status",
    "expected": _units("o.expected_amount", "o.currency"),
    "funded": _units("o.funded_amount", "o.currency"),
    "verified": _units("p.verified_amount", "o.currency"),
    "disbursed": _units("d.amount", "d.currency"),
    "line": _units("s.amount", "s.currency"),
    "bank_reference": _compared("s.bank_id"),
}
