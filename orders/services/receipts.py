"""Numbers of receipts: one sequence for the whole site, without gaps."""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from orders.models import Order, Receipt

BATCH = 1000
TURN = 7_261_931_504  # names the lock; any number that nothing else uses


def issue_receipts(*, now: datetime) -> int:
    """Number every order whose payment is confirmed and that has no receipt yet, first confirmed first. Returns how many.

    Any number of workers may do this at once: they take turns.
    """
    issued = 0
    while count := _issue_batch(now):
        issued += count
    return issued


@transaction.atomic
def _issue_batch(now: datetime) -> int:
    _take_turns()
    last = Receipt.objects.aggregate(last=Max("number"))["last"] or 0
    waiting = Order.objects.filter(confirmed_at__isnull=False, receipt__isnull=True).order_by("confirmed_at", "pk")
    order_ids = list(waiting.values_list("pk", flat=True)[:BATCH])
    Receipt.objects.bulk_create(
        Receipt(order_id=order_id, number=number, issued_at=now) for number, order_id in enumerate(order_ids, last + 1)
    )
    return len(order_ids)


def _take_turns() -> None:
    """Until the transaction ends. SQLite has one writer at a time anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])
