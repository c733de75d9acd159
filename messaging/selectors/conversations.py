"""Conversations as one of their two sides may see them. Whoever is not one of the two gets a 404."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.models import User
from messaging.deals import deals
from messaging.models import Attachment, Block, Message, Participation

PAGE = 50  # messages at a time
INBOX_PAGE = 30
CHANGEABLE_FOR = timedelta(minutes=15)
FOUND_AT_MOST = 50
_IS_ABOUT_AN_ORDER = Exists(Message.objects.filter(conversation=OuterRef("conversation"), order__isnull=False))
INBOX_TABS = {
    "": Q(archived=False),
    "unread": Q(archived=False, last_seq__gt=F("read_seq")),
    "orders": Q(_IS_ABOUT_AN_ORDER, archived=False),
    "archived": Q(archived=True),
}


@dataclass(frozen=True)
class InboxRow:
    """A conversation as it stands in one person's inbox, with its last message (None before the first)."""

    side: Participation
    last: Message | None


def list_inbox(user: User, *, tab: str = "", before: tuple[datetime, int] | None = None) -> list[InboxRow]:
    """A page of the inbox. `tab` is one of INBOX_TABS; `before` is the last row seen."""
    rows = list_sides(user, tab=tab).order_by("-last_at", "-id")
    if before:
        rows = rows.filter(TupleLessThan(Tuple("last_at", "id"), before))
    return with_last(list(rows[: INBOX_PAGE + 1]))


def list_sides(user: User, *, tab: str = "") -> QuerySet[Participation]:
    """The person's sides of the conversations in a tab of their inbox."""
    begun = Participation.objects.filter(INBOX_TABS[tab], user=user, last_seq__gt=0)
    return begun.select_related("other", "conversation")


def with_last(sides: Sequence[Participation]) -> list[InboxRow]:
    """Each with its last message, in two queries."""
    ends = Message.objects.filter(conversation__in=[side.conversation_id for side in sides], seq=F("conversation__last_seq"))
    last = {message.conversation_id: message for message in ends.defer("original").prefetch_related("attachments")}
    return [InboxRow(side, last.get(side.conversation_id)) for side in sides]


def find_other_sides(sides: Sequence[Participation]) -> dict[UUID, Participation]:
    """How far the other one of each conversation has it, by the conversation."""
    both = Participation.objects.filter(conversation__in=[side.conversation_id for side in sides])
    return {row.conversation_id: row for row in both.exclude(pk__in=[side.pk for side in sides])}


def find_partners(user: User, conversations: Collection[UUID]) -> dict[UUID, UUID]:
    """The id of whom the person writes with, by the conversation."""
    sides = Participation.objects.filter(user=user, conversation__in=conversations)
    return dict(sides.values_list("conversation_id", "other_id"))


def search_messages(user: User, words: str) -> list[Message]:
    """The person's messages that contain the words, newest first, at most FOUND_AT_MOST."""
    found = list_messages_with(user, words).select_related("sender", "receiver")
    return list(found.order_by("-created_at")[:FOUND_AT_MOST])


def list_messages_with(user: User, words: str) -> QuerySet[Message]:
    """All the person's messages that contain the words, written by either side."""
    return Message.objects.filter(Q(sender=user) | Q(receiver=user), content__icontains=words).defer("original")


def get_side_for(user: User, conversation_id: UUID) -> Participation:
    """The person's own side of a conversation; Http404 otherwise."""
    return get_object_or_404(
        Participation.objects.select_related("other", "conversation"), user=user, conversation=conversation_id
    )


def find_side(user: User, other_id: UUID) -> Participation | None:
    """The person's side of the conversation with this other person, if there is one."""
    return Participation.objects.select_related("other", "conversation").filter(user=user, other=other_id).first()


def get_side_with(user: User, other_id: UUID) -> Participation:
    """The same; Http404 where there is none."""
    side = find_side(user, other_id)
    if side is None:
        raise Http404
    return side


