"""The stream: each frame and each refusal. Every frame is held against docs/realtime.md."""

import asyncio
import json
import uuid
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models import User
from accounts.services import deactivate_account
from accounts.tests.factories import UserFactory
from marketplace.realtime import group_of, publish
from marketplace.routing import sockets
from marketplace.sockets import in_thread
from messaging.frames import Allowance
from messaging.models import Block, Conversation, Message, Participation
from messaging.tests.devices import OWN_ORIGIN, Device, cookie_of, in_a_loop
from messaging.tests.test_conversations import a_file, say

pytestmark = pytest.mark.django_db(transaction=True)


# --- Messages -------------------------------------------------------------------------------------------------------
@in_a_loop
async def test_a_message_is_acknowledged_and_reaches_every_device_of_both(buyer, freelancer):
    here, there, theirs = await Device.of(buyer), await Device.of(buyer), await Device.of(freelancer)
    await here.says("message.send", client_id="device-1-00001", receiver_id=freelancer.pk, content="Größe? 👩🏽‍🎨", order_id=None)
    heard = {device: await device.hears_all() for device in (here, there, theirs)}
    acks = [frame for frame in heard[here] if frame["type"] == "message.ack"]
    news = [frame for device in heard for frame in heard[device] if frame["type"] == "message.new"]
    message = await in_thread(Message.objects.get)
    assert [ack["client_id"] for ack in acks] == ["device-1-00001"]
    assert len(news) == 3
    assert all(frame["message"] == acks[0]["message"] for frame in news)
    assert (acks[0]["message"]["id"], acks[0]["message"]["content"]) == (str(message.pk), "Größe? 👩🏽‍🎨")


@in_a_loop
async def test_what_is_sent_again_is_acknowledged_again_and_told_once(buyer, freelancer):
    here, theirs = await Device.of(buyer), await Device.of(freelancer)
    file = await in_thread(a_file, buyer)
    for _n in range(2):
        await here.says("message.send", client_id="device-1-00001", receiver_id=freelancer.pk, content="", file_ids=[file.pk])
    acks = [frame for frame in await here.hears_all() if frame["type"] == "message.ack"]
    assert acks[0] == acks[1]
    assert acks[0]["message"]["files"][0]["id"] == str(file.pk)
    assert [frame["type"] for frame in await theirs.hears_all()] == ["message.new"]


@in_a_loop
async def test_messages_reach_every_device_in_the_order_of_their_numbers(buyer, freelancer):
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    for n in range(10):
        for device, receiver in ((mine, freelancer), (theirs, buyer)):
            await device.says("message.send", client_id=f"device-{n:05}", receiver_id=receiver.pk, content=str(n))
            await asyncio.sleep(0)
    for device in (mine, theirs):
        seqs = []
        while len(seqs) < 20:
            frame = await device.receive_json_from(5)
            seqs += [frame["message"]["seq"]] if frame["type"] == "message.new" else []
        assert sorted(seqs) == list(range(1, 21))


REFUSED = {
    "no words": ({"content": " "}, "message_refused"),
    "too many words": ({"content": "x" * 5001}, "message_refused"),
    "a NUL": ({"content": "a\x00b"}, "message_refused"),
    "invisible characters": ({"content": "turned \u202e round"}, "message_refused"),
    "a short client_id": ({"client_id": "short"}, "message_refused"),
    "a long client_id": ({"client_id": "x" * 65}, "message_refused"),
    "a client_id that is not ASCII": ({"client_id": "größe-00001"}, "message_refused"),
    "too many files": ({"file_ids": [str(uuid.uuid4()) for _n in range(6)]}, "message_refused"),
    "an order of others": ({"order_id": str(uuid.uuid4())}, "message_refused"),
    "a file of others": ({"file_ids": [str(uuid.uuid4())]}, "message_refused"),
    "nobody": ({"receiver_id": str(uuid.uuid4())}, "not_reachable"),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED)
@in_a_loop
async def test_a_refused_message_is_answered_under_its_client_id(buyer, freelancer, change, code):
    device = await Device.of(buyer)
    fields = {"client_id": "device-1-00001", "receiver_id": str(freelancer.pk), "content": "Hello", **change}
    await device.send_json_to({"type": "message.send", **fields})
    error = await device.hears("error")
    assert (error["code"], error["client_id"]) == (code, fields["client_id"])
    assert await in_thread(Message.objects.count) == 0
    await device.says("ping")
    await device.hears("pong")


