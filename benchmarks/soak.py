"""Chat under faults (`make soak`, SOAK_SECONDS=600): does every acknowledged message reach everybody, in order, exactly once?

People in a ring write to their neighbours while sockets are cut at random, a web process is killed twice, Redis is started anew
once and PostgreSQL's connections are ended once. Each device does what docs/realtime.md asks of a client: it orders by number, it
syncs, and what was not acknowledged it sends again under the same `client_id`. A scratch database, and a Redis of its own.
"""

import asyncio
import json
import os
import random
import shutil
import subprocess
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from accounts.models import User
from benchmarks.chat_site import WORDS, daphne, free_port, make_people, make_talks, open_socket, start
from messaging.models import Conversation, Message, Participation

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
PEOPLE = 200
TABS = 20  # of them have a second device open, which only reads
PAUSE = 20  # seconds between two messages of a person, at most
PATIENCE = 10  # seconds without an answer after which a device acts: sends again, connects again
SYNC_EVERY = 10
CUT_EVERY = 0.5
LEFT_AT_MOST = 120  # seconds in which everything has to be settled after the last message
dice = random.SystemRandom()


def report(say: Callable[[str], None]) -> None:
    people = make_people(PEOPLE)
    talks = make_talks([(person, people[number - 1]) for number, person in enumerate(people)], 0)
    with ExitStack() as processes:
        site = Site(Path(settings.VAR_DIR), processes)
        world = World(site)
        for number, person in enumerate(people):
            around = {talks[number].pk: people[number - 1], talks[(number + 1) % PEOPLE].pk: people[(number + 1) % PEOPLE]}
            world.devices += [Device(world, person, around, is_writer=not tab) for tab in range(1 + (number < TABS))]
        connection.close()  # it would be ended with the others
        asyncio.run(world.live(say))
        faults = list(check(world.devices, talks))
    sent = sum(len(device.acknowledged) for device in world.devices)
    heard = sum(len(heard) for device in world.devices for heard in device.heard.values())
    happened = ", ".join(f"{count} × {what}" for what, count in sorted(world.happened.items()))
    say(f"{SECONDS} s, {len(world.devices)} devices of {PEOPLE} people: {sent} messages acknowledged, {heard} read. {happened}.")
    say("Checked: each acknowledged message is one row, the one acknowledged; the rows of a conversation are numbered 1, 2, 3 …")
    say("and hold what was written; each device of the two has read exactly these, in this order; nothing is unacknowledged.")
    for fault in faults[:20]:
        say(f"LOST: {fault}")
    if faults:
        raise SystemExit(f"{len(faults)} faults.")
    say("Nothing was lost, and nothing came twice.")


# --- What is checked ----------------------------------------------------------------------------------------------------
def check(devices: "list[Device]", talks: list[Conversation]) -> Iterable[str]:
    """What is wrong, in words."""
    rows: dict[uuid.UUID, list[Message]] = defaultdict(list)
    for row in Message.objects.filter(conversation__in=talks).order_by("conversation", "seq"):
        rows[row.conversation_id].append(row)
    written: dict[str, tuple[str, str]] = {}
    for device in devices:
        written |= {client_id: (str(device.person.pk), words) for client_id, (_to, words) in device.written.items()}
        for client_id in device.waiting:
            yield f"{client_id} was never acknowledged"
        yield from device.complaints
    named = Counter(row.client_id for row in Message.objects.all())
    for client_id, times in named.items():
        if times > 1 or client_id not in written:
            yield f"{client_id} is {times} rows" if client_id in written else f"nobody wrote {client_id}"
    ids = {row.client_id: str(row.pk) for talk in rows.values() for row in talk}
    for device in devices:
        for client_id, pk in device.acknowledged.items():
            if ids.get(client_id) != pk:
                yield f"{client_id} was acknowledged as {pk} and is {ids.get(client_id, 'no row')}"
    for talk in Conversation.objects.filter(pk__in=[talk.pk for talk in talks]):
        numbers = [row.seq for row in rows[talk.pk]]
        if numbers != list(range(1, talk.last_seq + 1)):
            yield f"{talk.pk} has {talk.last_seq} messages and the numbers {numbers}"
        wrong = [row.client_id for row in rows[talk.pk] if (str(row.sender_id), row.content) != written.get(row.client_id)]
        yield from (f"{client_id} is not what was written" for client_id in wrong)
    for side in Participation.objects.filter(conversation__in=talks):
        if side.last_seq != len(rows[side.conversation_id]):
            yield f"the inbox of {side.user_id} knows {side.last_seq} messages of {len(rows[side.conversation_id])}"
    for device in devices:
        for pk in device.around:
            heard, there = device.heard[pk], [str(row.pk) for row in rows[pk]]
            if heard != there:
                where = next((n for n, pair in enumerate(zip(heard, there, strict=False)) if pair[0] != pair[1]), "the end")
                yield f"{device.person.handle} read {len(heard)} of {len(there)} in {pk}, other ones from {where}"


