"""A websocket that says and hears JSON: what every stream needs and no app has to know."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
PATIENCE = 30  # seconds for a reader who takes nothing
TRY_AGAIN = 4503  # the close code for a database, a Redis or a reader that is away (no server sends those below 3000)


class Closing(Exception):
    """Raised where the socket has to be closed, with the code to close it with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Socket(AsyncConsumer):
    """After it is closed nothing is heard, and nothing said, any more. A database or a Redis that is away closes it."""

    is_closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.groups: set[str] = set()
        # Daphne's `send` is a partial of its protocol, which writes to Twisted's transport; of a test's there is none.
        protocol, *_rest = getattr(send, "args", None) or [None]
        self.transport: Any = getattr(protocol, "transport", None)
        try:
            await super().__call__(scope, receive, send)
        except (DatabaseError, RedisError, OSError) as unreachable:
            log.warning("socket closed", error=str(unreachable))
            await send({"type": "websocket.close", "code": TRY_AGAIN})
        finally:
            with suppress(RedisError, OSError):
                for group in self.groups:
                    await self.channel_layer.group_discard(group, self.channel_name)

    async def dispatch(self, message: dict[str, Any]) -> None:
        # The inherited one sends each message through the one thread that all sockets share.
        if self.is_closed and message["type"] != "websocket.disconnect":
            return
        try:
            await getattr(self, get_handler_name(message))(message)
        except Closing as end:
            self.is_closed = True
            await self.send({"type": "websocket.close", "code": end.code})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    async def join(self, *groups: str) -> None:
        for group in set(groups) - self.groups:
            await self.channel_layer.group_add(group, self.channel_name)
            self.groups.add(group)

    async def leave(self, group: str) -> None:
        if group in self.groups:
            self.groups.discard(group)
            await self.channel_layer.group_discard(group, self.channel_name)

    async def say(self, frame: dict[str, Any]) -> None:
        await self.send({"type": "websocket.send", "text": json.dumps(frame, ensure_ascii=False)})
        if getattr(self.transport, "producerPaused", False):
            await self._wait_for_reader()

    async def _wait_for_reader(self) -> None:
        """Until the reader has taken what was sent: Daphne would keep any amount of it, and go on reading what they send."""
        self.transport.pauseProducing()
        patience_ends = time.monotonic() + PATIENCE
        while self.transport.producerPaused and self.transport.connected:
            if time.monotonic() > patience_ends:
                self.transport.abortConnection()
                raise Closing(TRY_AGAIN)
            await asyncio.sleep(0.02)
        self.transport.resumeProducing()


async def in_thread(function: Callable[..., Any], *args: Any, **fields: Any) -> Any:
    """What the function answers, run in any free thread and not in the one of all; no database connection is kept after it."""

    def run() -> Any:
        close_old_connections()
        try:
            return function(*args, **fields)
        finally:
            close_old_connections()

    return await sync_to_async(run, thread_sensitive=False)()
