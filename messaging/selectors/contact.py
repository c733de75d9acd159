"""How a person wants to be reached when they are away, and whom it is time to write to."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.shortcuts import get_object_or_404

from accounts.models import User
from messaging.models import Block, ContactSettings, Message, Participation, Webhook, WebhookDelivery

UNREAD_FOR = timedelta(minutes=5)
AT_MOST_EVERY = timedelta(hours=1)  # a mail for one conversation
OLD_NEWS = timedelta(days=7)  # what waited so long is written about no more: it keeps the sweep's walk short
SHOWN = 30  # deliveries on a webhook's page


# --- When mail may come ---------------------------------------------------------------------------------------------
def get_contact_settings(user: User) -> ContactSettings:
    """What the person has chosen; a row that is not saved where they never have."""
    return ContactSettings.objects.filter(user=user).first() or ContactSettings(user=user)


def is_quiet(now: datetime, *, time_zone: str, start: time | None, end: time | None) -> bool:
    """Whether the clock on the person's wall stands between the two times of day; `start` after `end` is over midnight."""
    if start is None or end is None:
        return False
    here = now.astimezone(ZoneInfo(time_zone)).time()
    return start <= here < end if start <= end else here >= start or here < end


def digests_due(now: datetime) -> QuerySet[Participation]:
    """Sides whose first message that was neither read nor mailed about has waited for UNREAD_FOR, and may be mailed about now.

    Quiet hours are not looked at. Nothing is mailed of a person they have blocked.
    """
    first = Message.objects.filter(
        conversation=OuterRef("conversation"), seq=Greatest(OuterRef("read_seq"), OuterRef("mailed_seq")) + 1
    )
    return Participation.objects.filter(
        Q(mailed_at__isnull=True) | Q(mailed_at__lte=now - AT_MOST_EVERY),
        Exists(first.filter(created_at__lte=now - UNREAD_FOR)),
        ~Exists(Block.objects.filter(blocker=OuterRef("user"), blocked=OuterRef("other"))),
        last_seq__gt=F("read_seq"),
        last_at__gt=now - OLD_NEWS,
        mailed_seq__lt=F("last_seq"),
        muted=False,
        archived=False,
        user__is_active=True,
        other__is_active=True,
    )


def list_digests_due(now: datetime) -> Iterator[int]:
    """Ids of those that are due and not in their person's quiet hours, the longest waiting first."""
    chosen = [f"user__contact_settings__{name}" for name in ("quiet_from", "quiet_until")]
    rows = digests_due(now).order_by("last_at").values_list("pk", "user__time_zone", *chosen)
    return (pk for pk, zone, start, end in rows if not is_quiet(now, time_zone=zone, start=start, end=end))


# --- Webhooks -------------------------------------------------------------------------------------------------------
def list_webhooks_of(user: User) -> QuerySet[Webhook]:
    return Webhook.objects.filter(user=user).order_by("created_at", "pk")


def get_webhook_of(user: User, webhook_id: UUID) -> Webhook:
    """One of the person's own; Http404 otherwise."""
    return get_object_or_404(Webhook, pk=webhook_id, user=user)


def list_deliveries(webhook: Webhook) -> list[WebhookDelivery]:
    """The last ones, newest first."""
    return list(webhook.deliveries.order_by("-created_at")[:SHOWN])
