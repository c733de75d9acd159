"""What two people say to each other: sent, seen, changed. The page's form and the socket both come through here."""

import re
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import PositiveBigIntegerField, UUIDField, Value, prefetch_related_objects
from django.db.models.functions import Greatest, Least
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.cache import count
from marketplace.exceptions import DomainError
from marketplace.realtime import group_of, publish
from marketplace.texts import shows_something
from messaging.deals import deals
from messaging.exceptions import AccountIsNew, MessageRefused, NotReachable, SentOtherwise, TooFast, TooLate
from messaging.frames import message_frame, seen_frame
from messaging.models import Attachment, Conversation, Message, Notification, Participation, Webhook
from messaging.models.conversation import EARLIER, MOST_CHARACTERS, MOST_FILES
from messaging.notifications import QUOTING, WRITTEN
from messaging.selectors import find_side, get_side_for, may_change, may_write
from messaging.services import webhooks
from messaging.services.at_once import say_at_once
from messaging.services.notifications import notify

PER_WINDOW, WINDOW = 30, 10  # messages in seconds, of one person over all devices
MOST_KEPT = 5 * MOST_CHARACTERS  # of earlier wordings
NEW_FOR = timedelta(days=7)
NEW_MAY_OPEN = 10  # conversations in a day, while the account is that new
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def send_message(
    *,
    actor: User,
    receiver_id: UUID,
    content: str,
    client_id: str,
    order_id: UUID | None = None,
    file_ids: Sequence[UUID] = (),
) -> Message:
    """Say something to somebody, opening the conversation with the first message; all their devices hear of it after commit.

    `client_id` is the sender's own name for it: the same one again answers the message that is there already. `order_id` is an
    order of these two, `file_ids` are files handed in before by the sender. Raises MessageRefused, NotReachable, TooFast,
    AccountIsNew, and SentOtherwise where the client_id belongs to another message.
    """
    _check_client_id(client_id)
    try:
        words = _checked(content, file_ids)
        _slow_down(actor)
        with transaction.atomic():
            said = None
            if not file_ids:
                said = say_at_once(sender=actor, receiver_id=receiver_id, content=words, client_id=client_id, order_id=order_id)
            message, unread, was_behind = said or _say(actor, receiver_id, words, client_id, order_id, file_ids)
            if order_id and not deals.is_between(order_id, (actor, message.receiver)):
                raise MessageRefused(_("This order is not one of you two."))
            if was_behind:  # whoever writes has read what stood before
                _hush(actor, message.conversation)
            if unread == 1:  # the others they have not read stand in the same conversation
                url = message.conversation.get_absolute_url()
                notify(recipient=message.receiver, kind=WRITTEN, url=url, context={"message": message})
            _push_both(message, "message.new", list(message.attachments.all()) if file_ids else [])
            return message
    except (IntegrityError, DomainError):  # whatever speaks against sending it, what is there already was sent
        sent = Message.objects.filter(sender=actor, client_id=client_id).first()
        if sent is None:
            raise
        return _same(sent, receiver_id, content)


def _same(sent: Message, receiver_id: UUID, content: str) -> Message:
    """The message that was sent under this name, if it is the same one: whoever sends other words would believe them said."""
    if sent.receiver_id != receiver_id:
        raise SentOtherwise(_("This message was sent to somebody else. Write it anew."))
    first, *_later = (sent.original or sent.content).split(EARLIER)
    if _as_kept(content) != first:
        raise SentOtherwise(_("Another message was sent under this client_id. Write this one under a new one."))
    return sent


def _check_client_id(client_id: str) -> None:
    if not 8 <= len(client_id) <= 64 or not client_id.isascii() or not client_id.isprintable():
        raise MessageRefused(_("A client_id has 8 to 64 printable ASCII characters."))


def _as_kept(content: str) -> str:
    return content.replace("\r\n", "\n").strip()


def _checked(content: str, file_ids: Sequence[UUID]) -> str:
    words = _as_kept(content)
    if not shows_something(words) and not file_ids:
        raise MessageRefused(_("Write something, or add a file."))
    if len(words) > MOST_CHARACTERS:
        raise MessageRefused(_("This is too long: a message has %(most)d characters at most.") % {"most": MOST_CHARACTERS})
    if _INVISIBLE.search(words):
        raise MessageRefused(_("Remove the invisible characters from this text."))
    if len(set(file_ids)) > MOST_FILES:
        raise MessageRefused(_("A message takes %(most)d files at most.") % {"most": MOST_FILES})
    return words


