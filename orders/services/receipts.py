"""Numbers of receipts: one sequence for the whole site, without gaps."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from orders.models import Receipt
from orders.selectors.receipts import list_without_receipt
from orders.services.turns import Turn, take_turns

BATCH = 1000


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
    take_turns(Turn.RECEIPTS)
    last = Receipt.objects.aggregate(last=Max("number"))["last"] or 0
    order_ids = list(list_without_receipt().values_list("pk", flat=True)[:BATCH])
    Receipt.objects.bulk_create(
        Receipt(order_id=order_id, number=number, issued_at=now) for number, order_id in enumerate(order_ids, last + 1)
    )
    return len(order_ids)
