"""The webhook worker: tells what waits, and stops with an address that does not answer any more."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.urls import reverse

from marketplace import outbound
from messaging.models import Webhook, WebhookDelivery
from messaging.notifications import WEBHOOK_STOPPED
from messaging.services.notifications import notify
from messaging.services.webhooks import HELD, give_up_waiting

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAUSES = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 8 * HOUR, 8 * HOUR]  # a day in all, and a little more
MAX_ATTEMPTS = len(PAUSES) + 1
FAILS_FOR = timedelta(days=1)  # then it is switched off
LEASE = 2 * MINUTE
AT_ONCE = 16
TURN = "webhooks:turn"
SWEEP = 20  # seconds after which nothing new is begun, so that the worker's other work gets its turn

Post = Callable[..., outbound.Answer]


def deliver_in_turn(*, now: datetime) -> int:
    """`deliver_webhooks`, unless another worker is at it: addresses that hang must not hold every worker there is."""
    if not cache.add(TURN, 1, SWEEP + 2 * outbound.IN_ALL):
        return 0
    try:
        return deliver_webhooks(now=now)
    finally:
        cache.delete(TURN)


def deliver_webhooks(*, now: datetime, limit: int = 1000, post: Post = outbound.post) -> int:
    """Tell what is due at `now`, at most `limit` deliveries; returns how many were taken (a status of 2xx).

    Any number of workers may do this at once: each delivery is claimed for two minutes by a conditional update and sent outside
    any transaction, one at a time to each webhook, up to AT_ONCE side by side.
    """
    started, begun, taken = time.monotonic(), 0, 0
    flying: dict[Future[dict[str, Any]], WebhookDelivery] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            elapsed = time.monotonic() - started
            while len(flying) < AT_ONCE and begun < limit and elapsed < SWEEP:
                delivery = _claim_next(now + timedelta(seconds=elapsed), [one.webhook for one in flying.values()])
                if delivery is None:
                    break
                flying[pool.submit(_send, delivery, post)] = delivery
                begun += 1
            if not flying:
                return taken
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                at = now + timedelta(seconds=time.monotonic() - started)
                taken += _note(flying.pop(future), future.result(), at)


def _claim_next(now: datetime, busy: list[Webhook]) -> WebhookDelivery | None:
    due = WebhookDelivery.objects.filter(next_attempt_at__lte=now).exclude(webhook__in=busy)
    due = due.select_related("webhook__user").order_by("next_attempt_at", "created_at")
    while delivery := due.first():
        if _claim(delivery, now):
            return delivery
    return None


def _claim(delivery: WebhookDelivery, now: datetime) -> bool:
    """Whether this worker is the one to send it now, as it read it: words may have been taken back since.

    What nobody wants any more, and what stopped its workers, ends here.
    """
    as_read = {name: getattr(delivery, name) for name in ("pk", "attempts", "next_attempt_at", "body")}
    seen = WebhookDelivery.objects.filter(**as_read)
    webhook = delivery.webhook
    if webhook.disabled_at or not webhook.user.is_active or delivery.attempts >= MAX_ATTEMPTS:
        seen.update(next_attempt_at=None)
        return False
    delivery.attempts += 1
    return bool(seen.update(attempts=delivery.attempts, next_attempt_at=now + LEASE))


def _send(delivery: WebhookDelivery, post: Post) -> dict[str, Any]:
    """What became of it, for its `metadata`. Runs beside others, without the database."""
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"webhooks/1 (+{settings.SITE_URL})",
        "X-Delivery": str(delivery.pk),
        "X-Signature": sign(delivery.webhook.secret, int(time.time()), body),
    }
    try:
        answer = post(delivery.webhook.url, body=body, headers=headers)
    except outbound.NotAnswered as failure:
        return {"error": failure.message}
    return {"status": answer.status, "answer": answer.body}


def sign(secret: str, at: int, body: bytes) -> str:
    """The header X-Signature: the instant in seconds of Unix time, and the HMAC-SHA-256 of both."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@transaction.atomic
def _note(delivery: WebhookDelivery, outcome: dict[str, Any], now: datetime) -> bool:
    """Keep what became of an attempt, unless another worker has taken the delivery over; whether it was taken."""
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, is_sent=False)
    webhook = Webhook.objects.filter(pk=delivery.webhook_id)
    list(webhook.select_for_update(no_key=True).values("pk"))  # before its deliveries, as whoever switches it off
    words = {name: said.replace("\0", "") if isinstance(said, str) else said for name, said in outcome.items()}
    kept = {"metadata": words}
    if 200 <= outcome.get("status", 0) < 300:
        webhook.filter(failing_since__isnull=False).update(failing_since=None)
        return bool(mine.update(is_sent=True, sent_at=now, next_attempt_at=None, **kept))
    if mine.update(next_attempt_at=_again(delivery, now), **kept):
        webhook.filter(failing_since__isnull=True).update(failing_since=now)
        waiting = WebhookDelivery.objects.filter(webhook=delivery.webhook_id, next_attempt_at__lt=now + HELD)
        waiting.update(next_attempt_at=now + HELD)
        if webhook.filter(failing_since__lte=now - FAILS_FOR, disabled_at__isnull=True).exists():
            _stop(delivery.webhook, now)
    return False


def _again(delivery: WebhookDelivery, now: datetime) -> datetime | None:
    """When to try again: after a pause, up to a tenth longer, so that what failed together does not come back together."""
    if delivery.attempts >= MAX_ATTEMPTS:
        return None
    return now + PAUSES[delivery.attempts - 1] * (1 + secrets.SystemRandom().uniform(0, 0.1))


def _stop(webhook: Webhook, now: datetime) -> None:
    webhook.disabled_at = now
    webhook.save(update_fields=["disabled_at"])
    give_up_waiting(webhook)
    url = reverse("messaging:webhook", args=[webhook.pk])
    host = urlsplit(webhook.url).hostname  # the rest of the address may be a token, and this goes by mail
    notify(recipient=webhook.user, kind=WEBHOOK_STOPPED, url=url, context={"host": host})
