"""Lists a program walks through part by part, by the values of the last row it got: no row comes twice or is left out."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, TypeVar
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from marketplace.rest.errors import Refusal

Row = TypeVar("Row", bound=Model)
_READ: dict[str, Any] = {
    **{kind.__name__: kind for kind in (UUID, Decimal, int, float, str)},
    "datetime": datetime.fromisoformat,
}


def part_of(rows: QuerySet[Row], *, order: Sequence[str], cursor: str, limit: int) -> tuple[list[Row], str | None]:
    """The `limit` rows after the cursor ("" for the first part), and the cursor of what comes after them.

    `order` names columns or annotations that are never null, descending with a `-`; the last one is unique. Raises Refusal (422)
    for a cursor that is not of this list.
    """
    if cursor:
        rows = rows.filter(_after(order, _read(cursor, order)))
    found = list(rows.order_by(*order)[: limit + 1])
    return found[:limit], _write(found[limit - 1], order) if len(found) > limit else None


def _after(order: Sequence[str], last: Sequence[Any]) -> Q:
    """The rows behind the last one. The first column's own bound lets an index find the place."""
    names = [name.removeprefix("-") for name in order]
    behind = ["lt" if name.startswith("-") else "gt" for name in order]
    steps = [
        Q(**{f"{names[place]}__{behind[place]}": last[place]}, **dict(zip(names[:place], last[:place], strict=True)))
        for place in range(len(names))
    ]
    return Q(**{f"{names[0]}__{behind[0]}e": last[0]}) & reduce(or_, steps)


def _signer(order: Sequence[str]) -> Signer:
    return Signer(salt="marketplace.cursor:" + ",".join(order))


def _write(row: Model, order: Sequence[str]) -> str:
    values = [reduce(getattr, name.removeprefix("-").split("__"), row) for name in order]
    return _signer(order).sign_object([[type(value).__name__, str(value)] for value in values], compress=False)


def _read(cursor: str, order: Sequence[str]) -> list[Any]:
    try:
        return [_READ[kind](written) for kind, written in _signer(order).unsign_object(cursor)]
    except (BadSignature, ValueError, UnicodeError):
        message = _("This cursor is not of this list. Begin without one.")
        raise Refusal(422, "invalid_cursor", message, fields={"cursor": message}) from None
