"""Chat between two Daphne processes, against a floor that does the least a chat can (see chat_floor), in turns in one run.

Then the inbox of a person with 5,000 conversations, against that of a person with 50, with a million messages in the table.
Nobody here reads what arrives, so each message is one more unread one: the notification of a first one is not in the figures.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, pairwise
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.test import Client
from websockets.asyncio.client import ClientConnection

from accounts.models import User
from benchmarks.chat_site import WORDS, daphne, free_port, make_people, make_talks, open_sockets, start
from benchmarks.pages import measure
from messaging.models import Conversation

SOCKETS = 2_000
WARM = 100  # sockets that are open before memory is looked at
ROUNDS, EACH = 5, 100  # messages one after the other
AT_ONCE = (2, 8, 24, 64)  # messages under way
SECONDS = 3  # of each of these
SLOWEST = 250  # milliseconds within which 99 of 100 arrive
MISSED = 10_000
MESSAGES = 1_000_000
LARGE, SMALL = 5_000, 50  # conversations of the two people whose inboxes are compared


def report(say: Callable[[str], None]) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    people = make_people(SOCKETS)
    talks = make_talks(list(zip(people[::2], people[1::2], strict=True)), 1)
    (long_talk,) = make_talks([(people[0], people[2])], MISSED)
    with ExitStack() as processes:
        sides = []
        for command in (daphne, floor_server):
            ports = [free_port() for _process in range(2)]
            servers = [start(command(port), port, Path(settings.VAR_DIR, f"{port}.log")) for port in ports]
            for server in servers:
                processes.callback(server.wait)
                processes.callback(server.kill)
            sides.append(Side(ports, servers))
        asyncio.run(sockets(say, *sides, people, talks, long_talk))
    inbox(say)


def floor_server(port: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.chat_floor", str(port)]


# --- Sockets ----------------------------------------------------------------------------------------------------------
@dataclass
class Side:
    """Two processes, with a socket of each person on one of them."""

    ports: list[int]
    servers: list["subprocess.Popen[bytes]"]
    sockets: list[ClientConnection] = field(default_factory=list)
    hearing: list[asyncio.Task[None]] = field(default_factory=list)
    heard: dict[str, asyncio.Future[float]] = field(default_factory=dict)  # by what is waited for
    pairs: Iterator[tuple[ClientConnection, User, Conversation]] = field(default_factory=lambda: iter(()))

    async def open(self, people: list[User]) -> None:
        opened = await open_sockets(people, self.ports)
        self.sockets += opened
        for socket, person in zip(opened, people, strict=True):
            self.hearing.append(asyncio.create_task(self.hear(socket, str(person.pk))))

    async def hear(self, socket: ClientConnection, person: str) -> None:
        async for text in socket:
            frame = json.loads(text)
            match frame:
                case {"type": "message.new", "message": {"receiver": receiver, "client_id": client_id}} if receiver == person:
                    self.note(f"arrived {client_id}")
                case {"type": "message.ack", "client_id": client_id}:
                    self.note(f"acked {client_id}")
                case {"type": "sync", "conversation": talk, "more": False}:
                    self.note(f"synced {talk}")
                case {"type": "error"}:
                    raise SystemExit(f"refused: {frame}")

    def note(self, what: str) -> None:
        if what in self.heard:
            self.heard.pop(what).set_result(time.perf_counter())

    def wait_for(self, what: str) -> asyncio.Future[float]:
        self.heard[what] = asyncio.get_running_loop().create_future()
        return self.heard[what]

    async def send(self) -> float:
        """The milliseconds until the next pair's message has arrived; over when its sender knows that too."""
        socket, receiver, talk = next(self.pairs)
        client_id = uuid.uuid4().hex
        arrived, acked = self.wait_for(f"arrived {client_id}"), self.wait_for(f"acked {client_id}")
        frame = {"type": "message.send", "client_id": client_id, "receiver_id": str(receiver.pk), "content": WORDS}
        if talk:  # the floor cannot find it by itself
            frame["conversation"] = str(talk.pk)
        started = time.perf_counter()
        await socket.send(json.dumps(frame))
        await acked
        return (await arrived - started) * 1000

    async def keep_sending(self, until: float) -> list[float]:
        times = []
        while time.perf_counter() < until:
            times.append(await self.send())
        return times

    async def sync(self, talk: Conversation) -> float:
        done = self.wait_for(f"synced {talk.pk}")
        started = time.perf_counter()
        await self.sockets[0].send(json.dumps({"type": "sync", "conversations": {str(talk.pk): 0}}))
        return await done - started

    def memory(self) -> int:
        """Bytes of both processes."""
        status = [Path(f"/proc/{server.pid}/status").read_text() for server in self.servers]
        return sum(int(text.split("VmRSS:")[1].split()[0]) * 1024 for text in status)


