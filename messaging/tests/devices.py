"""Devices for tests: each is a socket as the site serves it, and holds every frame against the schemas of docs/realtime.md."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from typing import Any

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.models import User
from marketplace.routing import sockets
from marketplace.sockets import in_thread
from messaging.frames import MOST_BYTES

OWN_ORIGIN = (b"origin", settings.SITE_URL.encode())
SECTIONS = ("From the client", "To the client", "Parts of frames")


@cache
def schemas() -> dict[str, dict[str, dict[str, Any]]]:
    """The schemas of the page, by section and name."""
    page = (settings.BASE_DIR / "docs/realtime.md").read_text()
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for section in SECTIONS:
        text = page.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
        blocks = re.findall(r"\n### `?([a-z.]+)`?\n.*?```json\n(.*?)```", text, re.DOTALL)
        found[section] = {name: json.loads(schema) for name, schema in blocks}
    return found


def faults(section: str, frame: dict[str, Any]) -> list[str]:
    """What in this frame is not as the page says."""
    schema = schemas()[section].get(frame.get("type", ""))
    if schema is None:
        return [f"no such frame: {frame}"]
    whole = Draft202012Validator(
        {**schema, "$defs": schemas()["Parts of frames"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{fault.json_path}: {fault.message}" for fault in whole.iter_errors(frame)]


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test that is a coroutine, run in an event loop of its own."""

    @wraps(test)
    def run(*args: Any, **fixtures: Any) -> None:
        asyncio.run(test(*args, **fixtures))

    return run


class Device(WebsocketCommunicator):
    """A browser of the person, signed in; or what the headers and subprotocols say."""

    @classmethod
    async def of(cls, user: User) -> "Device":
        """A device whose socket is open."""
        device = cls(user, [OWN_ORIGIN, await in_thread(cookie_of, user)])
        assert await device.connect(5) == (True, None)
        return device

    def __init__(self, owner: User, headers: list[tuple[bytes, bytes]] = (), subprotocols: list[str] = ()) -> None:
        super().__init__(sockets, f"/ws/{owner.pk}/", list(headers), list(subprotocols))

    async def receive_from(self, timeout: float = 1) -> str:
        text = await super().receive_from(timeout)
        assert len(text.encode()) <= MOST_BYTES
        return str(text)

    async def says(self, kind: str, **fields: Any) -> None:
        if "conversations" in fields:
            fields["conversations"] = {str(pk): seq for pk, seq in fields["conversations"].items()}
        frame = json.loads(json.dumps({"type": kind, **fields}, default=str))
        assert faults("From the client", frame) == []
        await self.send_json_to(frame)

    async def hears(self, kind: str, *, within: float = 5) -> dict[str, Any]:
        """The next frame, which is of this type."""
        frame = await self.receive_json_from(within)
        assert faults("To the client", frame) == []
        assert frame["type"] == kind, frame
        return frame

    async def hears_all(self) -> list[dict[str, Any]]:
        """Everything until the answer to a ping, without the bell's."""
        await self.says("ping")
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1]["type"] != "pong":
            frame = await self.receive_json_from(5)
            assert faults("To the client", frame) == []
            if frame["type"] != "notification":
                heard.append(frame)
        return heard[:-1]

    async def is_closed_with(self, *, within: float = 5) -> int:
        """The code the server closes the socket with, next of all."""
        end = await self.receive_output(within)
        assert end["type"] == "websocket.close", end
        return int(end["code"])


def cookie_of(user: User) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(user)
    return b"cookie", f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()
