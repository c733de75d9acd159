from datetime import UTC, datetime

from django.utils import timezone

from accounts.models import User
from messaging.models import Notification, OutgoingMail
from messaging.services import notify

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def tell(recipient: User, kind: str, *, title: str = "a logo", url: str = "/orders/", when: datetime = NOON) -> Notification:
    """A notification of the kind `tests.thing`."""
    return notify(recipient=recipient, kind=kind, url=url, context={"title": title, "when": when})


def due_mail(recipient: User, *, subject: str = "A subject", **fields: object) -> OutgoingMail:
    """A mail row that is due now, without going through the words."""
    notification = Notification.objects.create(user=recipient, kind="tests.thing", subject=subject, body="Words.", url="/orders/")
    return OutgoingMail.objects.create(
        **{"notification": notification, "recipient": recipient.email, "next_attempt_at": timezone.now(), **fields}
    )