# --- A device -----------------------------------------------------------------------------------------------------------
@dataclass
class Device:
    """What the page's script does, without the page."""

    world: "World"
    person: User
    around: dict[uuid.UUID, User]
    is_writer: bool
    written: dict[str, tuple[str, str]] = field(default_factory=dict)  # by client_id: to whom, what
    waiting: dict[str, float] = field(default_factory=dict)  # not acknowledged, and when it was sent last
    acknowledged: dict[str, str] = field(default_factory=dict)  # the id of each
    heard: dict[uuid.UUID, list[str]] = field(default_factory=lambda: defaultdict(list))  # ids, by number
    early: dict[uuid.UUID, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))  # what came before its turn
    complaints: list[str] = field(default_factory=list)
    socket: ClientConnection | None = None
    pinged_at: float | None = None

    async def live(self) -> None:
        pause = 0.2
        while not self.world.is_over:
            try:
                self.socket = await open_socket(dice.choice(self.world.site.ports), self.person)
                self.pinged_at, pause = None, 0.2
                await self.sync()
                for client_id in list(self.waiting):
                    await self.send(client_id)
                async for text in self.socket:
                    await self.hear(json.loads(text))
            except (OSError, WebSocketException, TimeoutError):
                pass
            self.socket = None
            await asyncio.sleep(dice.uniform(pause / 2, pause))
            pause = min(pause * 2, 5)

    async def work(self) -> None:
        """Write now and then; sync, ping, and send again what got no answer."""
        synced_at = time.monotonic() + dice.uniform(0, SYNC_EVERY)
        write_at = time.monotonic() + dice.uniform(0, PAUSE)
        while not self.world.is_over:
            await asyncio.sleep(0.25)
            now = time.monotonic()
            with suppress(OSError, WebSocketException):
                if self.is_writer and not self.world.is_quiet and now > write_at:
                    write_at = now + dice.uniform(0, PAUSE)
                    await self.write()
                for client_id in [each for each, at in self.waiting.items() if now > at + PATIENCE]:
                    await self.send(client_id)
                if now > synced_at + SYNC_EVERY and self.socket:
                    synced_at = now
                    await self.sync()
                    self.pinged_at = self.pinged_at or now
                    await self.say({"type": "ping"})
            if self.pinged_at and now > self.pinged_at + PATIENCE and self.socket:
                self.world.happened["no pong"] += 1
                self.cut()

    async def write(self) -> None:
        client_id, receiver = uuid.uuid4().hex, dice.choice(list(self.around.values()))
        self.written[client_id] = (str(receiver.pk), f"{client_id}: {WORDS}")
        await self.send(client_id)

    async def send(self, client_id: str) -> None:
        self.waiting[client_id] = time.monotonic()
        receiver, words = self.written[client_id]
        await self.say({"type": "message.send", "client_id": client_id, "receiver_id": receiver, "content": words})

    async def sync(self) -> None:
        await self.say({"type": "sync", "conversations": {str(pk): len(self.heard[pk]) for pk in self.around}})

    async def say(self, frame: dict[str, Any]) -> None:
        if self.socket:
            await self.socket.send(json.dumps(frame))

    def cut(self) -> None:
        if self.socket:
            self.pinged_at = None
            self.socket.transport.abort()

    async def hear(self, frame: dict[str, Any]) -> None:
        match frame:
            case {"type": "message.new", "message": message}:
                if self.take(message):
                    await self.sync()
            case {"type": "sync", "messages": messages}:
                numbers = [message["seq"] for message in messages]
                if numbers != sorted(numbers):
                    self.complaints.append(f"a sync of {self.person.handle} came as {numbers}")
                for message in messages:
                    self.take(message)
            case {"type": "message.ack", "client_id": client_id, "message": message}:
                self.waiting.pop(client_id, None)
                before = self.acknowledged.setdefault(client_id, message["id"])
                if before != message["id"]:
                    self.complaints.append(f"{client_id} was acknowledged as {before} and as {message['id']}")
            case {"type": "pong"}:
                self.pinged_at = None
            case {"type": "error", "code": code}:
                self.world.happened[f"error {code}"] += 1

    def take(self, message: dict[str, Any]) -> bool:
        """Read it when its turn has come, and those that waited for it; whether one before it is missing."""
        pk, seq = uuid.UUID(message["conversation"]), message["seq"]
        heard, early = self.heard[pk], self.early[pk]
        known = heard[seq - 1] if seq <= len(heard) else early.get(seq)
        if known is not None:
            self.world.happened["came twice"] += 1
            if known != message["id"]:
                self.complaints.append(f"number {seq} of {pk} is {known} and {message['id']}")
            return False
        early[seq] = message["id"]
        while len(heard) + 1 in early:
            heard.append(early.pop(len(heard) + 1))
        return seq in early