def _slow_down(actor: User) -> None:
    """Count what the person says in a window of time."""
    if count(f"messages:{actor.pk}:{int(time.time()) // WINDOW}", WINDOW) > PER_WINDOW:
        raise TooFast(_("You are writing very fast. Wait a few seconds and send it again."))


def _open(actor: User, receiver_id: UUID) -> Participation:
    """The conversation with somebody the person has never written to."""
    other = User.objects.filter(pk=receiver_id, is_active=True).exclude(pk=actor.pk).first()
    if other is None:
        raise NotReachable(_("There is nobody to write to."))
    now = timezone.now()
    if actor.created_at > now - NEW_FOR:
        list(User.objects.select_for_update(no_key=True, of=("self",)).filter(pk=actor.pk))  # two at once count each other
        if Conversation.objects.filter(started_by=actor, created_at__gt=now - timedelta(days=1)).count() >= NEW_MAY_OPEN:
            words = _("Your account is new: it can write to %(most)d new people a day. Try again tomorrow.")
            raise AccountIsNew(words % {"most": NEW_MAY_OPEN})
    first, second = sorted((actor, other), key=lambda person: person.pk)
    conversation, _new = Conversation.objects.get_or_create(
        first=first, second=second, defaults={"started_by": actor, "created_at": now}
    )
    for user, partner in ((actor, other), (other, actor)):
        Participation.objects.get_or_create(conversation=conversation, user=user, defaults={"other": partner, "last_at": now})
    return get_side_for(actor, conversation.pk)


def _say(
    actor: User, receiver_id: UUID, words: str, client_id: str, order_id: UUID | None, file_ids: Sequence[UUID]
) -> tuple[Message, int, bool]:
    """What `say_at_once` does, for every case and database, step by step."""
    side = find_side(actor, receiver_id) or _open(actor, receiver_id)
    if not may_write(actor, side.other):
        raise NotReachable(_("You cannot write to this person."))
    message = Message.objects.create(
        conversation=side.conversation,
        seq=_next_number(side.conversation),
        sender=actor,
        receiver=side.other,
        order_id=order_id,
        content=words,
        client_id=client_id,
        created_at=timezone.now(),
    )
    files = _attach(message, file_ids)
    unread = _note(message)
    news = webhooks.News(message.receiver_id, "message.new", str(actor), {"message": message_frame(message, files)})
    webhooks.queue(hears=Webhook.Hears.MESSAGE, news=[news])
    return message, unread, side.unread > 0


def _number(value: int) -> Value:
    return Value(value, output_field=PositiveBigIntegerField())


def _prepared(pk: UUID) -> Any:
    """The id as this database writes it."""
    return UUIDField().get_db_prep_value(pk, connection)


def _next_number(conversation: Conversation) -> int:
    """The next number of the conversation, held until commit: whoever else writes in it waits."""
    statement = "UPDATE messaging_conversation SET last_seq = last_seq + 1 WHERE id = %s RETURNING last_seq"
    with connection.cursor() as cursor:
        cursor.execute(statement, [_prepared(conversation.pk)])
        (seq,) = cursor.fetchone()
    return int(seq)


def _attach(message: Message, file_ids: Sequence[UUID]) -> list[Attachment]:
    if not file_ids:
        return []
    mine = Attachment.objects.select_for_update().filter(uploader=message.sender, message__isnull=True)
    files = mine.in_bulk(list(file_ids))
    if len(files) < len(set(file_ids)):
        raise MessageRefused(_("A file of this message is gone. Add it again."))
    for position, pk in enumerate(dict.fromkeys(file_ids)):
        files[pk].message, files[pk].position = message, position
    Attachment.objects.bulk_update(files.values(), ["message", "position"])
    prefetch_related_objects([message], "attachments")
    return list(message.attachments.all())


