"""What of conversations, files and notifications the API takes and gives. A message and a file are those of the stream."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from pydantic import Field

from accounts.schemas import PersonBrief, brief
from marketplace.rest.counterparts import counterpart, page_at
from marketplace.rest.schemas import Asked, Flag, Id, Page, Shown, ShownInstant, Text, whole
from messaging.frames import file_frame, message_frame
from messaging.models import Attachment, Block, Message, MessageReport, Notification, Participation
from messaging.models.conversation import LONGEST_NOTE, MOST_CHARACTERS, MOST_FILES
from messaging.selectors.conversations import InboxRow

BIGGEST = 2**53 - 1  # that every JSON reader keeps to the last digit
Tab = Literal["all", "unread", "orders", "archived"]
Purpose = Literal["message", "work"]
Reason = Literal["off_platform", "scam", "abuse", "spam", "other"]
# What these may hold is the service's to say, as on the page and over the socket.
Words = Annotated[str, Field(strict=True, max_length=MOST_CHARACTERS, examples=["Hello, do you have a minute?"])]
ClientId = Annotated[str, Field(strict=True, min_length=8, max_length=64, pattern=r"^[ -~]{8,64}$")]
Seq = Annotated[int, whole(0, BIGGEST)]


# --- What a program sends -------------------------------------------------------------------------------------------
class NewMessage(Asked):
    receiver_id: Id
    content: Words = Field(description="May be empty where there are files.")
    order_id: Id | None = Field(None, description="An order of you two that this is about.")
    client_id: ClientId | None = Field(
        None, description="Your own name for the message: the same words sent again under it are the same message."
    )
    file_ids: list[Id] = Field([], max_length=MOST_FILES, description="Files handed in before, in this order.")


class Correction(Asked):
    content: Words


class Arrangement(Asked):
    """What is left out, or null, stays as it is."""

    muted: Flag | None = Field(None, description="Whether it is neither told in the bell nor by mail.")
    archived: Flag | None = Field(None, description="Whether it is put away, until the next message.")


class Mark(Asked):
    seq: Seq = Field(description="The number of the last message that this is true of.")


class NewReport(Asked):
    reason: Reason
    note: Annotated[str, Text(LONGEST_NOTE, least=0)] = Field("", description="What a moderator should know.")


class ReadAll(Asked):
    up_to: Annotated[int, whole(1, BIGGEST)] = Field(BIGGEST, description="The id of the newest one the person saw; else all.")


# --- What it gets: messages -----------------------------------------------------------------------------------------
class FileShown(Shown):
    id: UUID
    name: str
    size: int = Field(description="In bytes.")
    content_type: str
    url: str
    preview: str | None = Field(description="Of a picture: a small one, as WebP.")
    width: int | None = Field(description="Of the preview, in pixels.")
    height: int | None


class MessageShown(Shown):
    """A message as both sides see it, the same as over the stream. `files` and `content` of a deleted one are empty."""

    id: UUID
    conversation: UUID
    seq: int = Field(description="Its number in the conversation: 1, 2, 3 … without a gap.")
    client_id: str
    sender: UUID
    receiver: UUID
    order: UUID | None
    content: str
    created_at: ShownInstant
    edited_at: ShownInstant | None
    deleted: bool
    files: list[FileShown]


class MessagePage(Page[MessageShown]):
    """A part of a list of messages."""


class ReportShown(Shown):
    message: UUID
    reason: Reason
    note: str
    created_at: ShownInstant


def file_shown(file: Attachment) -> FileShown:
    """With addresses of the API, which take a token or a key as well."""
    urls = {"url": _absolute("attachment", file), "preview": _absolute("attachment_preview", file) if file.preview else None}
    return FileShown(**file_frame(file) | urls)


def message_shown(message: Message) -> MessageShown:
    files = [] if message.deleted_at else [file_shown(file) for file in message.attachments.all()]
    return MessageShown(**message_frame(message, []) | {"files": files})


def report_shown(report: MessageReport) -> ReportShown:
    said: dict[str, Any] = {name: getattr(report, name) for name in ("reason", "note", "created_at")}
    return ReportShown(message=report.message_id, **said)


def _absolute(name: str, file: Attachment) -> str:
    return f"{settings.SITE_URL}{reverse(f'api:{name}', args=[file.pk])}"


# --- Conversations --------------------------------------------------------------------------------------------------
class SeenShown(Shown):
    """How far somebody has the conversation on a device, and has read it. Both numbers only move forward."""

    conversation: UUID
    reader: UUID
    delivered_seq: int
    read_seq: int


class ConversationBrief(Shown):
    """A conversation as it lies in the person's inbox."""

    id: UUID
    other: PersonBrief
    last_message: MessageShown | None
    last_seq: int
    last_at: ShownInstant
    unread: int = Field(description="Messages of the other side that the person has not read.")
    muted: bool
    archived: bool
    mine: SeenShown
    theirs: SeenShown