# --- The site, and what befalls it --------------------------------------------------------------------------------------
class Site:
    """Two web processes and their Redis."""

    def __init__(self, folder: Path, processes: ExitStack) -> None:
        self.folder, self.processes = folder, processes
        self.ports = [free_port(), free_port()]
        self.redis_port = free_port()
        self.redis = self._start_redis()
        self.web = [self._start_web(number) for number in range(2)]
        processes.callback(self._stop)

    def _stop(self) -> None:
        for process in (*self.web, self.redis):
            process.kill()
            process.wait()

    def _start_redis(self) -> "subprocess.Popen[bytes]":
        program = shutil.which("redis-server")
        if not program:
            raise SystemExit("No redis-server here: the soak wants one of its own, to start anew.")
        options = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        return start([program, *options], self.redis_port, self.folder / "redis.log")

    def _start_web(self, number: int) -> "subprocess.Popen[bytes]":
        port, redis_url = self.ports[number], f"redis://127.0.0.1:{self.redis_port}/0"
        return start(daphne(port), port, self.folder / f"web-{number}.log", REDIS_URL=redis_url)

    def kill_web(self) -> None:
        self.web[0].kill()
        self.web[0].wait()
        time.sleep(2)
        self.web[0] = self._start_web(0)

    def restart_redis(self) -> None:
        self.redis.kill()
        self.redis.wait()
        time.sleep(2)
        self.redis = self._start_redis()

    def end_connections(self) -> None:
        ours = "datname = current_database() AND pid <> pg_backend_pid()"
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
            database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")  # noqa: S608


@dataclass
class World:
    site: Site
    devices: list[Device] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    is_quiet = False  # nobody writes any more
    is_over = False

    async def live(self, say: Callable[[str], None]) -> None:
        lives = [asyncio.create_task(work) for device in self.devices for work in (device.live(), device.work())]
        troubles = [asyncio.create_task(self.cut()), asyncio.create_task(self.strike(say))]
        await asyncio.sleep(SECONDS)
        self.is_quiet = True
        await asyncio.gather(*troubles)
        await self.settle(say)
        self.is_over = True
        for device in self.devices:
            device.cut()
        await asyncio.gather(*lives)

    async def cut(self) -> None:
        while not self.is_quiet:
            await asyncio.sleep(CUT_EVERY)
            dice.choice(self.devices).cut()
            self.happened["socket cut"] += 1

    async def strike(self, say: Callable[[str], None]) -> None:
        strikes = (
            (0.2, "web process killed", self.site.kill_web),
            (0.4, "Redis started anew", self.site.restart_redis),
            (0.6, "web process killed", self.site.kill_web),
            (0.8, "PostgreSQL's connections ended", self.site.end_connections),
        )
        started = time.monotonic()
        for share, what, strike in strikes:
            await asyncio.sleep(max(0, started + share * SECONDS - time.monotonic()))
            self.tell(say, time.monotonic() - started, what)
            await asyncio.to_thread(strike)
            self.happened[what] += 1

    async def settle(self, say: Callable[[str], None]) -> None:
        """Until everything is acknowledged and has come everywhere, or is late beyond hope."""
        started = time.monotonic()
        while time.monotonic() < started + LEFT_AT_MOST and not await asyncio.to_thread(self.is_settled):
            await asyncio.sleep(1)
        self.tell(say, SECONDS + time.monotonic() - started, "settled, or given up")

    def tell(self, say: Callable[[str], None], at: float, what: str) -> None:
        sockets = sum(device.socket is not None for device in self.devices)
        done, waiting = (
            sum(map(len, each)) for each in zip(*((one.acknowledged, one.waiting) for one in self.devices), strict=True)
        )
        say(f"{at:4.0f} s: {sockets} sockets open, {done} messages acknowledged, {waiting} under way: {what}")

    def is_settled(self) -> bool:
        last = dict(Conversation.objects.values_list("pk", "last_seq"))
        return all(
            not device.waiting and all(len(device.heard[pk]) >= last[pk] for pk in device.around) for device in self.devices
        )
