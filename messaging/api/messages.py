"""What is said: sent, read, searched, corrected and deleted."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Status
from pydantic import Field

from accounts.gates import person, reader, sender, writer
from accounts.models import User
from marketplace.rest.counterparts import answers_for
from marketplace.rest.cursors import part_of
from marketplace.rest.errors import Refusal, about
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Cursor, Limit, Line
from messaging.api.refusals import DAY, paced, repeated
from messaging.exceptions import MessageRefused, NotReachable
from messaging.models import Message
from messaging.schemas import (
    BIGGEST,
    Correction,
    MessagePage,
    MessageShown,
    NewMessage,
    NewReport,
    ReportShown,
    message_shown,
    report_shown,
)
from messaging.selectors import (
    find_side,
    get_counterpart,
    get_message_between,
    list_handed_in,
    list_messages_with,
    messages_of,
)
from messaging.services import change_message, report, send_message
from messaging.services.conversations import WINDOW

After = Annotated[int, Field(ge=0, le=BIGGEST, description="Catch up: what was said after this number, oldest first.")]
answers_for("messaging:conversation", "messages/{user_id}")
router = Router(tags=["messages"])


@router.post("messages", auth=sender, response={201: MessageShown})
def send(request: HttpRequest, message: NewMessage) -> Any:
    """Say something to somebody; the first message opens the conversation. Without a `client_id` it gets one.

    The same message sent again under its `client_id` is answered as it stands by now; other words under it are 409.
    """
    with _explained(person(request), message), paced(WINDOW):
        sent = send_message(actor=person(request), **_said(message))
    return Status(201, message_shown(sent))


@router.get("messages", auth=reader, response=MessagePage)
def search(request: HttpRequest, q: Query[Annotated[str, Line(100)]], cursor: Cursor = "", limit: Limit = 20) -> MessagePage:
    """Messages to or from the caller that contain these words, newest first."""
    return _page(list_messages_with(person(request), q).prefetch_related("attachments"), ("-created_at", "-id"), cursor, limit)


@router.get("messages/{uuid:user_id}", auth=reader, response=MessagePage)
def read(request: HttpRequest, user_id: UUID, after: After | None = None, cursor: Cursor = "", limit: Limit = 20) -> MessagePage:
    """The conversation with this person, newest first; with `after` what was said since, oldest first, part by part.

    Empty where the two have not written yet.
    """
    side = find_side(person(request), user_id)
    if side is None:
        get_counterpart(person(request), user_id)
        return MessagePage(items=[], next=None)
    if after is None:
        return _page(messages_of(side), ("-seq",), cursor, limit)
    return _page(messages_of(side).filter(seq__gt=after), ("seq",), cursor, limit)


@router.patch("conversations/{uuid:user_id}/messages/{uuid:message_id}", auth=writer, response=MessageShown)
def correct(request: HttpRequest, user_id: UUID, message_id: UUID, correction: Correction) -> MessageShown:
    """Correct one's own message within 15 minutes."""
    _get_own(request, user_id, message_id)
    with about(message_refused="content"), paced(WINDOW):
        changed = change_message(actor=person(request), message_id=message_id, content=correction.content)
    return message_shown(changed)


@router.delete("conversations/{uuid:user_id}/messages/{uuid:message_id}", auth=writer, response={204: None})
def delete(request: HttpRequest, user_id: UUID, message_id: UUID) -> Any:
    """Delete one's own message within 15 minutes: its number stays, its words and files go. Repeating it changes nothing."""
    if not _get_own(request, user_id, message_id).deleted_at:
        change_message(actor=person(request), message_id=message_id, content=None)
    return Status(204, None)


@router.post("conversations/{uuid:user_id}/messages/{uuid:message_id}/report", auth=writer, response={201: ReportShown})
def report_message(request: HttpRequest, user_id: UUID, message_id: UUID, asked: NewReport) -> Any:
    """Ask the moderators to look at a message the caller was sent. Nobody is told who it was."""
    if get_message_between(person(request), user_id, message_id).sender_id == person(request).pk:
        raise Refusal(403, "not_yours", _("Only a message that was sent to you can be reported."))
    with repeated("already_reported"), paced(DAY):
        made = report(actor=person(request), message_id=message_id, reason=asked.reason, note=asked.note)
    return Status(201, report_shown(made))


def _said(message: NewMessage) -> dict[str, Any]:
    """What the service takes of it."""
    return message.model_dump() | {"client_id": message.client_id or str(uuid.uuid4())}


@contextmanager
def _explained(actor: User, message: NewMessage) -> Iterator[None]:
    """Nobody of this id is a 404; of what speaks against the words or files the field is named."""
    try:
        yield
    except NotReachable:
        get_counterpart(actor, message.receiver_id)
        raise
    except MessageRefused as refusal:
        named = {_field_of(actor, message): refusal.message}
        raise Refusal(422, refusal.code, refusal.message, fields=named) from refusal


def _field_of(actor: User, message: NewMessage) -> str:
    if len(list_handed_in(actor, message.file_ids)) < len(set(message.file_ids)):
        return "file_ids"
    return "order_id" if message.order_id else "content"


def _get_own(request: HttpRequest, user_id: UUID, message_id: UUID) -> Message:
    """A message that the caller wrote to this person. One that was written to them is 403, any other 404."""
    message = get_message_between(person(request), user_id, message_id)
    if message.sender_id != person(request).pk:
        raise Refusal(403, "not_yours", _("This message is not yours."))
    return message


def _page(messages: "QuerySet[Message]", order: tuple[str, ...], cursor: str, limit: int) -> MessagePage:
    found, after = part_of(messages, order=order, cursor=cursor, limit=limit)
    return MessagePage(items=[message_shown(message) for message in found], next=after)
