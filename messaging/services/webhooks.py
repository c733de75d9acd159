"""A person's webhooks: added, tried, switched off and on, deleted; and what waits to be told to them."""

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.background import wake
from marketplace.exceptions import DomainError
from messaging.exceptions import TooFast
from messaging.frames import Frame, message_frame
from messaging.models import Message, Webhook, WebhookDelivery
from messaging.notifications import QUOTING

MOST_WEBHOOKS = 5
HELD = timedelta(minutes=1)  # while a webhook fails nothing is tried for as long: who does not answer delays nobody
SUBJECT_LENGTH = 200
TRIED_EVERY = timedelta(seconds=10)
TEST = "webhook.test"
HAVE_WORDS = ("message.new", "message.changed", *QUOTING)


class WebhookRefused(DomainError):
    """This webhook cannot be had or used."""

    code = "webhook_refused"


@dataclass(frozen=True)
class News:
    """One thing that happened to one person. `type` names it; `data` is plain JSON."""

    user_id: UUID
    type: str
    subject: str
    data: dict[str, Any]


Heard = tuple[str, News]  # what a webhook must hear to be told it


def queue(*, hears: str, news: Sequence[News]) -> None:
    """Have what happened told to these people's webhooks that hear of it; `hears` is one of Webhook.Hears."""
    queue_all(heard=[(hears, one) for one in news])


def queue_all(*, heard: Sequence[Heard]) -> None:
    """The same for several things at once, each with what a webhook must hear.

    Inside the caller's transaction: one SELECT by an index, however many people, and nothing more where nobody has a webhook. It
    is asked anew each time: a flag in a cache would be older than the row in some process, and what happened meanwhile be lost.
    """
    webhooks = list(Webhook.objects.filter(user__in={one.user_id for _hears, one in heard}, disabled_at__isnull=True))
    told = [
        (webhook, one)
        for hears, one in heard
        for webhook in webhooks
        if hears in webhook.hears and one.user_id == webhook.user_id
    ]
    kept = {webhook.pk for webhook in _kept([webhook for webhook, _one in told])}
    _queue([(webhook, one) for webhook, one in told if webhook.pk in kept])


def retell(*, message: Message) -> None:
    """A message was corrected or deleted: what waits says so too in place of its words, and `message.changed` is told.

    Inside the caller's transaction; one SELECT where the receiver has no webhook.
    """
    mine = Webhook.objects.filter(user=message.receiver_id, disabled_at__isnull=True).order_by("pk")
    webhooks = list(mine.select_for_update(no_key=True))  # before their deliveries, as the worker
    if not webhooks:
        return
    frame = message_frame(message, list(message.attachments.all()))
    waiting = WebhookDelivery.objects.filter(webhook__in=webhooks, next_attempt_at__isnull=False, type__in=HAVE_WORDS)
    about = list(waiting.filter(body__contains=str(message.conversation_id)))
    for delivery in about:
        delivery.body = _retold(delivery, frame)
    WebhookDelivery.objects.bulk_update(about, ["body"])
    news = News(message.receiver_id, "message.changed", str(message.sender), {"message": frame})
    _queue([(webhook, news) for webhook in webhooks if Webhook.Hears.MESSAGE in webhook.hears])


def _retold(delivery: WebhookDelivery, frame: Frame) -> str:
    said = json.loads(delivery.body)
    if delivery.type in QUOTING:  # these words may be in it, and its subject says enough
        said["data"]["body"] = ""
    elif said["data"]["message"]["id"] == frame["id"]:
        said["data"]["message"] = frame
    return json.dumps(said, ensure_ascii=False)


def _kept(webhooks: list[Webhook]) -> list[Webhook]:
    """Those that are still there, and stay until this transaction ends: a row of one that was deleted would fail its commit."""
    if not webhooks or connection.vendor != "postgresql":
        return webhooks
    with connection.cursor() as cursor:
        statement = "SELECT id FROM messaging_webhook WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
        cursor.execute(statement, [[webhook.pk for webhook in webhooks]])
        there = {pk for (pk,) in cursor.fetchall()}
    return [webhook for webhook in webhooks if webhook.pk in there]


def _queue(told: list[tuple[Webhook, News]]) -> None:
    if told:
        WebhookDelivery.objects.bulk_create(_delivery(webhook, news) for webhook, news in told)
        wake("deliver_webhooks")


def _delivery(webhook: Webhook, news: News) -> WebhookDelivery:
    pk, now = uuid.uuid4(), timezone.now()
    body = {"id": str(pk), "type": news.type, "created_at": now.isoformat(), "data": news.data}
    return WebhookDelivery(
        id=pk,
        webhook=webhook,
        type=news.type,
        subject=news.subject[:SUBJECT_LENGTH],
        body=json.dumps(body, ensure_ascii=False),
        next_attempt_at=now + HELD if webhook.failing_since else now,
        created_at=now,
    )


def add_webhook(*, actor: User, url: str, hears: Sequence[str]) -> Webhook:
    """An address that hears of the person's messages, notifications or orders from now on. Its secret is made here.

    `url` is https and was checked by the form; where it leads is checked at each delivery. Raises WebhookRefused.
    """
    try:
        with transaction.atomic():
            list(User.objects.select_for_update(of=("self",), no_key=True).filter(pk=actor.pk))  # two at once count each other
            if Webhook.objects.filter(user=actor).count() >= MOST_WEBHOOKS:
                raise WebhookRefused(_("You have %(most)d webhooks already. Delete one first.") % {"most": MOST_WEBHOOKS})
            return Webhook.objects.create(
                user=actor, url=url, hears=list(hears), secret=secrets.token_urlsafe(32), created_at=timezone.now()
            )
    except IntegrityError as twice:
        raise WebhookRefused(_("You have a webhook with this address already.")) from twice


@transaction.atomic
def try_webhook(*, actor: User, webhook_id: UUID) -> None:
    """Send it a delivery that says nothing, as soon as the worker comes to it. Raises TooFast, WebhookRefused and Http404."""
    webhook = _held(actor, webhook_id)
    if webhook.disabled_at:
        raise WebhookRefused(_("This webhook is switched off. Switch it on first."))
    if webhook.deliveries.filter(type=TEST, created_at__gt=timezone.now() - TRIED_EVERY).exists():
        raise TooFast(_("A test is on its way. Wait a few seconds before the next one."))
    _queue([(webhook, News(actor.pk, TEST, _("A test"), {}))])


@transaction.atomic
def switch_webhook(*, actor: User, webhook_id: UUID, on: bool) -> None:
    """Off: nothing is told any more, nor what waits. On: from now on, with nothing held against it. Http404 for others'."""
    webhook = _held(actor, webhook_id)
    if on:
        webhook.disabled_at = webhook.failing_since = None
    else:
        webhook.disabled_at = webhook.disabled_at or timezone.now()
        give_up_waiting(webhook)
    webhook.save(update_fields=["disabled_at", "failing_since"])


def _held(actor: User, webhook_id: UUID) -> Webhook:
    """One of the person's own, held until this transaction ends; before its deliveries, as the worker does. Http404 otherwise."""
    return get_object_or_404(Webhook.objects.select_for_update(), pk=webhook_id, user=actor)


def give_up_waiting(webhook: Webhook) -> None:
    """What waits for a webhook that is switched off is told no more."""
    WebhookDelivery.objects.filter(webhook=webhook, next_attempt_at__isnull=False).update(next_attempt_at=None)


@transaction.atomic
def delete_webhook(*, actor: User, webhook_id: UUID) -> None:
    """The webhook, and all that was told to it or waits. Http404 for others'."""
    _held(actor, webhook_id).delete()
