"""Who is here just now, and who is typing: kept in the cache and told to those who look, written down nowhere.

A person is here while any of their sockets is; each renews that with its pings, so what a killed process leaves behind fades.
"""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Q
from redis.exceptions import RedisError

from accounts.models import User
from marketplace.realtime import group_of, publish
from marketplace.sockets import in_thread
from messaging.models import Block, ContactSettings, Participation
from messaging.selectors import get_side_for, may_write

ONLINE, AWAY, HIDDEN = "online", "away", "hidden"
MOST_SOCKETS = 20  # of one person, over all processes
FADES_AFTER = 75  # seconds without a ping
GRACE = 5  # seconds in which a page that loads again is not away
TYPING_EVERY = 3  # seconds


class Places(set[str]):
    """Those that the sockets of this process hold. Anybody's ping renews them for all, so that silent sockets count as well."""

    renewed_at = 0.0

    def renew(self) -> None:
        now = time.monotonic()
        if now > self.renewed_at + FADES_AFTER / 3:
            self.renewed_at = now
            cache.set_many(dict.fromkeys(self.copy(), True), FADES_AFTER)


held = Places()
farewells: set[asyncio.Task[None]] = set()  # asyncio itself keeps no task alive


def group_of_watchers(user_id: UUID) -> str:
    """The group of the sockets that are told when this person comes and goes."""
    return f"watch.{user_id.hex}"


def presence_frame(user_id: UUID, state: str) -> dict[str, str]:
    return {"type": "presence", "user": str(user_id), "state": state}


def enter(user: User) -> str:
    """A socket of the person opens and takes one of their places, "" if none is left. It fades unless it is put into `held`."""
    held.renew()
    place = next((place for place in _places(user.pk) if cache.add(place, True, FADES_AFTER)), "")
    if place:
        be_here(user)
    return place


def be_here(user: User) -> None:
    """A socket of the person is open; their watchers are told if none was."""
    held.renew()
    if ContactSettings.objects.filter(user=user, shows_presence=False).exists():
        if cache.has_key(_key(user.pk)):
            hide(user.pk)
    elif cache.add(_key(user.pk), True, FADES_AFTER):
        _tell(user.pk, ONLINE)
    else:
        cache.set(_key(user.pk), True, FADES_AFTER)


def hide(user_id: UUID) -> None:
    """The person no longer shows whether they are here: their watchers are told, and look away."""
    with suppress(RedisError, OSError):
        cache.delete(_key(user_id))
    _tell(user_id, HIDDEN)


def part(one: User, other: User) -> None:
    """Neither of the two sees any more whether the other is here."""
    for watcher, watched in ((one, other), (other, one)):
        publish(group_of(watcher.pk), presence_frame(watched.pk, HIDDEN))


def go(user_id: UUID, place: str) -> None:
    """The socket has gone: if after the grace the person has no other, their watchers are told."""
    farewell = asyncio.create_task(_say_goodbye(user_id, place))
    farewells.add(farewell)
    farewell.add_done_callback(farewells.discard)


async def _say_goodbye(user_id: UUID, place: str) -> None:
    with suppress(DatabaseError, RedisError, OSError):
        await in_thread(cache.delete, place)
        await asyncio.sleep(GRACE)
        await in_thread(_leave, user_id)


def _leave(user_id: UUID) -> None:
    if not cache.get_many(_places(user_id)) and cache.delete(_key(user_id)):
        _tell(user_id, AWAY)


def list_watched(user: User, conversations: Collection[UUID]) -> list[tuple[Participation, str]]:
    """The other sides of these conversations of the person's, with what may be known of each: nothing over a block."""
    sides = list(Participation.objects.filter(other=user, conversation__in=conversations))
    people = [side.user_id for side in sides]
    blocks = Block.objects.filter(Q(blocker=user, blocked__in=people) | Q(blocker__in=people, blocked=user))
    hidden = {pk for pair in blocks.values_list("blocker", "blocked") for pk in pair}
    hidden |= set(ContactSettings.objects.filter(user__in=people, shows_presence=False).values_list("user", flat=True))
    here = cache.get_many([_key(pk) for pk in people])
    return [(side, HIDDEN if side.user_id in hidden else ONLINE if _key(side.user_id) in here else AWAY) for side in sides]


def tell_typing(user: User, conversation_id: UUID) -> None:
    """Tell the other side, at most once in TYPING_EVERY seconds and not over a block. Http404 for a conversation of others."""
    other = get_side_for(user, conversation_id).other
    if cache.add(f"typing:{user.pk}:{conversation_id}", 1, TYPING_EVERY) and may_write(user, other):
        publish(group_of(other.pk), {"type": "typing", "conversation": str(conversation_id), "user": str(user.pk)})


def _key(user_id: UUID) -> str:
    return f"here:{user_id.hex}"


def _places(user_id: UUID) -> list[str]:
    return [f"place:{user_id.hex}:{number}" for number in range(MOST_SOCKETS)]


def _tell(user_id: UUID, state: str) -> None:
    publish(group_of_watchers(user_id), presence_frame(user_id, state))