@in_a_loop
async def test_nothing_is_sent_to_oneself_or_to_who_has_left(buyer, freelancer):
    device = await Device.of(buyer)
    await in_thread(deactivate_account, actor=freelancer, user=freelancer)
    for person in (buyer, freelancer):
        await device.says("message.send", client_id="device-1-00001", receiver_id=person.pk, content="Hello")
        assert (await device.hears("error"))["code"] == "not_reachable"


LIMITS = {"PER_WINDOW": "too_fast", "NEW_MAY_OPEN": "new_account"}


@pytest.mark.parametrize(("limit", "code"), LIMITS.items(), ids=LIMITS.values())
@in_a_loop
async def test_what_comes_too_early_is_refused_and_taken_later_under_its_own_client_id(
    buyer, freelancer, monkeypatch, limit, code
):
    device = await Device.of(buyer)
    send = partial(device.says, "message.send", client_id="device-1-00001", receiver_id=freelancer.pk, content="Hello")
    with monkeypatch.context() as now:
        now.setattr(f"messaging.services.conversations.{limit}", 0)
        await send()
        error = await device.hears("error")
    assert (error["code"], error["client_id"]) == (code, "device-1-00001")
    await send()
    assert {frame["type"] for frame in await device.hears_all()} == {"message.ack", "message.new"}


@in_a_loop
async def test_a_client_id_is_one_receivers(buyer, freelancer, stranger):
    device = await Device.of(buyer)
    for person in (freelancer, stranger):
        await device.says("message.send", client_id="device-1-00001", receiver_id=person.pk, content="Hello")
    errors = [frame for frame in await device.hears_all() if frame["type"] == "error"]
    assert [(error["code"], error["client_id"]) for error in errors] == [("sent_otherwise", "device-1-00001")]
    assert await in_thread(Message.objects.count) == 1


@in_a_loop
async def test_nothing_is_sent_over_a_block(buyer, freelancer):
    device = await Device.of(buyer)
    await in_thread(Block.objects.create, blocker=freelancer, blocked=buyer, created_at=timezone.now())
    await device.says("message.send", client_id="device-1-00001", receiver_id=freelancer.pk, content="Hello")
    assert (await device.hears("error"))["code"] == "not_reachable"


# --- Seen and typing ------------------------------------------------------------------------------------------------
@in_a_loop
async def test_both_sides_hear_what_was_delivered_and_what_was_read(buyer, freelancer):
    for _n in range(3):
        message = await in_thread(say, buyer, freelancer)
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    await theirs.says("message.delivered", conversation=message.conversation_id, seq=3)
    await theirs.says("message.read", conversation=message.conversation_id, seq=2)
    expected = [("message.read", str(freelancer.pk), 3, 0), ("message.read", str(freelancer.pk), 3, 2)]
    for device in (theirs, mine):
        heard = [await device.hears("message.read") for _n in range(2)]
        assert [(frame["type"], frame["reader"], frame["delivered_seq"], frame["read_seq"]) for frame in heard] == expected


@in_a_loop
async def test_typing_reaches_the_other_side_alone_and_once_in_three_seconds(buyer, freelancer):
    message = await in_thread(say, buyer, freelancer)
    here, there, theirs = await Device.of(buyer), await Device.of(buyer), await Device.of(freelancer)
    for device in (here, here, there):
        await device.says("typing", conversation=message.conversation_id)
    assert (await here.hears_all(), await there.hears_all()) == ([], [])
    assert await theirs.hears_all() == [{"type": "typing", "conversation": str(message.conversation_id), "user": str(buyer.pk)}]


@in_a_loop
async def test_typing_does_not_pass_a_block(buyer, freelancer):
    message = await in_thread(say, buyer, freelancer)
    await in_thread(Block.objects.create, blocker=freelancer, blocked=buyer, created_at=timezone.now())
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    await mine.says("typing", conversation=message.conversation_id)
    assert (await mine.hears_all(), await theirs.hears_all()) == ([], [])


@pytest.mark.parametrize("kind", ["message.read", "message.delivered", "typing"])
@in_a_loop
async def test_a_conversation_of_others_is_not_found(buyer, freelancer, stranger, kind):
    message = await in_thread(say, buyer, freelancer)
    device = await Device.of(stranger)
    for conversation in (message.conversation_id, uuid.uuid4()):
        await device.says(kind, conversation=conversation, **({} if kind == "typing" else {"seq": 1}))
        assert (await device.hears("error"))["code"] == "not_found"
    assert await in_thread(Participation.objects.filter(delivered_seq=1, user=freelancer).count) == 0


