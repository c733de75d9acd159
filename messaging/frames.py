"""What goes over a socket, both ways; the page in `docs/realtime.md` has the schemas. Asks the database nothing."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from marketplace.exceptions import DomainError
from messaging.models import Attachment, Message, Participation

PROTOCOL = "chat.v1"
MOST_BYTES = 64 * 1024  # of a frame, either way: Daphne cuts the line over its --websocket-max-message-size
MOST_FRAMES = 100  # in a second
MOST_FAULTS = 3  # frames in a row that say nothing, then the socket is closed
MOST_CONVERSATIONS = 100  # of one `sync`
PAGE = 200  # messages at most of a frame of `sync`
SYNC_COSTS = 10  # as many frames as this

SIGNED_OUT, NOT_YOURS, BROKEN, TOO_MANY = 4401, 4403, 4400, 4429  # close codes
FLOOD = "too_many_frames"
PUSHED = {"message.new", "message.changed", "message.read", "typing", "presence", "order.updated", "notification", "pong"}

Frame = dict[str, Any]
Fields = dict[str, Callable[[object], Any]]  # what makes each of a frame's fields from its JSON, or raises ValueError


# --- To the client --------------------------------------------------------------------------------------------------
def message_frame(message: Message, files: list[Attachment]) -> Frame:
    """A message as both sides see it. Instants are RFC 3339, UTC."""
    return {
        "id": str(message.pk),
        "conversation": str(message.conversation_id),
        "seq": message.seq,
        "client_id": message.client_id,
        "sender": str(message.sender_id),
        "receiver": str(message.receiver_id),
        "order": str(message.order_id) if message.order_id else None,
        "content": message.content,
        "created_at": message.created_at.isoformat(),
        "edited_at": message.edited_at.isoformat() if message.edited_at else None,
        "deleted": message.deleted_at is not None,
        "files": [] if message.deleted_at else [file_frame(file) for file in files],
    }


def file_frame(file: Attachment) -> Frame:
    return {
        "id": str(file.pk),
        "name": file.name,
        "size": file.size,
        "content_type": file.content_type,
        "url": reverse("messaging:file", args=[file.pk]),
        "preview": reverse("messaging:preview", args=[file.pk]) if file.preview else None,
        "width": file.width,
        "height": file.height,
    }


def seen_frame(side: Participation) -> Frame:
    """How far this side has it and has read it."""
    return {
        "type": "message.read",
        "conversation": str(side.conversation_id),
        "reader": str(side.user_id),
        "delivered_seq": side.delivered_seq,
        "read_seq": side.read_seq,
    }


def sync_frame(side: Participation, messages: list[Frame], *, more: bool) -> Frame:
    """A page of what was missed; whether the next frame goes on with it."""
    return {"type": "sync", "conversation": str(side.conversation_id), "messages": messages, "more": more}


def error_frame(code: str, message: str, client_id: str | None = None) -> Frame:
    about = {"client_id": client_id} if client_id else {}
    return {"type": "error", **about, "code": code, "message": message}


# --- From the client ------------------------------------------------------------------------------------------------
class Malformed(DomainError):
    """The frame says nothing this site understands."""

    code = "bad_frame"

    def __init__(self, message: str, *, client_id: str | None = None) -> None:
        super().__init__(message)
        self.client_id = client_id


def parse(text: str | None) -> tuple[str, dict[str, Any]]:
    """The type of a frame and its fields, each of the type its service wants. Raises Malformed."""
    if text is None or len(text) > MOST_BYTES or len(text.encode(errors="replace")) > MOST_BYTES:
        raise Malformed(_("A frame is a text of at most 64 KiB."))
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed(_("A frame is a JSON object.")) from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str) or frame["type"] not in RECEIVED:
        raise Malformed(_("A frame is a JSON object whose type is one of %(types)s.") % {"types": ", ".join(RECEIVED)})
    kind, given = frame.pop("type"), {name: value for name, value in frame.items() if value is not None}
    needed, possible = RECEIVED[kind]
    try:
        if not needed.keys() <= given.keys() <= needed.keys() | possible.keys():
            raise ValueError
        return kind, {name: (needed | possible)[name](value) for name, value in given.items()}
    except ValueError:
        words = _("A frame of the type %(type)s has the fields %(fields)s.")
        fields = ", ".join([*needed, *(f"{name}?" for name in possible)]) or "–"
        client_id = given.get("client_id")
        named = client_id if isinstance(client_id, str) and client_id.isascii() and len(client_id) <= 64 else None
        raise Malformed(words % {"type": kind, "fields": fields}, client_id=named) from None


def _uuid(value: object) -> UUID:
    if not isinstance(value, str) or str(uuid := UUID(value)) != value.lower():  # UUID() takes other spellings too
        raise ValueError
    return uuid


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    value.encode()  # half a surrogate pair is no text; what this raises is a ValueError
    return value


def _uuids(value: object) -> list[UUID]:
    if not isinstance(value, list):
        raise ValueError
    return [_uuid(each) for each in value]


def _numbers(value: object) -> dict[UUID, int]:
    if not isinstance(value, dict) or len(value) > MOST_CONVERSATIONS:
        raise ValueError
    return {_uuid(name): _number(seq) for name, seq in value.items()}


# Each type with the fields it needs and those it may have; null is as good as absent.
RECEIVED: dict[str, tuple[Fields, Fields]] = {
    "message.send": (
        {"client_id": _text, "receiver_id": _uuid, "content": _text},
        {"order_id": _uuid, "file_ids": _uuids},
    ),
    "message.read": ({"conversation": _uuid, "seq": _number}, {}),
    "message.delivered": ({"conversation": _uuid, "seq": _number}, {}),
    "typing": ({"conversation": _uuid}, {}),
    "sync": ({"conversations": _numbers}, {}),
    "ping": ({}, {}),
}


class Allowance:
    """A bucket of frames that fills again by MOST_FRAMES a second."""

    def __init__(self) -> None:
        self._left, self._at = float(MOST_FRAMES), time.monotonic()

    def take(self, cost: int = 1) -> bool:
        now = time.monotonic()
        self._left = min(MOST_FRAMES, self._left + (now - self._at) * MOST_FRAMES) - cost
        self._at = now
        return self._left >= 0
