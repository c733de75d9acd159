"""Thousands of orders at once, all alike: the services take one there, and the database copies all its rows.

The ledger stays true: every copy has its own escrow, deposits and divisions, and what they bring onto the balances is added up.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.models import Max

from accounts.models import User
from accounts.tests.factories import UserFactory, an_administrator
from gigs.models import Gig
from gigs.tests.factories import GigFactory
from orders.models import LedgerAccount, LedgerTransfer, Order, Receipt, Reminder
from orders.states import Status
from orders.tests.factories import order_in

CLIENT, FREELANCER, GIG, MODERATOR, ORDER = "a001", "a002", "a003", "a004", "8000"


def uuid_of(family: str, number: int) -> UUID:
    return UUID(f"00000000-0000-4000-{family}-{number:012d}")


class Cast:
    """The people between whom the copies are spread."""

    def __init__(self, size: int = 50) -> None:
        self.size = size
        if not User.objects.filter(pk=uuid_of(CLIENT, 0)).exists():
            an_administrator(pk=uuid_of(MODERATOR, 0))
            for n in range(size):
                UserFactory(pk=uuid_of(CLIENT, n))
                GigFactory(pk=uuid_of(GIG, n), freelancer=UserFactory(pk=uuid_of(FREELANCER, n)), price=Decimal(120))
        people = (User.objects.get(pk=uuid_of(family, 0)) for family in (CLIENT, FREELANCER, MODERATOR))
        self.client, self.freelancer, self.moderator = people
        self.gig = Gig.objects.get(pk=uuid_of(GIG, 0))

    def order_in(self, status: Status, **options: Any) -> Order:
        return order_in(status, client=self.client, freelancer=self.freelancer, gig=self.gig, verifier=self.moderator, **options)


def due_order(cast: Cast, clock: str, now: datetime) -> Order:
    """An order of which exactly this clock has just come due at `now`."""
    just = now - timedelta(minutes=1)
    day = timedelta(days=1)
    status, changes = {
        "pay_by": (Status.PENDING_PAYMENT, {"pay_by": just, "reminded_until": just - day}),
        "expire": (Status.PENDING_PAYMENT, {"pay_by": just - day, "reminded_until": just - day}),
        "review_overdue": (Status.PAYMENT_SUBMITTED, {"review_due_at": just, "reminded_until": just - day / 2}),
        "accept_overdue": (Status.PAYMENT_CONFIRMED, {"accept_by": just, "reminded_until": just - day / 2}),
        "overdue": (Status.IN_PROGRESS, {"due_at": just, "reminded_until": just - day}),
        "approval_soon": (Status.SUBMITTED, {"submitted_at": just - 6 * day, "auto_approve_at": just + day}),
        "auto_approve": (Status.SUBMITTED, {"submitted_at": just - 7 * day, "auto_approve_at": just}),
    }[clock]
    order = cast.order_in(status)
    if status == Status.SUBMITTED:
        changes["reminded_until"] = just - (day if clock == "auto_approve" else 2 * day)
    if clock == "auto_approve":
        Reminder.objects.create(order=order, clock="approval_soon", clock_at=just - day, sent_at=just - day)
    Order.objects.filter(pk=order.pk).update(**changes, next_clock_at=just)
    order.refresh_from_db()
    return order


def copy_order(pattern: Order, count: int, cast: Cast) -> None:
    """`count` more orders like the pattern, which is one of the cast's, with all that belongs to them."""
    with transaction.atomic():
        _Copies(pattern, count, cast).write()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for sql in connection.ops.sequence_reset_sql(no_style(), [LedgerAccount, LedgerTransfer]):
                cursor.execute(sql)
            cursor.execute("ANALYZE")


