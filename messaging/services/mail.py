"""The mail worker: sends what stands in the outbox."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from marketplace.background import wake
from marketplace.mail import MailNotSent, send_message
from messaging.letters import letter_for
from messaging.models import OutgoingMail
from messaging.selectors import wants_mail

LEASE = timedelta(minutes=5)
PAUSES = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12)]
MAX_ATTEMPTS = len(PAUSES) + 1


def send_due_mail(*, now: datetime, limit: int = 500) -> int:
    """Send what is due at `now`, at most `limit` messages; returns how many went out.

    Any number of workers may do this at once: each message is claimed for five minutes by a conditional update before it is
    sent, outside a transaction. A refused message is tried again after growing pauses and then given up, its error kept.
    """
    started, sent = time.monotonic(), 0
    due = OutgoingMail.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        moment = now + timedelta(seconds=time.monotonic() - started)
        mail = due.select_related("notification__user").filter(pk=pk).first()  # as it is now: words may have been taken back
        if mail and _claim(mail, moment):
            sent += _send(mail, moment)
    return sent


def _claim(mail: OutgoingMail, now: datetime) -> bool:
    """Whether this worker is the one to send it now. What nobody wants any more, and what stopped its workers, ends here."""
    seen = OutgoingMail.objects.filter(pk=mail.pk, attempts=mail.attempts, next_attempt_at=mail.next_attempt_at)
    if not wants_mail(mail.notification.user, mail.notification.kind):
        seen.update(next_attempt_at=None, last_error="Not sent: the recipient opted out or is no longer here.")
        return False
    if mail.attempts >= MAX_ATTEMPTS:
        seen.update(next_attempt_at=None, last_error="Given up: the worker stopped during the last attempt.")
        return False
    mail.attempts += 1
    return bool(seen.update(attempts=mail.attempts, next_attempt_at=now + LEASE))


def _send(mail: OutgoingMail, now: datetime) -> bool:
    letter = letter_for(mail.notification)
    try:
        send_message(
            message_id=f"notification-{mail.notification_id}",
            recipient=mail.recipient,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            unsubscribe_url=letter.unsubscribe_url,
        )
    except MailNotSent as failure:
        again = now + PAUSES[mail.attempts - 1] if mail.attempts < MAX_ATTEMPTS else None
        mine = OutgoingMail.objects.filter(pk=mail.pk, attempts=mail.attempts, sent_at__isnull=True)
        mine.update(next_attempt_at=again, last_error=str(failure)[:500])
        return False
    OutgoingMail.objects.filter(pk=mail.pk).update(sent_at=now, next_attempt_at=None, last_error="")
    return True


@transaction.atomic
def retry_mail(*, mail_ids: Collection[int]) -> int:
    """Try given-up messages again from the beginning; returns how many. Sent and waiting ones are left alone."""
    given_up = OutgoingMail.objects.filter(pk__in=mail_ids, sent_at__isnull=True, next_attempt_at__isnull=True)
    count = given_up.update(attempts=0, next_attempt_at=timezone.now())
    wake("send_mail_queue")
    return count