async def sockets(
    say: Callable[[str], None], ours: Side, floor: Side, people: list[User], talks: list[Conversation], long_talk: Conversation
) -> None:
    sides = (ours, floor)
    grown = []
    for side in sides:
        await side.open(people[:WARM])
        await asyncio.sleep(2)
        before = side.memory()
        await side.open(people[WARM:])
        await asyncio.sleep(2)
        grown.append((side.memory() - before) / (SOCKETS - WARM) / 1024)
        # A person's socket is on the other process than their partner's, and each process has as many that write.
        writers = [(n, n + 1) if n % 4 else (n + 1, n) for n in range(0, SOCKETS, 2)]
        everybody = [
            (side.sockets[writer], people[reader], talk if side is floor else None)
            for (writer, reader), talk in zip(writers, talks, strict=True)
        ]
        side.pairs = cycle(everybody)
    await one_after_the_other(say, *sides)
    await many_at_once(say, *sides)
    say(f"{'idle socket':22} {grown[0]:5.1f} KiB over {SOCKETS} sockets (the floor's {grown[1]:.1f}); wanted ≤ 40")
    seconds = [[await side.sync(long_talk) for side in sides] for _round in range(5)]
    mine, least = (statistics.median(column) for column in zip(*seconds, strict=True))
    say(f"{'sync':22} {mine / least:5.2f} × floor ({MISSED} missed messages: {mine:.2f} and {least:.2f} s)")
    for socket in (*ours.sockets, *floor.sockets):
        socket.transport.abort()


async def one_after_the_other(say: Callable[[str], None], *sides: Side) -> None:
    times: list[list[float]] = [[] for _side in sides]
    for round_number in range(ROUNDS + 1):
        for side, mine in zip(sides, times, strict=True):
            taken = [await side.send() for _message in range(EACH)]
            mine += taken if round_number else []  # the first round warms up
    for share, goal in ((50, 1.8), (99, 2.5)):
        mine, least = (percentile(taken, share) for taken in times)
        say(f"{f'delivery p{share}':22} {mine / least:5.2f} × floor ({mine:.1f} and {least:.1f} ms); wanted ≤ {goal}")


async def many_at_once(say: Callable[[str], None], *sides: Side) -> None:
    best = [0.0 for _side in sides]
    for at_once in AT_ONCE:
        for number, side in enumerate(sides):
            started = time.perf_counter()
            shares = await asyncio.gather(*(side.keep_sending(started + SECONDS) for _sender in range(at_once)))
            taken = [each for share in shares for each in share]
            if percentile(taken, 99) < SLOWEST:
                best[number] = max(best[number], len(taken) / (time.perf_counter() - started))
    mine, least = best
    say(f"{'messages/s':22} {mine / least:5.2f} × floor ({mine:.0f} and {least:.0f}, p99 < {SLOWEST} ms); wanted ≥ 0.30")


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


# --- The inbox --------------------------------------------------------------------------------------------------------
def inbox(say: Callable[[str], None]) -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    large, small, *others = make_people(2 + LARGE)
    pairs = [(large, other) for other in others] + [(small, other) for other in others[:SMALL]]
    pairs += list(pairwise(others))[: 2 * LARGE - len(pairs)]
    make_talks(pairs, MESSAGES // len(pairs))
    calls = {}
    for person in (large, small):
        client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
        client.force_login(person)
        calls[person.handle] = partial(client.get, "/messages/", secure=True)
    mine, least = (statistics.median(timings) for timings in measure(calls).values())
    say(
        f"{'inbox page':22} {mine / least:5.2f} × the same with {SMALL} conversations ({LARGE} of them and {MESSAGES} messages "
        f"in the table: {mine * 1000:.1f} and {least * 1000:.1f} ms); wanted ≤ 1.3"
    )
