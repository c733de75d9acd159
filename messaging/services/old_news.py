"""What was told and is over goes after a while. What it told of stays: the messages, and every word about orders and money."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from messaging.models import Notification, WebhookDelivery
from messaging.notifications import QUOTING

KEPT_FOR = timedelta(days=30)
BATCH = 1000  # rows deleted in a transaction


def discard_old_news(*, now: datetime) -> int:
    """Delete webhook deliveries that wait no more, and what the bell and its mail said of conversations that were read since.

    Returns how many. Any number of workers may do this at once.
    """
    over = [
        WebhookDelivery.objects.filter(next_attempt_at__isnull=True),
        Notification.objects.filter(kind__in=QUOTING, read_at__isnull=False),
    ]
    return sum(_discard(rows.filter(created_at__lt=now - KEPT_FOR).order_by()) for rows in over)


def _discard(rows: "QuerySet[Any]") -> int:
    discarded = 0
    while batch := _discard_some(rows, list(rows.values_list("pk", flat=True)[:BATCH])):
        discarded += batch
    return discarded


@transaction.atomic
def _discard_some(rows: "QuerySet[Any]", ids: list[Any]) -> int:
    free = list(rows.filter(pk__in=ids).select_for_update(skip_locked=True).values_list("pk", flat=True))
    rows.filter(pk__in=free).delete()
    return len(free)
