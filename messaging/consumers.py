"""A person's own stream, one for each device and tab: protocol only. Their rights are asked for anew with each frame."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _

from accounts.models import User
from marketplace.exceptions import DomainError
from marketplace.realtime import RECHECK, group_of
from marketplace.sockets import Closing, Socket, in_thread
from messaging import frames, presence
from messaging.answers import ANSWERS, pages_after
from messaging.exceptions import TooManySockets
from messaging.selectors import list_sides_behind

TRUSTED_FOR = 60  # seconds in which pushes are passed on without asking whether the person is still signed in


class Stream(Socket):
    """`scope["sign_in"]`: its `find` answers whose the socket is, or None; the group `group` hears when that may have changed."""

    place = ""  # of the person's, while it is theirs

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            presence.held.discard(self.place)
        if self.place:
            presence.go(self.person_id, self.place)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        sign_in, self.person_id = self.scope["sign_in"], self.scope["url_route"]["kwargs"]["user_id"]
        self.allowance, self.faults, self.asked_at = frames.Allowance(), 0, time.monotonic()
        await self.join(group_of(self.person_id), *filter(None, [sign_in.group]))  # first, so that no end is missed
        person = await in_thread(sign_in.find)
        is_own = person is not None and person.pk == self.person_id
        if is_own and (place := await in_thread(presence.enter, person)):
            self.place = place
            presence.held.add(place)
        offered = frames.PROTOCOL in self.scope["subprotocols"]
        await self.send({"type": "websocket.accept", "subprotocol": frames.PROTOCOL if offered else None})
        if not is_own:
            raise Closing(frames.NOT_YOURS if person else frames.SIGNED_OUT)
        if not self.place:
            words = _("You have %(most)d devices and tabs open, and more are not possible. Close one of them.")
            await self._refuse(TooManySockets(words % {"most": presence.MOST_SOCKETS}))

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        client_id = None
        try:
            if not self.allowance.take():
                raise DomainError(_("Too many frames. Wait, then connect again."), code=frames.FLOOD)
            self.faults += 1
            kind, fields = frames.parse(message.get("text"))
            self.faults, client_id = 0, fields.get("client_id")
            await (self._catch_up(**fields) if kind == "sync" else self._answer(kind, fields))
        except Http404:
            await self.say(frames.error_frame("not_found", _("There is no such conversation.")))
        except DomainError as refusal:
            await self._refuse(refusal, client_id)

    async def push(self, message: dict[str, Any]) -> None:
        event = message["event"]
        if event["type"] == RECHECK or time.monotonic() > self.asked_at + TRUSTED_FOR:
            await self._as_person(lambda person: None)
        if event["type"] == "presence":
            if presence.group_of_watchers(UUID(event["user"])) in self.groups:
                await self._show(UUID(event["user"]), event["state"])
        elif event["type"] in frames.PUSHED:
            await self.say(event)

    async def _refuse(self, refusal: DomainError, client_id: str | None = None) -> None:
        await self.say(frames.error_frame(refusal.code, refusal.message, getattr(refusal, "client_id", client_id)))
        if refusal.code in (frames.FLOOD, TooManySockets.code):
            raise Closing(frames.TOO_MANY)
        if self.faults == frames.MOST_FAULTS:
            raise Closing(frames.BROKEN)

    async def _answer(self, kind: str, fields: dict[str, Any]) -> None:
        for frame in await self._as_person(ANSWERS[kind], **fields):
            await self.say(frame)
        if kind == "ping":  # the long way round, so that a pong proves that pushes arrive
            await self.channel_layer.send(self.channel_name, {"type": "push", "event": {"type": "pong"}})

    async def _catch_up(self, conversations: dict[UUID, int]) -> None:
        self.allowance.take(frames.SYNC_COSTS - 1)
        for side in await self._as_person(list_sides_behind, conversations):
            seq = conversations[side.conversation_id]
            while seq < side.last_seq:
                for page in await self._as_person(lambda _person, side=side, seq=seq: pages_after(side, seq)):
                    await self.say(page)
                    seq = page["messages"][-1]["seq"]
        for side, state in await self._as_person(presence.list_watched, conversations):
            await self.say(frames.seen_frame(side))
            await self._show(side.user_id, state)

    async def _show(self, user_id: UUID, state: str) -> None:
        """Say how somebody is; of whoever is hidden no more is heard, until a `sync` finds that they no longer are."""
        group = presence.group_of_watchers(user_id)
        await (self.leave(group) if state == presence.HIDDEN else self.join(group))
        await self.say(presence.presence_frame(user_id, state))

    async def _as_person(self, function: Callable[..., Any], *args: Any, **fields: Any) -> Any:
        """What the function answers for the person, if they may still be here."""

        def asked_again() -> Any:
            person: User | None = self.scope["sign_in"].find()
            if person is None or person.pk != self.person_id:
                raise Closing(frames.SIGNED_OUT)
            return function(person, *args, **fields)

        self.asked_at = time.monotonic()
        return await in_thread(asked_again)
