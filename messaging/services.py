"""The only writer of notifications and mail."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import User
from marketplace.background import wake
from marketplace.mail import MailNotSent, send_message
from messaging.events import KINDS
from messaging.models import MailOptOut, Notification, OutgoingMail
from messaging.selectors import list_kinds_for, list_wanted_mail, unsubscribe_url_for, wants_mail

LEASE = timedelta(minutes=5)
PAUSES = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12)]
MAX_ATTEMPTS = len(PAUSES) + 1
SUBJECT_LENGTH = 200
_mail_is_off = ContextVar("mail_is_off", default=False)


# --- Telling people -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Telling:
    """What one person is to be told.

    `kind` is registered in messaging.events and names the templates `<app>/email/<event>.{subject.txt,txt,html}`, which get
    `context` and `recipient`, `url` (absolute) and `site_name`. `url` is a path of this site.
    """

    recipient: User
    kind: str
    url: str
    context: dict[str, Any]


def notify(*, recipient: User, kind: str, url: str, context: dict[str, Any]) -> Notification:
    """Tell one person something; see `Telling` and `notify_all`."""
    (notification,) = notify_all(tellings=[Telling(recipient, kind, url, context)])
    return notification


def notify_all(*, tellings: list[Telling]) -> list[Notification]:
    """Tell people something, inside the caller's transaction; the mail follows after commit.

    Instants are shown in the recipient's time zone. Raises KeyError for an unknown kind and ValueError for an address elsewhere.
    """
    words = [_words_for(telling) for telling in tellings]
    notifications = [_notification(telling, said) for telling, said in zip(tellings, words, strict=True)]
    with transaction.atomic(savepoint=False):
        Notification.objects.bulk_create(notifications)
        if notifications and not _mail_is_off.get():
            wanted = list_wanted_mail([(telling.recipient, telling.kind) for telling in tellings])
            told = zip(notifications, words, wanted, strict=True)
            _queue_mail([(notification, said) for notification, said, is_wanted in told if is_wanted])
    return notifications


def _words_for(telling: Telling) -> dict[str, Any]:
    if not telling.url.startswith("/") or telling.url.startswith(("//", "/\\")):
        raise ValueError(f"A notification leads to a page of this site, not to {telling.url!r}.")
    return {
        **telling.context,
        "recipient": telling.recipient,
        "url": settings.SITE_URL + telling.url,
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
    }


def _notification(telling: Telling, words: dict[str, Any]) -> Notification:
    severity = KINDS[telling.kind].severity
    app, event = telling.kind.split(".", 1)
    with timezone.override(ZoneInfo(telling.recipient.time_zone)):
        subject = _one_line(_render_text(f"{app}/email/{event}.subject.txt", words))
        body = _render_text(f"{app}/email/{event}.txt", words)
    return Notification(user=telling.recipient, kind=telling.kind, severity=severity, subject=subject, body=body, url=telling.url)


@contextmanager
def without_mail() -> Iterator[None]:
    """Inside it people are told on the site alone and no mail is written: for loading what happened long ago."""
    token = _mail_is_off.set(True)
    try:
        yield
    finally:
        _mail_is_off.reset(token)


def _queue_mail(worded: list[tuple[Notification, dict[str, Any]]]) -> None:
    if worded:
        OutgoingMail.objects.bulk_create(_mail(notification, words) for notification, words in worded)
        wake("send_mail_queue")


def _mail(notification: Notification, words: dict[str, Any]) -> OutgoingMail:
    app, event = notification.kind.split(".", 1)
    words = {
        **words,
        "subject": notification.subject,
        "body": notification.body,
        "site_url": settings.SITE_URL,
        "unsubscribe_url": unsubscribe_url_for(notification.user, notification.kind),
    }
    with timezone.override(ZoneInfo(notification.user.time_zone)):
        return OutgoingMail(
            notification=notification,
            recipient=notification.user.email,
            subject=notification.subject,
            text=_render_text("messaging/email/base.txt", words) + "\n",
            html=render_to_string(f"{app}/email/{event}.html", words),
            next_attempt_at=timezone.now(),
        )


def _render_text(template: str, words: dict[str, Any]) -> str:
    return Engine.get_default().get_template(template).render(Context(words, autoescape=False)).strip()


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1] + "…"


@transaction.atomic
def mark_read(*, actor: User, notification: Notification) -> None:
    """Note that the person has opened it; the first time counts."""
    Notification.objects.filter(user=actor, pk=notification.pk, read_at__isnull=True).update(read_at=timezone.now())


@transaction.atomic
def mark_all_read(*, actor: User, up_to: int) -> int:
    """Mark the person's notifications read up to this id, the newest they saw; returns how many were unread."""
    unread = Notification.objects.filter(user=actor, pk__lte=up_to, read_at__isnull=True)
    return unread.update(read_at=timezone.now())


# --- Which mail people want -----------------------------------------------------------------------------------------
@transaction.atomic
def opt_out(*, user: User, kind: str) -> None:
    """No more mail of this kind, also none that is still waiting to be sent; repeating it changes nothing."""
    MailOptOut.objects.get_or_create(user=user, kind=kind)


@transaction.atomic
def opt_in(*, user: User, kind: str) -> None:
    """Mail of this kind again, from the next notification on."""
    MailOptOut.objects.filter(user=user, kind=kind).delete()


@transaction.atomic
def choose_mail(*, actor: User, kinds: Collection[str]) -> None:
    """Mail of exactly these kinds, by name, among those the person may choose from."""
    for kind in list_kinds_for(actor):
        if kind.name in kinds:
            opt_in(user=actor, kind=kind.name)
        else:
            opt_out(user=actor, kind=kind.name)


# --- The mail worker ------------------------------------------------------------------------------------------------
def send_due_mail(*, now: datetime, limit: int = 500) -> int:
    """Send what is due at `now`, at most `limit` messages; returns how many went out.

    Any number of workers may do this at once: each message is claimed for five minutes by a conditional update before it is
    sent, outside a transaction. A refused message is tried again after growing pauses and then given up, its error kept.
    """
    started, sent = time.monotonic(), 0
    due = OutgoingMail.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    for mail in list(due.select_related("notification__user")[:limit]):
        moment = now + timedelta(seconds=time.monotonic() - started)
        if _claim(mail, moment):
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
    notification = mail.notification
    try:
        send_message(
            message_id=f"notification-{notification.pk}",
            recipient=mail.recipient,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            unsubscribe_url=unsubscribe_url_for(notification.user, notification.kind),
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
