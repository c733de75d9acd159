"""The least a chat can do, without Django: websockets, the row by psycopg, Redis pub/sub. `python -m benchmarks.chat_floor PORT`.

It speaks the frames of docs/realtime.md as far as the benchmark does, asks nobody who they are and keeps no numbers in order.
"""

import asyncio
import json
import os
import sys
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count

import redis.asyncio
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

INSERT = """INSERT INTO messaging_message
    (id, conversation_id, seq, sender_id, receiver_id, content, client_id, created_at, original)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '')"""
MISSED = "SELECT * FROM messaging_message WHERE conversation_id = %s AND seq > %s ORDER BY seq LIMIT 200"
FIRST = uuid.uuid4().int % 2**30 * 2**32  # of the numbers of this process, which are nobody else's


async def main(port: int) -> None:
    numbers, sockets = count(FIRST), dict[str, ServerConnection]()
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
    pushes = client.pubsub(ignore_subscribe_messages=True)
    await pushes.subscribe("floor.nobody")
    async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=8, max_size=8, kwargs={"autocommit": True}) as pool:

        async def pass_on() -> None:
            async for push in pushes.listen():
                with suppress(ConnectionClosed):
                    await sockets[push["channel"].decode()].send(push["data"].decode())

        async def send(person: str, frame: dict[str, str]) -> dict[str, object]:
            now = datetime.now(UTC)
            pk, talk, seq = str(uuid.uuid4()), frame["conversation"], next(numbers)
            words, client_id, receiver = frame["content"], frame["client_id"], frame["receiver_id"]
            async with pool.connection() as database:
                await database.execute(INSERT, [pk, talk, seq, person, receiver, words, client_id, now], prepare=True)
            row = {"id": pk, "conversation_id": talk, "seq": seq, "sender_id": person, "receiver_id": receiver}
            message = as_frame({**row, "content": words, "client_id": client_id, "created_at": now})
            await client.publish(f"floor.{receiver}", json.dumps({"type": "message.new", "message": message}))
            return {"type": "message.ack", "client_id": client_id, "message": message}

        async def catch_up(socket: ServerConnection, talk: str, seq: int) -> None:
            more = True
            while more:
                async with pool.connection() as database:
                    rows = await (
                        await database.cursor(row_factory=dict_row).execute(MISSED, [talk, seq], prepare=True)
                    ).fetchall()
                more, seq = len(rows) == 200, rows[-1]["seq"] if rows else seq
                frame = {"type": "sync", "conversation": talk, "messages": [as_frame(row) for row in rows], "more": more}
                await socket.send(json.dumps(frame, ensure_ascii=False))

        async def serve_one(socket: ServerConnection) -> None:
            person = socket.request.path.split("/")[2] if socket.request else ""
            sockets[f"floor.{person}"] = socket
            await pushes.subscribe(f"floor.{person}")
            with suppress(ConnectionClosed):
                async for text in socket:
                    frame = json.loads(text)
                    if frame["type"] == "message.send":
                        await socket.send(json.dumps(await send(person, frame)))
                    else:
                        for talk, seq in frame["conversations"].items():
                            await catch_up(socket, talk, seq)

        passing = asyncio.create_task(pass_on())
        async with serve(serve_one, "127.0.0.1", port, compression=None, ping_interval=None):
            await passing


def as_frame(row: dict[str, object]) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "conversation": str(row["conversation_id"]),
        "seq": row["seq"],
        "client_id": row["client_id"],
        "sender": str(row["sender_id"]),
        "receiver": str(row["receiver_id"]),
        "order": None,
        "content": row["content"],
        "created_at": row["created_at"].isoformat() if isinstance(row["created_at"], datetime) else None,
        "edited_at": None,
        "deleted": False,
        "files": [],
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
