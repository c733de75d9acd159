"""The only door to the channel layer. A push carries news faster and may be lost: rows are the truth, and clients catch up."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
import structlog
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings
from django.db import transaction

log = structlog.get_logger(__name__)
RECHECK = "recheck"  # the type of an event that goes no further than the socket: ask again whether its person may be here


class LayerInMemory(InMemoryChannelLayer):  # type: ignore[misc]  # channels has no types
    """The layer of the one process that has the sockets; in any other nobody listens, and a push is nothing."""

    _loop: asyncio.AbstractEventLoop | None = None  # that of the sockets

    async def new_channel(self, prefix: str = "specific.") -> str:
        self._loop = asyncio.get_running_loop()
        return str(await super().new_channel(prefix))

    def push(self, group: str, message: dict[str, Any]) -> None:
        """From any thread, which does not wait for it: it would wait for ever for a loop that stops, and the process for it."""
        if self._loop:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.group_send(group, message)))


def group_of(user_id: UUID) -> str:
    """The group that every socket of this person, on any device, is in."""
    return f"person.{user_id.hex}"


def publish(groups: str | Sequence[str], event: dict[str, Any]) -> None:
    """Push an event (plain JSON with a `type`) to the sockets of a group, or of several, once the transaction is committed.

    Without a channel layer that answers nobody's request fails.
    """
    names = [groups] if isinstance(groups, str) else groups
    transaction.on_commit(lambda: _send(names, {"type": "push", "event": event}))


def _send(groups: Sequence[str], message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    try:
        if settings.REDIS_URL:
            # From a thread without an event loop the layer would open a loop and a connection for each push.
            prefix = settings.CHANNEL_LAYERS["default"]["CONFIG"].get("prefix", "asgi")
            data = layer.serialize(message)
            with _client(settings.REDIS_URL).pipeline(transaction=False) as pipe:
                for group in groups:
                    pipe.publish(f"{prefix}__group__{group}", data)
                pipe.execute()
        else:
            for group in groups:
                layer.push(group, message)
    except (redis.RedisError, OSError) as unreachable:
        log.warning("event not pushed", type=message["event"].get("type"), error=str(unreachable))


@lru_cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2)