def _note(message: Message) -> int:
    """Put the message into both inboxes; how many the receiver has not read now, none where they have muted it."""
    seq, sender, conversation = message.seq, _prepared(message.sender_id), _prepared(message.conversation_id)
    now = connection.ops.adapt_datetimefield_value(message.created_at)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_participation SET last_seq = %s, last_at = %s, archived = false,"
            " read_seq = CASE WHEN user_id = %s THEN %s ELSE read_seq END,"
            " delivered_seq = CASE WHEN user_id = %s THEN %s ELSE delivered_seq END"
            " WHERE conversation_id = %s RETURNING user_id = %s, muted, last_seq - read_seq",
            [seq, now, sender, seq, sender, seq, conversation, sender],
        )
        ((is_muted, unread),) = [row[1:] for row in cursor.fetchall() if not row[0]]
    return 0 if is_muted else int(unread)


def _hush(person: User, conversation: Conversation) -> None:
    """They have read all of it: the bell need not say so any more."""
    told = Notification.objects.filter(user=person, url=conversation.get_absolute_url(), read_at__isnull=True)
    told.filter(kind__in=QUOTING).update(read_at=timezone.now())


def _push_both(message: Message, event: str, files: list[Attachment]) -> None:
    groups = [group_of(message.receiver_id), group_of(message.sender_id)]  # who waits for it first
    publish(groups, {"type": event, "message": message_frame(message, files)})


@transaction.atomic
def mark_seen(*, actor: User, conversation_id: UUID, delivered: int = 0, read: int = 0) -> Participation:
    """Note up to which number the person's devices have the conversation, and up to which the person has read it.

    Neither goes back nor beyond the last message. Both sides' devices hear of it. Http404 for a conversation of others.
    """
    before = get_side_for(actor, conversation_id)
    mine = Participation.objects.filter(pk=before.pk)
    mine.update(
        delivered_seq=Greatest("delivered_seq", Least("last_seq", _number(max(delivered, read)))),
        read_seq=Greatest("read_seq", Least("last_seq", _number(read))),
    )
    side = get_side_for(actor, conversation_id)
    if (side.delivered_seq, side.read_seq) == (before.delivered_seq, before.read_seq):
        return side
    if side.unread == 0:
        _hush(actor, side.conversation)
    publish([group_of(actor.pk), group_of(side.other_id)], seen_frame(side))
    return side


@transaction.atomic
def change_message(*, actor: User, message_id: UUID, content: str | None) -> Message:
    """Correct one's own message, or delete it with None: its number stays, its words go. TooLate after a quarter of an hour.

    Correcting is writing: NotReachable over a block, TooFast. Every earlier wording is kept for moderators, so there is an end
    to it (TooLate); deleting is always possible. The same words again change nothing.
    """
    message = Message.objects.select_for_update(of=("self",)).get(pk=message_id)
    now = timezone.now()
    if not may_change(actor, message, now):
        raise TooLate(_("A message can be changed or deleted within 15 minutes, by who wrote it."))
    if content == message.content:
        return message
    if content is not None and len(message.original) > MOST_KEPT:
        raise TooLate(_("This message was changed too often. Write a new one."))
    message.original = EARLIER.join(filter(None, [message.original, message.content]))
    if content is None:
        message.content, message.deleted_at = "", now
    else:
        _slow_down(actor)
        if not may_write(actor, message.receiver):
            raise NotReachable(_("You cannot write to this person."))
        message.content, message.edited_at = _checked(content, ()), now
    message.save(update_fields=["content", "original", "edited_at", "deleted_at"])
    about = Notification.objects.filter(user=message.receiver_id, url=message.conversation.get_absolute_url())
    about.filter(kind__in=QUOTING).update(body="")  # the words they were told with
    _push_both(message, "message.changed", list(message.attachments.all()))
    webhooks.retell(message=message)
    return message


@transaction.atomic
def arrange(*, actor: User, conversation_id: UUID, muted: bool | None = None, archived: bool | None = None) -> Participation:
    """Mute a conversation, or put it away until the next message; None leaves as it is."""
    side = get_side_for(actor, conversation_id)
    wanted = {"muted": muted, "archived": archived}
    changes = {name: value for name, value in wanted.items() if value is not None}
    Participation.objects.filter(pk=side.pk).update(**changes)
    return get_side_for(actor, conversation_id)
