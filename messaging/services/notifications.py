"""The only writer of notifications, and of the mail that waits to be sent."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.template import Context, Engine
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from marketplace.background import wake
from marketplace.realtime import group_of, publish
from messaging.events import KINDS
from messaging.models import MailOptOut, Notification, OutgoingMail, Webhook
from messaging.selectors import list_kinds_for, list_wanted_mail
from messaging.services import webhooks

SUBJECT_LENGTH = 200
_on_the_site_alone = ContextVar("on_the_site_alone", default=False)


# --- Telling people -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Telling:
    """What one person is to be told.

    `kind` is registered in messaging.events and names the templates `<app>/email/<event>.{subject.txt,txt}`, which get `context`,
    `recipient`, `url` (absolute), `site_name` and `support_email`. `url` is a path of this site; `facts` stand below the words.
    """

    recipient: User
    kind: str
    url: str
    context: dict[str, Any]
    facts: Sequence[tuple[str, str | datetime]] = ()


def notify(*, recipient: User, kind: str, url: str, context: dict[str, Any]) -> Notification:
    """Tell one person something; see `Telling` and `notify_all`."""
    (notification,) = notify_all(tellings=[Telling(recipient, kind, url, context)])
    return notification


def notify_all(*, tellings: list[Telling], heard: Sequence[webhooks.Heard] = ()) -> list[Notification]:
    """Tell people something, inside the caller's transaction; the mail follows after commit.

    What else webhooks may have `heard` of it goes to them with it, in one question (see `webhooks.queue_all`). Instants are shown
    in the recipient's time zone. Raises KeyError for an unknown kind and ValueError for an address elsewhere.
    """
    notifications = [_notification(telling) for telling in tellings]
    with transaction.atomic(savepoint=False):
        Notification.objects.bulk_create(notifications)
        outside = [] if _on_the_site_alone.get() else notifications
        if outside:
            wanted = list_wanted_mail([(telling.recipient, telling.kind) for telling in tellings])
            _queue_mail([notification for notification, is_wanted in zip(outside, wanted, strict=True) if is_wanted])
        webhooks.queue_all(heard=[*((Webhook.Hears.NOTIFICATION, _news(row)) for row in outside), *heard])
    for row in notifications:
        publish(group_of(row.user_id), {"type": "notification", "subject": row.subject, "severity": row.severity, "url": row.url})
    return notifications


def _news(row: Notification) -> webhooks.News:
    said = {"subject": row.subject, "body": row.body, "severity": row.severity, "url": row.url}
    return webhooks.News(row.user_id, row.kind, row.subject, said)


def _notification(telling: Telling) -> Notification:
    if not telling.url.startswith("/") or telling.url.startswith(("//", "/\\")):
        raise ValueError(f"A notification leads to a page of this site, not to {telling.url!r}.")
    app, event = telling.kind.split(".", 1)
    words = {
        **telling.context,
        "recipient": telling.recipient,
        "url": settings.SITE_URL + telling.url,
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
    }
    with timezone.override(ZoneInfo(telling.recipient.time_zone)):
        return Notification(
            user=telling.recipient,
            kind=telling.kind,
            severity=KINDS[telling.kind].severity,
            subject=_one_line(_render(f"{app}/email/{event}.subject.txt", words)),
            body=_render(f"{app}/email/{event}.txt", words),
            facts=[[str(label), _instant(what) if isinstance(what, datetime) else what] for label, what in telling.facts],
            url=telling.url,
        )


def _render(template: str, words: dict[str, Any]) -> str:
    return Engine.get_default().get_template(template).render(Context(words, autoescape=False)).strip()


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1] + "…"


def _instant(at: datetime) -> str:
    return date_format(timezone.localtime(at), "D j M Y, H:i T")


@contextmanager
def on_the_site_alone() -> Iterator[None]:
    """Inside it notifications stand on the site, and no mail or webhook tells of them: for loading what happened long ago."""
    token = _on_the_site_alone.set(True)
    try:
        yield
    finally:
        _on_the_site_alone.reset(token)


def _queue_mail(notifications: list[Notification]) -> None:
    if notifications:
        now = timezone.now()
        OutgoingMail.objects.bulk_create(
            OutgoingMail(notification=row, recipient=row.user.email, next_attempt_at=now) for row in notifications
        )
        wake("send_mail_queue")


def overtake(*, people: Collection[User], url: str) -> int:
    """What asked one of these people to do something on this page is settled: mark it read. Returns how many, in one query."""
    asked = Notification.objects.filter(user__in=people, url=url, severity=Notification.Severity.ACTION, read_at__isnull=True)
    return asked.update(read_at=timezone.now())


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
    for kind in chain.from_iterable(list_kinds_for(actor).values()):
        if kind.name in kinds:
            opt_in(user=actor, kind=kind.name)
        else:
            opt_out(user=actor, kind=kind.name)