@in_a_loop
async def test_numbers_move_forward_alone_and_not_beyond_the_last_message(buyer, freelancer):
    for _n in range(3):
        message = await in_thread(say, buyer, freelancer)
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    for kind, seq in (("message.read", 2), ("message.read", 1), ("message.delivered", 2**63 - 1), ("message.delivered", 0)):
        await theirs.says(kind, conversation=message.conversation_id, seq=seq)
    for device in (theirs, mine):
        assert [(frame["delivered_seq"], frame["read_seq"]) for frame in await device.hears_all()] == [(2, 2), (3, 2)]


@in_a_loop
async def test_whoever_writes_has_read_what_stood_before_and_no_frame_says_so(buyer, freelancer):
    conversation = (await in_thread(say, freelancer, buyer)).conversation_id
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    await mine.says("message.send", client_id="device-1-00001", receiver_id=freelancer.pk, content="Hello")
    await mine.hears_all()
    assert {frame["type"] for frame in await theirs.hears_all()} == {"message.new"}
    await theirs.says("sync", conversations={conversation: 2})
    seen = await theirs.hears("message.read")
    assert (seen["reader"], seen["delivered_seq"], seen["read_seq"]) == (str(buyer.pk), 2, 2)


# --- Sync -----------------------------------------------------------------------------------------------------------
@in_a_loop
async def test_everything_missed_comes_in_order_and_in_pages(buyer, freelancer, stranger):
    behind = await in_thread(many_messages, buyer, freelancer, 450)
    known = (await in_thread(say, stranger, buyer)).conversation_id
    foreign = (await in_thread(say, stranger, freelancer)).conversation_id
    device = await Device.of(buyer)
    await device.says("sync", conversations={behind: 10, known: 1, foreign: 0, uuid.uuid4(): 0})
    heard = await device.hears_all()
    pages = [frame for frame in heard if frame["type"] == "sync"]
    assert {frame["conversation"] for frame in pages} == {str(behind)}
    assert len(pages) >= 3
    assert [frame["more"] for frame in pages] == [True] * (len(pages) - 1) + [False]
    assert [message["seq"] for frame in pages for message in frame["messages"]] == list(range(11, 451))
    rest = heard[len(pages) :]
    assert {frame["type"] for frame in rest} == {"message.read", "presence"}
    assert {frame.get("conversation") for frame in rest} == {str(behind), str(known), None}


def many_messages(sender, receiver, count):
    """A conversation of so many messages, the first sent and the rest put beside it."""
    first = say(sender, receiver)
    now = timezone.now()
    rows = [
        Message(
            conversation=first.conversation,
            seq=seq,
            sender=sender,
            receiver=receiver,
            content=f"Number {seq}",
            client_id=f"many-{seq:06}",
            created_at=now,
        )
        for seq in range(2, count + 1)
    ]
    Message.objects.bulk_create(rows)
    Conversation.objects.filter(pk=first.conversation_id).update(last_seq=count)
    Participation.objects.filter(conversation=first.conversation).update(last_seq=count)
    return first.conversation_id


@in_a_loop
async def test_long_messages_come_in_smaller_pages(buyer, freelancer):
    conversation = await in_thread(many_messages, buyer, freelancer, 60)
    await in_thread(Message.objects.filter(seq__gt=5).update, content="🦉\n" * 2_500)
    device = await Device.of(freelancer)
    await device.says("sync", conversations={conversation: 0})
    pages = [frame for frame in await device.hears_all() if frame["type"] == "sync"]  # none over 64 KiB: the device looks
    assert len(pages) > 10
    assert [message["seq"] for frame in pages for message in frame["messages"]] == list(range(1, 61))
    assert [frame["more"] for frame in pages] == [True] * (len(pages) - 1) + [False]


@in_a_loop
async def test_what_is_said_while_a_device_syncs_comes_after_it(buyer, freelancer):
    conversation = await in_thread(many_messages, buyer, freelancer, 450)
    device = await Device.of(buyer)
    await device.says("sync", conversations={conversation: 0})
    await in_thread(say, freelancer, buyer, "And one more")
    seqs = []
    while 451 not in seqs:
        frame = await device.receive_json_from(5)
        seqs += [message["seq"] for message in frame.get("messages", [])]
        seqs += [frame["message"]["seq"]] if frame["type"] == "message.new" else []
    assert seqs == sorted(seqs)
    assert set(seqs) == set(range(1, 452))


# --- What others push -----------------------------------------------------------------------------------------------
@in_a_loop
async def test_orders_and_the_bell_reach_their_person_alone(buyer, freelancer):
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    order = str(uuid.uuid4())
    await in_thread(publish, group_of(buyer.pk), {"type": "order.updated", "order": order})
    assert (await mine.hears("order.updated"))["order"] == order
    await in_thread(say, freelancer, buyer)
    bell = [
        frame for frame in [await mine.receive_json_from(5), await mine.receive_json_from(5)] if frame["type"] == "notification"
    ]
    assert len(bell) == 1
    assert "notification" not in {frame["type"] for frame in await theirs.hears_all()}


