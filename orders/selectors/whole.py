"""The whole of an order in one question, for programs that ask for it again and again.

It is put into SQL here, and once: for the ORM, making some seven questions of it costs several times what answering them does.
What comes out are the same rows, known to the order as if they had been prefetched.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model, prefetch_related_objects
from django.http import Http404

from accounts.models import User
from orders.models import (
    Delivery,
    DeliveryFile,
    Disbursement,
    Dispute,
    Order,
    PaymentProof,
    Proposal,
    RequirementAnswer,
    RevisionRequest,
)
from orders.selectors.orders import NEXT_STEP_ROWS, is_moderator
from orders.states import PaymentStatus

# The rows of an order, in their own order; what files have beside their delivery is the order's too.
_ROWS: dict[str, tuple[type[Model], str, tuple[str, ...]]] = {
    "answers": (RequirementAnswer, "order_id = o.id", ("position",)),
    "proofs": (PaymentProof, "order_id = o.id", ("attempt",)),
    "proposals": (Proposal, "order_id = o.id", ("number",)),
    "deliveries": (Delivery, "order_id = o.id", ("number",)),
    "files": (DeliveryFile, "delivery_id IN (SELECT id FROM orders_delivery WHERE order_id = o.id)", ("name", "id")),
    "revision_requests": (RevisionRequest, "order_id = o.id", ("number",)),
    "disbursements": (Disbursement, "order_id = o.id", ("created_at", "id")),
}
_NAMES = ("id", "full_name", "handle")  # of the two people: the rest of them is fetched where somebody asks for it
_JSON = {"postgresql": ("json_agg", "json_build_object"), "sqlite": ("json_group_array", "json_object")}


def get_whole_order_for(user: User, order_id: UUID, *, as_party: bool = False) -> Any:
    """The order with all that a program is shown of it but its events, and its `receipt_number` or None; Http404 as in
    `get_order_for`, with `as_party` for moderators too.
    """
    key, me = (model._meta.pk.get_db_prep_value(pk, connection) for model, pk in ((Order, order_id), (User, user.pk)))
    with connection.cursor() as cursor:
        cursor.execute(_question(connection.vendor), [key, not as_party and is_moderator(user), me, me])
        found = cursor.fetchone()
    if found is None:
        raise Http404
    return _order_of(dict(zip(_titles(), found, strict=True)))


def _titles() -> list[str]:
    return [*_columns(Order), "client", "freelancer", *_ROWS, "receipt_number", "has_disputes"]


@cache
def _question(vendor: str) -> str:
    """Of names that stand in this module and in the models, and of nothing else."""
    collect, build = _JSON[vendor]
    asked = [
        *(f"o.{column}" for column in _columns(Order)),
        *(_text(f"{build}({_pairs(_NAMES)})", "accounts_user", f"id = o.{side}_id") for side in ("client", "freelancer")),
        *(_text(f"{collect}({_whole(model, vendor)})", model._meta.db_table, where) for model, where, _by in _ROWS.values()),
        "(SELECT number FROM orders_receipt WHERE order_id = o.id)",
        "EXISTS (SELECT 1 FROM orders_dispute WHERE order_id = o.id)",
    ]
    whose = "o.id = %s AND (%s OR o.client_id = %s OR o.freelancer_id = %s)"
    return f"SELECT {', '.join(asked)} FROM orders_order o WHERE {whose}"  # noqa: S608


def _text(what: str, table: str, where: str) -> str:
    return f"(SELECT CAST({what} AS text) FROM {table} t WHERE {where})"  # noqa: S608


def _whole(model: type[Model], vendor: str) -> str:
    return "row_to_json(t)" if vendor == "postgresql" else f"json_object({_pairs(_columns(model))})"


def _pairs(columns: Iterable[str]) -> str:
    return ", ".join(f"'{column}', {column}" for column in columns)


@cache
def _columns(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


def _order_of(found: Mapping[str, Any]) -> Any:
    order: Any = _row(Order, found)
    order.client, order.freelancer = (_person(found[side]) for side in ("client", "freelancer"))
    order.receipt_number = found["receipt_number"]
    rows = {name: _rows(model, found[name], by) for name, (model, _where, by) in _ROWS.items()}
    files = rows.pop("files")
    for delivery in rows["deliveries"]:
        delivery._prefetched_objects_cache = {"files": [file for file in files if file.delivery_id == delivery.pk]}
    order._prefetched_objects_cache = rows  # lists: who wanted to ask more of them than all would be told
    if found["has_disputes"]:  # few orders have one, so the ORM may do it
        of_case = [name for name in NEXT_STEP_ROWS if name.startswith("disputes")]
        prefetch_related_objects([order], *(of_case if order.payment_status == PaymentStatus.DISPUTED else ["disputes"]))
    else:
        order._prefetched_objects_cache["disputes"] = _none()
    return order


def _none() -> Any:
    """Of which no more is asked either."""
    known: Any = Dispute.objects.none()
    known._result_cache = []
    return known


def _person(text: str) -> User:
    found = json.loads(text)
    return User.from_db(connection.alias, _NAMES, [UUID(found["id"]), *(found[name] for name in _NAMES[1:])])


def _rows(model: type[Model], text: str | None, by: Sequence[str]) -> list[Any]:
    rows = [_row(model, found) for found in json.loads(text or "[]", parse_float=Decimal)]
    return sorted(rows, key=lambda row: [getattr(row, name) for name in by])


def _row(model: type[Model], found: Mapping[str, Any]) -> Model:
    values = [found[name] if read is None or found[name] is None else read(found[name]) for name, read in _readers(model)]
    return model.from_db(connection.alias, _columns(model), values)


@cache
def _readers(model: type[Model]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """How each column is read, where it is more than text or a whole number."""
    return [(field.attname, _reader(field)) for field in model._meta.concrete_fields]


def _reader(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    kind: Any = field.target_field if field.is_relation else field  # type: ignore[attr-defined]
    readers: dict[str, Callable[[Any], Any]] = {
        "DateTimeField": _instant,
        "DecimalField": partial(_decimal, Decimal(1).scaleb(-getattr(kind, "decimal_places", 0))),
        "UUIDField": lambda value: value if isinstance(value, UUID) else UUID(value),
        "JSONField": lambda value: json.loads(value) if isinstance(value, str) else value,
        "BooleanField": bool,
    }
    return readers.get(kind.get_internal_type())


def _instant(value: str | datetime) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _decimal(digits: Decimal, value: object) -> Decimal:
    return Decimal(str(value)).quantize(digits)
