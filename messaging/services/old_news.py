"""What was told and is over goes after a while. What it told of stays: the messages, and every word about orders and money."""

from datetime import datetime, timedelta

from accounts.services.old_access import discard_in_batches
from messaging.models import Notification, WebhookDelivery
from messaging.notifications import QUOTING

KEPT_FOR = timedelta(days=30)


def discard_old_news(*, now: datetime) -> int:
    """Delete webhook deliveries that wait no more, and what the bell and its mail said of conversations that were read since.

    Returns how many. Any number of workers may do this at once.
    """
    over = [
        WebhookDelivery.objects.filter(next_attempt_at__isnull=True),
        Notification.objects.filter(kind__in=QUOTING, read_at__isnull=False),
    ]
    return sum(discard_in_batches(rows.filter(created_at__lt=now - KEPT_FOR)) for rows in over)