class _Copies:
    """Copies numbered from `first`; every id of a copy is an expression over its number `n`."""

    def __init__(self, pattern: Order, count: int, cast: Cast) -> None:
        self.pattern, self.cast = pattern, cast
        self.first = Order.objects.count() + 1
        self.last = self.first + count - 1
        self.slot = f"(n - {cast.size} * (n / {cast.size}))"  # the remainder, without a per cent sign
        self.ids: dict[tuple[type[models.Model], Any], str] = {
            (Order, pattern.pk): self._uuid(ORDER),
            (User, pattern.client_id): self._uuid(CLIENT, self.slot),
            (User, pattern.freelancer_id): self._uuid(FREELANCER, self.slot),
            (Gig, pattern.gig_id): self._uuid(GIG, self.slot),
        }

    def write(self) -> None:
        order, text = self.pattern, f"{self._text('n')}"
        reference = {"payment_reference": f"'B' || {text}", "placement_key": self._uuid(ORDER)}
        self._copy([order], id=self._uuid(ORDER), **reference)
        for n, proof in enumerate(order.proofs.all()):
            self.ids[type(proof), proof.pk] = self._uuid(f"9{n:03d}")
            shown = f"'REF{n}X' || {text}"
            self._copy([proof], transaction_reference=shown, normalized_reference=shown)
        self._copy(order.events.all())
        self._copy(order.deliveries.all())
        self._copy(order.reminders.all())
        for n, row in enumerate(order.disbursements.all()):
            self.ids[type(row), row.pk] = self._uuid(f"b{n:03d}")
            self._copy([row])
            self._copy(row.events.all())
        self._copy_ledger()
        if hasattr(order, "receipt"):
            self._copy([order.receipt], number=f"{self._next(Receipt, 'number')} + n")

    def _copy_ledger(self) -> None:
        accounts = LedgerAccount.objects.filter(entries__transfer__order=self.pattern).distinct()
        for account in accounts.filter(user__isnull=False):
            self.ids[LedgerAccount, account.pk] = self._accounts_of_cast(account)
        for account in accounts.filter(order__isnull=False):  # last: their ids are beyond the sequence until the end
            self.ids[LedgerAccount, account.pk] = f"{self._next(LedgerAccount)} + n"
            self._copy([account])
        for n, transfer in enumerate(self.pattern.transfers.all()):
            self.ids[LedgerTransfer, transfer.pk] = f"{self._next(LedgerTransfer)} + n"
            self._copy([transfer], key=f"'many:{n}:' || {self._text('n')}")
            self._copy(transfer.entries.all())
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE orders_ledgeraccount SET balance = (SELECT SUM(amount) FROM orders_ledgerentry e "
                "WHERE e.account_id = orders_ledgeraccount.id) WHERE user_id IS NOT NULL"
            )

    def _accounts_of_cast(self, account: LedgerAccount) -> str:
        """The same account of everybody in the cast who has none yet; which of them is the copy's."""
        family = CLIENT if account.user_id == self.pattern.client_id else FREELANCER
        cases = []
        for n in range(self.cast.size):
            row, _new = LedgerAccount.objects.get_or_create(
                kind=account.kind, currency=account.currency, user_id=uuid_of(family, n), defaults={"balance": 0}
            )
            cases.append(f"WHEN {n} THEN {row.pk}")
        return f"CASE {self.slot} {' '.join(cases)} END"

    def _copy(self, rows: Iterable[models.Model], **changes: str) -> None:
        for row in rows:
            model = type(row)
            values = {}
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                about = field.remote_field.model if field.remote_field else model if field.primary_key else None
                if field.name in changes:
                    values[field.column] = changes[field.name]
                elif about and (about, value) in self.ids:
                    values[field.column] = self.ids[about, value]
                elif not field.primary_key:
                    values[field.column] = f"p.{connection.ops.quote_name(field.column)}"
            columns = ", ".join(connection.ops.quote_name(column) for column in values)
            key = connection.ops.quote_name(model._meta.pk.column)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {', '.join(values.values())} "  # noqa: S608
                    f"FROM {model._meta.db_table} p CROSS JOIN {self._numbers} WHERE p.{key} = %s",
                    [model._meta.pk.get_db_prep_value(row.pk, connection)],
                )

    @cached_property
    def _numbers(self) -> str:
        if connection.vendor == "postgresql":
            return f"generate_series({self.first}, {self.last}) AS numbers(n)"
        series = f"SELECT {self.first} AS n UNION ALL SELECT n + 1 FROM counted WHERE n < {self.last}"  # noqa: S608
        return f"(WITH RECURSIVE counted AS ({series}) SELECT n FROM counted) AS numbers"  # noqa: S608

    def _uuid(self, family: str, number: str = "n") -> str:
        head = f"00000000-0000-4000-{family}-"
        if connection.vendor == "postgresql":
            return f"('{head}' || lpad(({number})::text, 12, '0'))::uuid"
        return f"'{head.replace('-', '')}' || substr('000000000000' || ({number}), -12)"

    def _text(self, number: str) -> str:
        return f"({number})::text" if connection.vendor == "postgresql" else f"({number})"

    def _next(self, model: type[models.Model], column: str = "id") -> int:
        """An offset so that offset + n is free for every n."""
        return (model._default_manager.aggregate(top=Max(column))["top"] or 0) + 1 - self.first