@in_a_loop
async def test_an_event_the_page_does_not_know_goes_no_further(buyer):
    device = await Device.of(buyer)
    await in_thread(publish, group_of(buyer.pk), {"type": "secret"})
    assert await device.hears_all() == []


# --- Broken frames --------------------------------------------------------------------------------------------------
BROKEN = {
    "no JSON": "{",
    "nothing in it": " ",
    "no object": "[]",
    "a number": "1",
    "no type": "{}",
    "a type that is no text": '{"type": []}',
    "an unknown type": '{"type": "message.ack"}',
    "the name of a handler": '{"type": "websocket.disconnect"}',
    "a field missing": '{"type": "typing"}',
    "a field too many": '{"type": "ping", "more": 1}',
    "a deep one": "[" * 60_000,
    "a long number": '{"type": "message.read", "conversation": "5c9c6a2a-0000-4000-8000-000000000000", "seq": '
    + "9" * 5000
    + "}",
    "a number below zero": json.dumps({"type": "message.read", "conversation": str(uuid.uuid4()), "seq": -1}),
    "a number too large": json.dumps({"type": "message.read", "conversation": str(uuid.uuid4()), "seq": 2**63}),
    "a truth for a number": json.dumps({"type": "message.read", "conversation": str(uuid.uuid4()), "seq": True}),
    "no number": '{"type": "message.read", "conversation": "5c9c6a2a-0000-4000-8000-000000000000", "seq": NaN}',
    "no UUID": json.dumps({"type": "typing", "conversation": "../admin"}),
    "a UUID spelled otherwise": json.dumps({"type": "typing", "conversation": uuid.uuid4().hex}),
    "no conversations": json.dumps({"type": "sync", "conversations": []}),
    "conversations without numbers": json.dumps({"type": "sync", "conversations": {str(uuid.uuid4()): "1"}}),
    "too many conversations": json.dumps({"type": "sync", "conversations": {str(uuid.uuid4()): 0 for _n in range(101)}}),
    "over 64 KiB": json.dumps({"type": "ping", "more": "x" * 65_536}),
    "over 64 KiB in bytes alone": '{"type": "%s"}' % ("é" * 40_000),
}
NO_MESSAGES = {
    "half a character": {"content": "\ud800"},
    "words that are none": {"content": 1},
    "files that are none": {"file_ids": "all"},
    "a file that is none": {"file_ids": [1]},
    "no receiver": {"receiver_id": None},
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
@in_a_loop
async def test_the_third_broken_frame_in_a_row_closes_the_socket(buyer, text):
    device = await Device.of(buyer)
    await device.send_to(text_data=text)
    assert (await device.hears("error"))["code"] == "bad_frame"
    await device.says("ping")
    await device.hears("pong")
    for _n in range(3):
        await device.send_to(text_data=text)
        assert (await device.hears("error"))["code"] == "bad_frame"
    assert await device.is_closed_with() == 4400
    await device.send_to(text_data='{"type": "ping"}')
    assert await device.receive_nothing(0.2)
    await device.disconnect()


@pytest.mark.parametrize("change", NO_MESSAGES.values(), ids=NO_MESSAGES)
@in_a_loop
async def test_a_broken_message_is_answered_under_its_client_id(buyer, freelancer, change):
    device = await Device.of(buyer)
    fields = {"client_id": "device-1-00001", "receiver_id": str(freelancer.pk), "content": "Hello", **change}
    await device.send_json_to({"type": "message.send", **fields})
    error = await device.hears("error")
    assert (error["code"], error["client_id"]) == ("bad_frame", "device-1-00001")


@pytest.mark.parametrize("client_id", [1, "x" * 65, "größe-00001", None])
@in_a_loop
async def test_a_broken_client_id_is_not_said_again(buyer, freelancer, client_id):
    device = await Device.of(buyer)
    await device.send_json_to({"type": "message.send", "client_id": client_id, "receiver_id": str(freelancer.pk)})
    error = await device.hears("error")
    assert (error["code"], "client_id" in error) == ("bad_frame", False)


@in_a_loop
async def test_bytes_are_no_frame(buyer):
    device = await Device.of(buyer)
    await device.send_to(bytes_data=b'{"type": "ping"}')
    assert (await device.hears("error"))["code"] == "bad_frame"


@in_a_loop
async def test_a_flood_is_answered_once_and_closed(buyer, monkeypatch):
    device = await Device.of(buyer)
    monkeypatch.setattr("messaging.frames.time", SimpleNamespace(monotonic=lambda: 1_000_000.0))  # all in one instant
    for _n in range(150):
        await device.says("typing", conversation=uuid.uuid4())
    heard = [await device.hears("error") for _n in range(101)]
    assert [frame["code"] for frame in heard] == ["not_found"] * 100 + ["too_many_frames"]
    assert await device.is_closed_with() == 4429
    assert await device.receive_nothing(0.2)
    await device.disconnect()


@in_a_loop
async def test_a_sync_counts_as_ten_frames(buyer, monkeypatch):
    device = await Device.of(buyer)
    monkeypatch.setattr("messaging.frames.time", SimpleNamespace(monotonic=lambda: 1_000_000.0))
    for _n in range(10):
        await device.says("sync", conversations={})
    await device.says("ping")
    assert (await device.hears("error"))["code"] == "too_many_frames"
    assert await device.is_closed_with() == 4429


def test_the_allowance_fills_again_by_the_second(monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=0.0)
    monkeypatch.setattr("messaging.frames.time", clock)
    allowance = Allowance()
    assert [allowance.take() for _n in range(101)] == [True] * 100 + [False]
    clock.now += 0.5
    assert [allowance.take() for _n in range(50)] == [True] * 49 + [False]  # the refused one counts as well
    clock.now += 60
    assert allowance.take(100)
    assert not allowance.take()


# --- A database or a Redis that is away ------------------------------------------------------------------------------
def fails_with(failure):
    def fails(*_args):
        raise failure

    return fails


@pytest.mark.parametrize("failure", [OperationalError("gone"), RedisError("gone"), ConnectionRefusedError("gone")], ids=type)
@in_a_loop
async def test_a_database_or_redis_that_is_away_closes_the_socket_and_nothing_else_happens(buyer, monkeypatch, failure):
    device = await Device.of(buyer)
    monkeypatch.setattr("marketplace.routing.user_of_session", fails_with(failure))
    await device.says("ping")
    assert await device.is_closed_with() == 4503
    await device.wait()  # the socket's end is no error
    assert await Device(buyer, [OWN_ORIGIN]).connect(5) == (False, 4503)


# --- What it holds --------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@in_a_loop
async def test_idle_sockets_hold_no_database_connection(buyer):
    devices = [await Device.of(person) for person in await in_thread(UserFactory.create_batch, 10)]
    for device in devices:
        await device.says("message.send", client_id="device-1-00001", receiver_id=buyer.pk, content="Hello")
        await device.hears_all()
    for _n in range(50):  # what is given back is looked at by a thread of the pool's own
        stats = connection.pool.get_stats()
        if stats["pool_size"] - stats["pool_available"] == 1:
            break
        await asyncio.sleep(0.1)
    assert stats["pool_size"] - stats["pool_available"] == 1  # the test's own
    for device in devices:
        await device.disconnect()


class Line:
    """What Daphne keeps for a reader: full, until they take it."""

    def __init__(self) -> None:
        self.producerPaused, self.done = True, []
        self.transport = self

    def __getattr__(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)


async def a_slow_reader(user: User, line: Line) -> Device:
    device = Device(user, [OWN_ORIGIN, await in_thread(cookie_of, user)])

    async def put(line: Line, message: dict[str, object]) -> None:
        await device.output_queue.put(message)

    device.application = lambda scope, receive, send: sockets(scope, receive, partial(put, line))
    await device.connect(5)
    return device


@in_a_loop
async def test_no_more_is_made_for_a_reader_than_they_take(buyer, freelancer):
    conversation = await in_thread(many_messages, buyer, freelancer, 1_000)
    slow, quick = await a_slow_reader(buyer, line := Line()), await Device.of(freelancer)
    await slow.says("sync", conversations={conversation: 0})
    await slow.hears("sync")
    await quick.hears_all()
    assert (slow.output_queue.qsize(), line.done) == (0, ["pauseProducing"])
    line.producerPaused = False
    assert sum(len(frame.get("messages", [])) for frame in await slow.hears_all()) > 0
    assert line.done == ["pauseProducing", "resumeProducing"]


@in_a_loop
async def test_a_reader_who_takes_nothing_is_cut_off(buyer, monkeypatch):
    monkeypatch.setattr("marketplace.sockets.PATIENCE", 0.1)
    slow = await a_slow_reader(buyer, line := Line())
    await slow.says("ping")
    await slow.hears("pong")
    assert await slow.is_closed_with() == 4503
    assert line.done == ["pauseProducing", "abortConnection"]
