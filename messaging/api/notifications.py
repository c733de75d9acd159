"""What the bell tells."""

from django.http import HttpRequest

from accounts.gates import person, reader, writer
from accounts.models import User
from marketplace.rest.cursors import part_of
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Cursor, Limit
from messaging import services
from messaging.models import Notification
from messaging.schemas import (
    NotificationPage,
    NotificationShown,
    ReadAll,
    WaitingShown,
    conversation_of,
    notification_shown,
)
from messaging.selectors import get_notification_for, list_notifications
from messaging.selectors.conversations import find_partners
from messaging.selectors.waiting import count_waiting

router = Router(tags=["notifications"])


@router.get("notifications", auth=reader, response=NotificationPage)
def notifications(request: HttpRequest, unread: bool = False, cursor: Cursor = "", limit: Limit = 20) -> NotificationPage:
    """What the caller was told, newest first; with `unread` only what they have not read."""
    told = list_notifications(person(request))
    rows = told.filter(read_at__isnull=True) if unread else told
    found, after = part_of(rows, order=("-id",), cursor=cursor, limit=limit)
    return NotificationPage(items=_shown(person(request), found), next=after)


@router.get("notifications/count", auth=reader, response=WaitingShown)
def count(request: HttpRequest) -> WaitingShown:
    """What waits to be read."""
    return _waiting(person(request))


@router.post("notifications/read", auth=writer, response=WaitingShown)
def acknowledge_all(request: HttpRequest, asked: ReadAll | None = None) -> WaitingShown:
    """Mark all notifications read, or those up to one; the answer is what still waits. Without a body: all."""
    services.mark_all_read(actor=person(request), up_to=(asked or ReadAll.model_validate({})).up_to)
    return _waiting(person(request))


@router.post("notifications/{int:notification_id}/read", auth=writer, response=NotificationShown)
def acknowledge(request: HttpRequest, notification_id: int) -> NotificationShown:
    """Acknowledge one: the first time counts. Repeating it changes nothing."""
    found = get_notification_for(person(request), notification_id)
    services.mark_read(actor=person(request), notification=found)
    return _shown(person(request), [get_notification_for(person(request), notification_id)])[0]


def _shown(user: User, rows: list[Notification]) -> list[NotificationShown]:
    """Each with what it is about: one question more where some are about conversations."""
    conversations = {found for row in rows if (found := conversation_of(row))}
    others = find_partners(user, conversations) if conversations else {}
    return [notification_shown(row, others) for row in rows]


def _waiting(user: User) -> WaitingShown:
    told, written = count_waiting(user)
    return WaitingShown(notifications=told, conversations=written)
