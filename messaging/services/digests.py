"""Mail about what somebody wrote and nobody has read: one for each conversation, not more often than once an hour."""

from collections import defaultdict
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Greatest, Left

from marketplace.background import waking_once
from messaging.models import Attachment, Message, Notification, Participation
from messaging.notifications import QUOTING, UNREAD
from messaging.selectors.contact import digests_due, list_digests_due
from messaging.services.notifications import Telling, notify_all

SHOWN = 10  # messages in a mail
CHARACTERS = 300  # of each
BATCH = 200  # conversations in a transaction


def send_digests(*, now: datetime, limit: int = 10_000) -> int:
    """Tell people of at most `limit` conversations what they have not read; returns of how many.

    Any number of workers may do this at once: a conversation is claimed and told in one transaction.
    """
    due = list(islice(list_digests_due(now), limit))
    with waking_once():
        return sum(_tell(due[start : start + BATCH], now) for start in range(0, len(due), BATCH))


@transaction.atomic
def _tell(ids: list[int], now: datetime) -> int:
    """Claim those that are still due and that no other worker holds, and tell their people."""
    free = digests_due(now).select_for_update(of=("self",), skip_locked=True)
    sides = list(free.filter(pk__in=ids).select_related("user", "other", "conversation").order_by("last_at"))
    words = _unread(sides)
    Participation.objects.filter(pk__in=[side.pk for side in sides]).update(mailed_seq=F("last_seq"), mailed_at=now)
    sides = [side for side in sides if words[side.conversation_id]]  # of what was deleted meanwhile nothing is left
    _hush(sides, now)
    tellings = [
        Telling(side.user, UNREAD, side.conversation.get_absolute_url(), _context(side, words[side.conversation_id]))
        for side in sides
    ]
    return len(notify_all(tellings=tellings))


def _unread(sides: list[Participation]) -> dict[UUID, list[Message]]:
    """By conversation, the first messages that were neither read nor mailed about. Their numbers have no gaps.

    Whoever takes words back just now comes before, or after what is told of them stands where they are looked for.
    """
    known = Greatest("conversation__participations__read_seq", "conversation__participations__mailed_seq")
    unread = Message.objects.filter(
        conversation__participations__in=[side.pk for side in sides], seq__gt=known, seq__lte=known + SHOWN
    )
    files = Attachment.objects.filter(message=OuterRef("pk")).order_by().values("message").annotate(count=Count("pk"))
    shown = unread.filter(deleted_at__isnull=True).only("conversation_id", "created_at").order_by("seq")
    shown = shown.annotate(words=Left("content", CHARACTERS + 1), files=Subquery(files.values("count")))
    words: dict[UUID, list[Message]] = defaultdict(list)
    for message in shown.select_for_update(of=("self",), no_key=True):
        words[message.conversation_id].append(message)
    return words


def _context(side: Participation, words: list[Message]) -> dict[str, Any]:
    known = max(side.read_seq, side.mailed_seq)
    return {"other": side.other, "messages": words, "characters": CHARACTERS, "more": max(0, side.last_seq - known - SHOWN)}


def _hush(sides: list[Participation], now: datetime) -> None:
    """What was told before of these conversations is said anew: the bell says it once."""
    told = Notification.objects.filter(
        user__in=[side.user_id for side in sides],
        url__in=[side.conversation.get_absolute_url() for side in sides],
        kind__in=QUOTING,
        read_at__isnull=True,
    )
    told.update(read_at=now)
