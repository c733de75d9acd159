"""The live server of the journeys: the site as Daphne serves it, pages and sockets, in a thread of the tests' own process."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from daphne.server import Server, reactor
from django.core.exceptions import ImproperlyConfigured
from django.test.utils import modify_settings
from twisted.internet.endpoints import serverFromString

from marketplace.asgi import application

NEVER = 10**9  # seconds


class Listening(Server):
    port: Any

    def listen_success(self, port: Any) -> None:
        self.port = port


class AsgiServer:
    """Twisted's reactor runs once in a process, so there is one for the session. `with server.away():` is what a restart looks
    like from outside: nobody answers at the address, and every connection is cut."""

    host = "localhost"

    def __init__(self) -> None:
        self._live_server_modified_settings = modify_settings(ALLOWED_HOSTS={"append": self.host})  # pytest-django's name for it
        ready = threading.Event()
        self._server = Listening(
            application,
            endpoints=["tcp:port=0:interface=127.0.0.1"],
            signal_handlers=False,
            verbosity=0,
            websocket_max_message_size=65_536,
            websocket_timeout=-1,  # tests move the clock by days: it must not cut the sockets that are open
            websocket_connect_timeout=NEVER,
            websocket_handshake_timeout=NEVER,  # by itself 5 seconds, which a busy machine may need
            ready_callable=ready.set,
        )
        threading.Thread(target=self._server.run, daemon=True).start()
        if not ready.wait(60):
            raise ImproperlyConfigured("The journeys' server does not start.")
        self.loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
        self.port = self._server.port.getHost().port

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @contextmanager
    def away(self) -> Iterator[None]:
        with socket.socket() as seat:
            self._in_loop(self._leave(seat))
            try:
                yield
            finally:
                self._in_loop(self._listen(seat))

    async def _leave(self, seat: socket.socket) -> None:
        await self._server.port.stopListening().asFuture(self.loop)
        seat.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        seat.bind(("127.0.0.1", self.port))  # so that no other program is given the port meanwhile
        for protocol in [one for one in self._server.connections if one.transport]:
            protocol.transport.abortConnection()

    async def _listen(self, seat: socket.socket) -> None:
        seat.close()
        endpoint = serverFromString(reactor, f"tcp:port={self.port}:interface=127.0.0.1")
        self._server.port = await endpoint.listen(self._server.http_factory).asFuture(self.loop)

    def _in_loop(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self.loop).result(60)