def get_counterpart(user: User, other_id: UUID) -> User:
    """Somebody the person could write to, or had to do with before they left; Http404 for anybody else, and for themselves."""
    has_talked = Exists(Participation.objects.filter(user=user, other=OuterRef("pk")))
    has_blocked = Exists(Block.objects.filter(blocker=user, blocked=OuterRef("pk")))
    people = User.objects.filter(Q(is_active=True) | has_talked | has_blocked).exclude(pk=user.pk)
    return get_object_or_404(people, pk=other_id)


def get_person_to_write_to(user: User, handle: str) -> User:
    """Somebody the person could write to; Http404 for nobody, for themselves and for who has left."""
    person = get_object_or_404(User, handle__iexact=handle, is_active=True)
    if person == user:
        raise Http404
    return person


def list_messages(
    side: Participation, *, before: int | None = None, after: int | None = None, limit: int = PAGE
) -> list[Message]:
    """A page of the conversation in the order it was said: the newest, or those before or after a number."""
    rows = messages_of(side)
    if after is not None:
        return list(rows.filter(seq__gt=after).order_by("seq")[:limit])
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return list(rows.order_by("-seq")[:limit])[::-1]


def messages_of(side: Participation) -> QuerySet[Message]:
    """All that was said in the conversation, in no order yet."""
    return Message.objects.filter(conversation=side.conversation_id).defer("original").prefetch_related("attachments").order_by()


def list_sides_behind(user: User, known: Mapping[UUID, int]) -> list[Participation]:
    """Of these conversations (and the number each is known up to), the person's sides where more was said since."""
    sides = Participation.objects.filter(user=user, conversation__in=known).select_related("other")
    return [side for side in sides if side.last_seq > known[side.conversation_id]]


def get_message_of(user: User, message_id: UUID) -> Message:
    """A message that this person wrote; Http404 otherwise."""
    return get_object_or_404(Message.objects.select_related("conversation"), pk=message_id, sender=user)


def get_message_to(user: User, message_id: UUID) -> Message:
    """A message that this person was sent; Http404 otherwise."""
    return get_object_or_404(Message.objects.select_related("conversation", "sender"), pk=message_id, receiver=user)


def get_message_between(user: User, other_id: UUID, message_id: UUID) -> Message:
    """A message of one of these two to the other; Http404 otherwise."""
    either = Q(sender=user, receiver=other_id) | Q(sender=other_id, receiver=user)
    return get_object_or_404(Message.objects.filter(either), pk=message_id)


def get_attachment_for(user: User, attachment_id: UUID) -> Attachment:
    """A file of a message to or from the person, not deleted; or one they have handed in and not sent yet. Http404 otherwise."""
    sent = Q(message__sender=user) | Q(message__receiver=user)
    visible = (sent & Q(message__deleted_at__isnull=True)) | Q(message__isnull=True, uploader=user)
    return get_object_or_404(Attachment.objects.filter(visible), pk=attachment_id)


def list_handed_in(user: User, file_ids: Sequence[UUID]) -> list[Attachment]:
    """Those of these files that the person has handed in and not sent yet, in this order; others may be gone by now."""
    rows = Attachment.objects.filter(uploader=user, message__isnull=True).in_bulk(file_ids)
    return [rows[pk] for pk in file_ids if pk in rows]


def is_blocked_between(one: User, other: User) -> bool:
    """Whether one of the two has blocked the other."""
    return Block.objects.filter(Q(blocker=one, blocked=other) | Q(blocker=other, blocked=one)).exists()


def list_blocks(user: User) -> QuerySet[Block]:
    """Whom the person has blocked."""
    return Block.objects.filter(blocker=user).select_related("blocked")


def has_blocked(user: User, other: User) -> bool:
    return Block.objects.filter(blocker=user, blocked=other).exists()


def may_write(user: User, other: User) -> bool:
    """Both are here, and neither has blocked the other, or an order of the two runs."""
    if not (user.is_active and other.is_active) or user == other:
        return False
    return not is_blocked_between(user, other) or deals.have_running((user, other))


def may_change(user: User, message: Message, now: datetime) -> bool:
    """Whether its writer may still change or delete it."""
    return message.sender_id == user.pk and message.deleted_at is None and now < message.created_at + CHANGEABLE_FOR
