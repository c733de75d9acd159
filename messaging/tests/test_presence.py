"""Who sees whether somebody is here, and how many sockets one person may have open."""

import asyncio
import time
import uuid
from functools import partial
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.utils import timezone

from marketplace.realtime import group_of, publish
from marketplace.sockets import in_thread
from messaging import presence, services
from messaging.models import Block, ContactSettings
from messaging.services.contact import choose_contact
from messaging.tests.devices import OWN_ORIGIN, Device, cookie_of, in_a_loop
from messaging.tests.test_conversations import say

pytestmark = pytest.mark.django_db(transaction=True)


# --- Who is here -----------------------------------------------------------------------------------------------------
@pytest.fixture
def the_grace_ends(monkeypatch):
    """The grace of those who have gone lasts until a test awaits this."""
    is_over = asyncio.Event()

    async def end():
        is_over.set()
        while presence.farewells:
            await asyncio.sleep(0.01)
        is_over.clear()

    waiting = SimpleNamespace(create_task=asyncio.create_task, sleep=lambda _seconds: is_over.wait())
    monkeypatch.setattr("messaging.presence.asyncio", waiting)
    return end


async def presence_of(device, conversation):
    await device.says("sync", conversations={conversation: 99})
    return [frame["state"] for frame in await device.hears_all() if frame["type"] == "presence"]


@in_a_loop
async def test_a_person_is_online_while_any_device_is_and_away_after_the_last(buyer, freelancer, the_grace_ends):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    mine = await Device.of(buyer)
    assert await presence_of(mine, conversation) == ["away"]
    one = await Device.of(freelancer)
    assert (await mine.hears("presence")) == {"type": "presence", "user": str(freelancer.pk), "state": "online"}
    two = await Device.of(freelancer)
    await one.disconnect()
    await the_grace_ends()
    assert await mine.hears_all() == []
    assert await presence_of(mine, conversation) == ["online"]
    await two.disconnect()
    await the_grace_ends()
    assert (await mine.hears("presence"))["state"] == "away"
    assert await presence_of(mine, conversation) == ["away"]


@in_a_loop
async def test_a_page_that_loads_again_is_not_away(buyer, freelancer, the_grace_ends):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    assert await presence_of(mine, conversation) == ["online"]
    await theirs.disconnect()
    await Device.of(freelancer)
    await the_grace_ends()
    assert await mine.hears_all() == []


@in_a_loop
async def test_who_does_not_show_it_is_hidden_and_going_is_not_told(buyer, freelancer, the_grace_ends):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    assert await presence_of(mine, conversation) == ["online"]
    await in_thread(ContactSettings.objects.create, user=freelancer, shows_presence=False)
    await theirs.hears_all()  # with a ping
    assert (await mine.hears("presence"))["state"] == "hidden"
    assert await presence_of(mine, conversation) == ["hidden"]
    await theirs.disconnect()
    await the_grace_ends()
    assert await mine.hears_all() == []


@in_a_loop
async def test_strangers_and_the_blocked_are_told_nothing(buyer, freelancer, stranger):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    await in_thread(Block.objects.create, blocker=freelancer, blocked=buyer, created_at=timezone.now())
    mine, strangers = await Device.of(buyer), await Device.of(stranger)
    assert await presence_of(strangers, conversation) == []
    assert await presence_of(mine, conversation) == ["hidden"]
    await Device.of(freelancer)
    assert (await mine.hears_all(), await strangers.hears_all()) == ([], [])


@in_a_loop
async def test_a_block_hides_the_two_from_each_other_at_once(buyer, freelancer, stranger):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    mine, theirs, strangers = await Device.of(buyer), await Device.of(freelancer), await Device.of(stranger)
    for device in (mine, theirs):
        assert await presence_of(device, conversation) == ["online"]
    unwatching = await Device.of(buyer)
    await in_thread(services.block, actor=freelancer, user=buyer)
    for device, other in ((mine, freelancer), (theirs, buyer)):
        assert await device.hears("presence") == {"type": "presence", "user": str(other.pk), "state": "hidden"}
    for person in (buyer, freelancer):
        await in_thread(publish, presence.group_of_watchers(person.pk), presence.presence_frame(person.pk, "online"))
    assert [await device.hears_all() for device in (mine, theirs, strangers, unwatching)] == [[], [], [], []]
    await in_thread(services.unblock, actor=freelancer, user=buyer)
    for device in (mine, theirs):
        assert await presence_of(device, conversation) == ["online"]


@in_a_loop
async def test_a_block_whose_push_was_lost_is_found_by_the_next_sync(buyer, freelancer):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    mine = await Device.of(buyer)
    assert await presence_of(mine, conversation) == ["away"]
    await in_thread(Block.objects.create, blocker=freelancer, blocked=buyer, created_at=timezone.now())
    assert await presence_of(mine, conversation) == ["hidden"]
    await Device.of(freelancer)
    assert await mine.hears_all() == []


