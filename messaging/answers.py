"""What each frame of a client does for the person who sent it, and the frames they are answered with."""

import json
from collections.abc import Callable, Sequence
from uuid import UUID

from accounts.models import User
from messaging import presence
from messaging.frames import MOST_BYTES, PAGE, Frame, message_frame, sync_frame
from messaging.models import Participation
from messaging.selectors import list_messages
from messaging.services import mark_seen, send_message


def _send(
    person: User,
    *,
    client_id: str,
    receiver_id: UUID,
    content: str,
    order_id: UUID | None = None,
    file_ids: Sequence[UUID] = (),
) -> list[Frame]:
    message = send_message(
        actor=person, receiver_id=receiver_id, content=content, client_id=client_id, order_id=order_id, file_ids=file_ids
    )
    files = list(message.attachments.all()) if file_ids else []
    return [{"type": "message.ack", "client_id": client_id, "message": message_frame(message, files)}]


def _read(person: User, *, conversation: UUID, seq: int) -> list[Frame]:
    mark_seen(actor=person, conversation_id=conversation, read=seq)
    return []


def _delivered(person: User, *, conversation: UUID, seq: int) -> list[Frame]:
    mark_seen(actor=person, conversation_id=conversation, delivered=seq)
    return []


def _typing(person: User, *, conversation: UUID) -> list[Frame]:
    presence.tell_typing(person, conversation)
    return []


def _ping(person: User) -> list[Frame]:
    presence.be_here(person)
    return []


# `sync` is not here: its answer is too long to be made in one go.
ANSWERS: dict[str, Callable[..., list[Frame]]] = {
    "message.send": _send,
    "message.read": _read,
    "message.delivered": _delivered,
    "typing": _typing,
    "ping": _ping,
}


def pages_after(side: Participation, seq: int) -> list[Frame]:
    """The next messages of a conversation in the order of their numbers, in frames no larger than the server may send."""
    pages: list[list[Frame]] = []
    room = 0
    for row in list_messages(side, after=seq, limit=PAGE):
        message = message_frame(row, list(row.attachments.all()))
        length = len(json.dumps(message, ensure_ascii=False).encode()) + len(", ")
        if length > room:
            pages.append([])
            room = MOST_BYTES - 256  # what stands around the messages
        pages[-1].append(message)
        room -= length
    return [sync_frame(side, page, more=page[-1]["seq"] < side.last_seq) for page in pages]
