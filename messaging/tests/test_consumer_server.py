"""What only the real server shows: what it keeps for a slow reader, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress

import pytest
from django.conf import settings

pytestmark = pytest.mark.once
ENDLESS = """
import asyncio, django
django.setup()
from marketplace import sockets

sockets.PATIENCE = 1

class Endless(sockets.Socket):
    async def websocket_connect(self, message):
        await self.send({"type": "websocket.accept"})
        while True:
            await self.say({"much": "x" * 60_000})
            await asyncio.sleep(0)

application = Endless.as_asgi()
"""
PUSHING = """
import asyncio, django, uuid
django.setup()
from marketplace import realtime, sockets

async def push_on():
    while True:
        await sockets.in_thread(realtime.publish, realtime.group_of(uuid.uuid4()), {"type": "pong"})

class Pushing(sockets.Socket):
    async def websocket_connect(self, message):
        await self.send({"type": "websocket.accept"})
        self.__class__.pushes = [asyncio.create_task(push_on()) for _task in range(16)]

    async def websocket_receive(self, message):
        await self.say(len(message["text"]))

application = Pushing.as_asgi()
"""
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@contextmanager
def serving(folder, port, application):
    (folder / "served.py").write_text(application)
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "PYTHONPATH": str(folder),
    }
    web = (settings.BASE_DIR / "Procfile").read_text().splitlines()[0].removeprefix("web: python ").replace("$PORT", str(port))
    command = [sys.executable, *web.split()[:-1], "served:application"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def connected(port):
    until = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.1)


@contextmanager
def a_reader(folder, application):
    """A socket of the server, opened by hand, and the server's process."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    with serving(folder, port, application) as process, closing(connected(port)) as reader:
        reader.settimeout(20)
        reader.sendall(HANDSHAKE)
        assert b" 101 " in reader.recv(1024)
        yield reader, process


def test_a_reader_who_takes_nothing_is_cut_off_and_little_is_kept_for_them(tmp_path):
    with a_reader(tmp_path, ENDLESS) as (reader, _process):
        time.sleep(3)
        taken = 0
        with suppress(ConnectionResetError):
            while some := reader.recv(1 << 20):
                taken += len(some)
                assert taken < 50_000_000  # what stood in the buffers of the line, which the kernel chooses; then the end


def a_frame_of(length):
    return b"\x81\xff" + length.to_bytes(8, "big") + bytes(4 + length)  # masked by zeros


def test_a_frame_over_64_kib_ends_the_line(tmp_path):
    with a_reader(tmp_path, PUSHING) as (reader, _process):
        reader.sendall(a_frame_of(65_536))
        assert reader.recv(1024) == b"\x81\x0565536"
        reader.sendall(a_frame_of(65_537))
        with suppress(ConnectionResetError):  # it cuts the line with the frame half read
            assert reader.recv(1024) == b"\x88\x02" + (1009).to_bytes(2, "big")


def test_a_server_that_is_stopped_while_it_pushes_ends(tmp_path):
    with a_reader(tmp_path, PUSHING) as (_reader, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