@in_a_loop
async def test_who_chooses_to_hide_is_hidden_at_once_and_who_shows_again_is_found_by_the_next_sync(buyer, freelancer):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    mine, theirs = await Device.of(buyer), await Device.of(freelancer)
    assert await presence_of(mine, conversation) == ["online"]
    chosen = partial(choose_contact, actor=freelancer, quiet_from=None, quiet_until=None)
    await in_thread(chosen, shows_presence=False)
    assert (await mine.hears("presence"))["state"] == "hidden"
    await theirs.hears_all()  # with a ping
    assert await presence_of(mine, conversation) == ["hidden"]
    await in_thread(chosen, shows_presence=True)
    await theirs.hears_all()
    assert await presence_of(mine, conversation) == ["online"]


@in_a_loop
async def test_who_hides_while_they_are_away_is_hidden_at_once_too(buyer, freelancer):
    conversation = (await in_thread(say, buyer, freelancer)).conversation_id
    mine = await Device.of(buyer)
    assert await presence_of(mine, conversation) == ["away"]
    await in_thread(choose_contact, actor=freelancer, shows_presence=False, quiet_from=None, quiet_until=None)
    assert (await mine.hears("presence"))["state"] == "hidden"


# --- How many -------------------------------------------------------------------------------------------------------
async def opens(user):
    """A device whose socket stays open; None where the person has too many."""
    device = await Device.of(user)
    await device.says("ping")
    frame = await device.receive_json_from(5)
    if frame["type"] == "pong":
        return device
    assert (frame["code"], await device.is_closed_with()) == ("too_many_sockets", 4429)
    await device.disconnect()
    return None


async def opens_soon(user):
    """The same, once what went before is gone."""
    while not (device := await opens(user)):
        await asyncio.sleep(0.05)
    return device


@in_a_loop
async def test_a_person_has_so_many_sockets_and_is_told_so(buyer, freelancer):
    devices = [await opens(buyer) for _n in range(presence.MOST_SOCKETS)]
    assert all(devices)
    one_more = await Device.of(buyer)
    error = await one_more.hears("error")
    assert (error["code"], "20" in error["message"]) == ("too_many_sockets", True)
    assert await one_more.is_closed_with() == 4429
    await in_thread(publish, group_of(buyer.pk), {"type": "order.updated", "order": str(uuid.uuid4())})
    assert await one_more.receive_nothing(0.2)
    assert [frame["type"] for frame in await devices[-1].hears_all()] == ["order.updated"]
    assert await opens(freelancer)
    await devices[0].disconnect()
    assert await opens_soon(buyer)
    assert not await opens(buyer)


@in_a_loop
async def test_what_is_refused_takes_no_place(buyer, freelancer, monkeypatch):
    monkeypatch.setattr("messaging.presence.MOST_SOCKETS", 1)
    foreign = Device(freelancer, [OWN_ORIGIN, await in_thread(cookie_of, buyer)])
    await foreign.connect(5)
    assert await foreign.is_closed_with() == 4403
    assert await opens(freelancer)


@in_a_loop
async def test_a_socket_that_fails_gives_its_place_back(buyer, monkeypatch):
    monkeypatch.setattr("messaging.presence.MOST_SOCKETS", 1)
    device = await opens(buyer)

    def fails(_key):
        raise OperationalError("gone")

    with monkeypatch.context() as away:
        away.setattr("marketplace.routing.user_of_session", fails)
        await device.says("ping")
        assert await device.is_closed_with() == 4503
        await device.wait()
    assert await opens_soon(buyer)


@in_a_loop
async def test_sockets_that_say_nothing_count_as_long_as_they_are_open(buyer, freelancer, monkeypatch):
    monkeypatch.setattr("messaging.presence.MOST_SOCKETS", 2)
    silent = [await Device.of(buyer) for _n in range(2)]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + presence.FADES_AFTER)
    monkeypatch.setattr("messaging.presence.time", clock)
    await in_thread(cache.clear)  # as if they had faded, were it not for a ping of somebody else
    assert await opens(freelancer)
    assert not await opens(buyer)
    for device in silent:
        assert await device.hears_all() == []


@in_a_loop
async def test_what_a_killed_process_leaves_locks_nobody_out(buyer, monkeypatch):
    monkeypatch.setattr("messaging.presence.MOST_SOCKETS", 2)
    monkeypatch.setattr("messaging.presence.FADES_AFTER", 1)
    for _n in range(2):
        await in_thread(presence.enter, buyer)
    assert not await opens(buyer)
    assert await opens_soon(buyer)
