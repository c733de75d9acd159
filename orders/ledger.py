"""The only door to the double-entry ledger: accounts, and transfers that sum to zero.

Callers speak in `Decimal` amounts of one currency; rows hold whole minor units. Every call belongs to the transaction of the step
it accounts for, and every transfer has a key of its own, so that no retry can post it twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, F, Sum, Value
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.money import from_minor, to_minor
from orders.exceptions import NotEnoughMoney
from orders.models import LedgerAccount, LedgerEntry, LedgerTransfer, Order

Kind = LedgerAccount.Kind
_KEPT = frozenset({Kind.ESCROW, Kind.BALANCE, Kind.REFUNDABLE})  # their balance stands on the row too, never below zero


@dataclass(frozen=True)
class Place:
    """An account by what it is, whether it has a row yet or not."""

    kind: LedgerAccount.Kind
    currency: str
    order_id: UUID | None = None
    user_id: UUID | None = None

    def columns(self) -> dict[str, Any]:
        return {"kind": self.kind, "currency": self.currency, "order_id": self.order_id, "user_id": self.user_id}


def outside(currency: str) -> Place:
    return Place(Kind.OUTSIDE, currency)


def fees(currency: str) -> Place:
    return Place(Kind.FEES, currency)


def suspense(currency: str) -> Place:
    return Place(Kind.SUSPENSE, currency)


def escrow(order: Order) -> Place:
    return Place(Kind.ESCROW, order.currency, order_id=order.pk)


def balance(freelancer_id: UUID, currency: str) -> Place:
    return Place(Kind.BALANCE, currency, user_id=freelancer_id)


def refundable(client_id: UUID, currency: str) -> Place:
    return Place(Kind.REFUNDABLE, currency, user_id=client_id)


def post(
    *,
    kind: LedgerTransfer.Kind,
    key: str,
    lines: Mapping[Place, Decimal],
    now: datetime,
    actor: User | None = None,
    **about: Any,
) -> LedgerTransfer:
    """Move money: `lines` says how much each account gets (+) or gives (−), in one currency, summing to zero.

    `about` names what it is for: order, event_number, proof, statement_line, disbursement. Lines of nothing are left out.
    Raises ValueError for lines that do not add up, NotEnoughMoney where an account would hold less than nothing, IntegrityError
    for a `key` that was posted before.
    """
    currencies = {place.currency for place in lines}
    moved: dict[Place, int] = {place: to_minor(amount, place.currency) for place, amount in lines.items() if amount}
    if len(currencies) != 1 or not moved or sum(moved.values(), 0):
        raise ValueError(f"These lines do not add up: {lines}")
    found = _find(list(moved))
    opened = {place: _open_escrow(place, moved[place]) for place in moved if place not in found and place.kind == Kind.ESCROW}
    accounts = {place: found.get(place) or opened.get(place) or _open(place) for place in moved}
    transfer = LedgerTransfer.objects.create(kind=kind, key=key, currency=currencies.pop(), actor=actor, created_at=now, **about)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(transfer=transfer, account=accounts[place], amount=amount) for place, amount in moved.items()
    )
    for place, amount in sorted(moved.items(), key=lambda line: accounts[line[0]].pk):
        if place.kind in _KEPT and place not in opened:
            _add(accounts[place], amount)
        elif place.kind == Kind.SUSPENSE and amount < 0:
            _refuse_overdrawn(accounts[place])
    return transfer


def _find(places: list[Place]) -> dict[Place, LedgerAccount]:
    """Those that have a row. Asked with each movement of money, and for the ORM making this question costs more than asking."""
    owners = [owner for place in places if (owner := place.order_id or place.user_id)]
    marks = ", ".join(["%s"] * len(owners)) or "NULL"
    whose = f"order_id IN ({marks}) OR user_id IN ({marks}) OR order_id IS NULL AND user_id IS NULL"
    ids = [Order._meta.pk.get_db_prep_value(pk, connection) for pk in owners]
    sql = f"SELECT * FROM orders_ledgeraccount WHERE currency = %s AND ({whose})"  # noqa: S608 (its values are parameters)
    rows = LedgerAccount.objects.raw(sql, [places[0].currency, *ids, *ids])
    return {Place(Kind(row.kind), row.currency, row.order_id, row.user_id): row for row in rows}


def _open_escrow(place: Place, amount: int) -> LedgerAccount:
    """With what comes into it first. Its order is locked, so nobody else opens it."""
    if amount < 0:
        raise _not_enough()
    return LedgerAccount.objects.create(**place.columns(), balance=amount)


def _open(place: Place) -> LedgerAccount:
    """A new account. Whoever opens it at the same moment for another order or person waits for us and then finds it."""
    account, _new = LedgerAccount.objects.get_or_create(
        **place.columns(), defaults={"balance": 0 if place.kind in _KEPT else None}
    )
    return account


def _add(account: LedgerAccount, amount: int) -> None:
    enough = LedgerAccount.objects.filter(pk=account.pk, balance__gte=-amount)
    more = Value(amount, output_field=BigIntegerField())  # as a bare number Django would send it with 32 bits, and cut it
    if not enough.update(balance=F("balance") + more):
        raise _not_enough()


def _not_enough() -> NotEnoughMoney:
    return NotEnoughMoney(_("There is not enough money in that account any more."))


def _refuse_overdrawn(account: LedgerAccount) -> None:
    """Suspense keeps no running balance; whoever takes out of it takes turns on the account's row."""
    list(LedgerAccount.objects.select_for_update().filter(pk=account.pk))
    if LedgerEntry.objects.filter(account=account).aggregate(total=Sum("amount"))["total"] < 0:
        raise NotEnoughMoney(_("There is not enough money in suspense."))


def amount_in(place: Place, *, lock: bool = False) -> Decimal:
    """What an account holds: the kept balance, else the sum of its entries. `lock` holds its row until commit."""
    rows = LedgerAccount.objects.filter(**place.columns())
    account = (rows.select_for_update() if lock and connection.in_atomic_block else rows).first()
    if account is None:
        return Decimal(0)
    if account.balance is not None:
        return from_minor(account.balance, place.currency)
    total = LedgerEntry.objects.filter(account=account).aggregate(total=Sum("amount"))["total"]
    return from_minor(total or 0, place.currency)
