"""The site as chat is measured on it: people who talk, Daphne processes, and sockets of real clients."""

import asyncio
import os
import shlex
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect

from accounts.models import User
from accounts.tokens import make_jwt
from messaging.models import Conversation, Participation

WORDS = "Thank you, the second draft is what I had in mind. Could the headline be a little smaller, and the line below it grey?"
LOOPBACK = "127.0.0.1"


# --- People and what they said ----------------------------------------------------------------------------------------
def make_people(count: int) -> list[User]:
    taken = User.objects.count()
    numbers = range(taken, taken + count)
    return User.objects.bulk_create(
        User(email=f"chat{n}@example.com", full_name=f"Person {n}", handle=f"chat-{n}") for n in numbers
    )


def make_talks(pairs: list[tuple[User, User]], each: int) -> list[Conversation]:
    """A conversation for each pair with so many messages, by the two in turns; nobody has read any."""
    now = timezone.now()
    talks, sides = [], []
    for number, pair in enumerate(pairs):
        first, second = sorted(pair, key=lambda person: person.pk)
        talk = Conversation(first=first, second=second, started_by=first, last_seq=each, created_at=now)
        last_at = now - timedelta(seconds=number)
        for user, other in ((first, second), (second, first)):
            sides.append(Participation(conversation=talk, user=user, other=other, last_seq=each, last_at=last_at))
        talks.append(talk)
    Conversation.objects.bulk_create(talks, batch_size=1000)
    Participation.objects.bulk_create(sides, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO messaging_message
                (id, conversation_id, seq, sender_id, receiver_id, content, client_id, created_at, original)
            SELECT gen_random_uuid(), talk.id, n, CASE n %% 2 WHEN 1 THEN first_id ELSE second_id END,
                CASE n %% 2 WHEN 1 THEN second_id ELSE first_id END, %s, 'filled-' || n || '-' || right(talk.id::text, 12),
                now() - interval '1 second' * (%s - n), ''
            FROM messaging_conversation talk, generate_series(1, %s) n WHERE talk.id = ANY(%s)
            """,
            [WORDS, each, each, [talk.pk for talk in talks]],
        )
        cursor.execute("VACUUM ANALYZE")
    return talks


# --- Processes --------------------------------------------------------------------------------------------------------
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def start(command: list[str], port: int, log: Path, **env: str) -> "subprocess.Popen[bytes]":
    """A server in a process of its own, once it answers on its port."""
    with log.open("ab") as lines:
        process = subprocess.Popen(command, stdout=lines, stderr=lines, env={**os.environ, **env})  # noqa: S603
    for _attempt in range(300):
        time.sleep(0.1)
        with socket.socket() as probe:
            if process.poll() is None and probe.connect_ex((LOOPBACK, port)) == 0:
                return process
    process.kill()
    raise SystemExit(f"{' '.join(command)} did not start:\n{log.read_text()[-2000:]}")


def daphne(port: int) -> list[str]:
    """The web process as Procfile starts it."""
    lines = (settings.BASE_DIR / "Procfile").read_text().splitlines()
    web = next(line.removeprefix("web:") for line in lines if line.startswith("web:"))
    _python, *options = shlex.split(web.replace("$PORT", str(port)))
    return [sys.executable, *options]


# --- Sockets ----------------------------------------------------------------------------------------------------------
async def open_socket(port: int, person: User) -> ClientConnection:
    """The person's stream as a program opens it, by a token."""
    token = make_jwt(person, lifetime=timedelta(hours=1))
    return await connect(
        f"ws://{LOOPBACK}:{port}/ws/{person.pk}/",
        subprotocols=["chat.v1", f"jwt.{token}"],
        compression=None,
        max_size=None,
        ping_interval=None,
        open_timeout=30,
        proxy=None,
    )


async def open_sockets(people: list[User], ports: list[int]) -> list[ClientConnection]:
    """One for each person, on the processes in turns, some at a time."""
    some = asyncio.Semaphore(20)

    async def one(number: int, person: User) -> ClientConnection:
        async with some:
            return await open_socket(ports[number % len(ports)], person)

    return await asyncio.gather(*(one(number, person) for number, person in enumerate(people)))
