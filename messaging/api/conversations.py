"""The inbox, and how far each side has read."""

from uuid import UUID

from django.http import HttpRequest

from accounts.gates import person, reader, writer
from accounts.models import User
from marketplace.rest.cursors import part_of
from marketplace.rest.routers import Router
from marketplace.rest.schemas import Cursor, Limit
from messaging.models import Participation
from messaging.schemas import (
    Arrangement,
    ConversationPage,
    ConversationShown,
    Mark,
    SeenShown,
    Tab,
    conversation_brief,
    conversation_shown,
    seen_shown,
)
from messaging.selectors import find_other_sides, get_side_with, has_blocked, list_sides, may_write, with_last
from messaging.services import arrange, mark_seen

router = Router(tags=["conversations"])


@router.get("conversations", auth=reader, response=ConversationPage)
def inbox(request: HttpRequest, tab: Tab = "all", cursor: Cursor = "", limit: Limit = 20) -> ConversationPage:
    """The caller's inbox, the latest first. `all` leaves out what is archived, `orders` has those that speak of an order."""
    sides = list_sides(person(request), tab="" if tab == "all" else tab)
    found, after = part_of(sides, order=("-last_at", "-id"), cursor=cursor, limit=limit)
    theirs = find_other_sides(found)
    rows = [conversation_brief(row, theirs[row.side.conversation_id]) for row in with_last(found)]
    return ConversationPage(items=rows, next=after)


@router.get("conversations/{uuid:user_id}", auth=reader, response=ConversationShown)
def conversation(request: HttpRequest, user_id: UUID) -> ConversationShown:
    """The conversation with this person as it lies in the inbox; 404 before its first message."""
    return _shown(person(request), get_side_with(person(request), user_id))


@router.patch("conversations/{uuid:user_id}", auth=writer, response=ConversationShown)
def arrange_conversation(request: HttpRequest, user_id: UUID, arrangement: Arrangement) -> ConversationShown:
    """Mute it, or put it away until the next message; or take that back."""
    side = get_side_with(person(request), user_id)
    changed = arrange(actor=person(request), conversation_id=side.conversation_id, **arrangement.model_dump())
    return _shown(person(request), changed)


@router.post("conversations/{uuid:user_id}/read", auth=writer, response=SeenShown)
def mark_read(request: HttpRequest, user_id: UUID, mark: Mark) -> SeenShown:
    """The person has read the conversation up to this number, and so has it as well. Never back, nor beyond the last message."""
    side = get_side_with(person(request), user_id)
    return seen_shown(mark_seen(actor=person(request), conversation_id=side.conversation_id, read=mark.seq))


@router.post("conversations/{uuid:user_id}/delivered", auth=writer, response=SeenShown)
def mark_delivered(request: HttpRequest, user_id: UUID, mark: Mark) -> SeenShown:
    """This device has the conversation up to this number. Never back, nor beyond the last message."""
    side = get_side_with(person(request), user_id)
    return seen_shown(mark_seen(actor=person(request), conversation_id=side.conversation_id, delivered=mark.seq))


def _shown(user: User, side: Participation) -> ConversationShown:
    (row,) = with_last([side])
    theirs = find_other_sides([side])[side.conversation_id]
    return conversation_shown(row, theirs, may_write=may_write(user, side.other), blocked=has_blocked(user, side.other))
