"""What a conversation shows to one of its two: the same on its own page, inside another page, and after a refusal."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils import timezone

from accounts.models import User
from messaging.forms import MessageForm, WindowForm
from messaging.models import Attachment, Message, Participation
from messaging.models.conversation import MOST_FILES
from messaging.off_platform import HINTS
from messaging.selectors import find_side, has_blocked, list_messages, may_change, may_write
from messaging.selectors.conversations import PAGE

# They stand in the patterns that the page's script fills (static/js/chat-bubble.js).
_ANY_MESSAGE, _ANY_ORDER, _ANY_FILE = (uuid.UUID(int=number) for number in range(3))


@dataclass(frozen=True)
class Bubble:
    """A message as it stands on the page. `state` is of one's own: sent, delivered or read."""

    message: Message
    files: list[Attachment]
    is_mine: bool
    state: str = ""
    may_change: bool = False
    is_first_unread: bool = False
    names_order: bool = True  # the one before it was about another, or about none


def chat_of(
    user: User, other: User, side: Participation | None, *, query: Any, form: MessageForm | None = None
) -> dict[str, Any]:
    """The conversation of the two from the side of `user`; `side` is None before the first message."""
    window = WindowForm(query)
    window.is_valid()
    place = window.cleaned_data
    messages = list_messages(side, before=place.get("before"), after=place.get("after")) if side else []
    theirs = find_side(other, user.pk) if side else None
    last_seq = side.last_seq if side else 0
    return {
        "other": other,
        "side": side,
        "theirs": theirs,
        "bubbles": _bubbles(user, side, theirs, messages) if side else [],
        "earlier": messages[0].seq if messages and messages[0].seq > 1 else 0,
        "later": messages[-1].seq if messages and messages[-1].seq < last_seq else 0,
        "form": form or MessageForm(initial={"client_id": str(uuid.uuid4()), "order": place.get("order")}, auto_id="chat-%s"),
        "may_write": may_write(user, other),
        "has_blocked": has_blocked(user, other),
        "is_writing": bool(place.get("write")) or form is not None,
        "patterns": [_pattern(is_mine=True), _pattern(is_mine=False)],
        "hints": json.dumps([{"pattern": hint.pattern, "label": str(hint.label)} for hint in HINTS]),
        "most_files": MOST_FILES,
    }


def _bubbles(user: User, side: Participation, theirs: Participation | None, messages: list[Message]) -> list[Bubble]:
    prefetch_related_objects(messages, "order")
    now = timezone.now()
    unread_from = side.read_seq + 1 if side.unread else None
    before = [None, *(message.order_id for message in messages)]
    return [
        Bubble(
            message=message,
            files=list(message.attachments.all()),
            is_mine=message.sender_id == user.pk,
            state=_state(message, theirs) if message.sender_id == user.pk else "",
            may_change=may_change(user, message, now),
            is_first_unread=message.seq == unread_from,
            names_order=message.order_id != order_before,
        )
        for message, order_before in zip(messages, before, strict=False)
    ]


def link_to(message: Message) -> str:
    """Where this message stands on the page of its conversation, with what was said around it."""
    seq, last_seq = message.seq, message.conversation.last_seq
    window = f"?before={seq + PAGE // 2}" if last_seq - seq >= PAGE else ""
    return f"{message.conversation.get_absolute_url()}{window}#message-{message.pk}"


def _state(message: Message, theirs: Participation | None) -> str:
    if theirs and message.seq <= theirs.read_seq:
        return "read"
    return "delivered" if theirs and message.seq <= theirs.delivered_seq else "sent"


def _pattern(*, is_mine: bool) -> Bubble:
    """An empty message with everything a message can have, for the page's script to fill."""
    at = datetime(2000, 1, 1, tzinfo=UTC)
    order = Message._meta.get_field("order").related_model(pk=_ANY_ORDER)
    message = Message(id=_ANY_MESSAGE, seq=0, created_at=at, edited_at=at, order=order)  # type: ignore[misc]  # known by name
    files = [Attachment(id=_ANY_FILE, size=0, preview=preview) for preview in ("picture", "")]
    return Bubble(message=message, files=files, is_mine=is_mine, state="sent", may_change=is_mine)