class ConversationShown(ConversationBrief):
    may_write: bool = Field(description="Whether the two can write to each other just now.")
    blocked: bool = Field(description="Whether the person has blocked the other one.")


class ConversationPage(Page[ConversationBrief]):
    """A part of the inbox."""


class BlockShown(Shown):
    person: PersonBrief
    created_at: ShownInstant


class BlockPage(Page[BlockShown]):
    """A part of the list of blocked people."""


def conversation_brief(row: InboxRow, theirs: Participation) -> ConversationBrief:
    return ConversationBrief(**_common(row, theirs))


def conversation_shown(row: InboxRow, theirs: Participation, *, may_write: bool, blocked: bool) -> ConversationShown:
    return ConversationShown(**_common(row, theirs), may_write=may_write, blocked=blocked)


def seen_shown(side: Participation) -> SeenShown:
    seen = {"delivered_seq": side.delivered_seq, "read_seq": side.read_seq}
    return SeenShown(conversation=side.conversation_id, reader=side.user_id, **seen)


def block_shown(block: Block) -> BlockShown:
    return BlockShown(person=brief(block.blocked), created_at=block.created_at)


def _common(row: InboxRow, theirs: Participation) -> dict[str, Any]:
    side = row.side
    return {
        "id": side.conversation_id,
        "other": brief(side.other),
        "last_message": message_shown(row.last) if row.last else None,
        "last_seq": side.last_seq,
        "last_at": side.last_at,
        "unread": side.unread,
        "muted": side.muted,
        "archived": side.archived,
        "mine": seen_shown(side),
        "theirs": seen_shown(theirs),
    }


# --- Notifications --------------------------------------------------------------------------------------------------
class Fact(Shown):
    label: str
    value: str


class AboutShown(Shown):
    """What a notification is about, for a program: the ids that it needs, and where it reads on."""

    order_id: UUID | None = Field(description="Of orders, their disputes, refunds and reviews.")
    proof_id: UUID | None = Field(description="Of a payment to check, for moderators.")
    user_id: UUID | None = Field(description="Of a conversation: the other side.")
    url: str | None = Field(description="Where the API answers it; null where there is only a page.")


class NotificationShown(Shown):
    id: int
    kind: str = Field(examples=["orders.delivered"])
    severity: Literal["info", "action", "success", "problem"]
    subject: str
    body: str
    facts: list[Fact] = Field(description="What it is about at a glance, in words for the person.")
    url: str | None = Field(description="The page of this site that it leads to.")
    about: AboutShown
    read_at: ShownInstant | None
    created_at: ShownInstant


class NotificationPage(Page[NotificationShown]):
    """A part of the list of notifications."""


class WaitingShown(Shown):
    """What waits for the person: the two numbers in the header of every page."""

    notifications: int = Field(description="Not read.")
    conversations: int = Field(description="With something unread, but for muted ones.")


def notification_shown(row: Notification, others: Mapping[UUID, UUID]) -> NotificationShown:
    """`others` is whom the person writes with, by the conversation, for those that `conversation_of` names."""
    return NotificationShown(
        **{name: getattr(row, name) for name in ("id", "kind", "severity", "subject", "body", "read_at", "created_at")},
        facts=[Fact(label=label, value=value) for label, value in row.facts],
        url=urljoin(settings.SITE_URL, row.url) if row.url else None,
        about=_about(row, others),
    )


def conversation_of(row: Notification) -> UUID | None:
    """The id of the conversation that it leads to."""
    return page_at(row.url)[1].get("conversation_id")


def _about(row: Notification, others: Mapping[UUID, UUID]) -> AboutShown:
    page, ids = page_at(row.url)
    if "conversation_id" in ids:
        other = others.get(ids["conversation_id"])
        page, ids = (page, {"user_id": other}) if other else ("", {})
    named = {name: ids.get(name) for name in ("order_id", "proof_id", "user_id")}
    return AboutShown(**named, url=counterpart(page, ids))
