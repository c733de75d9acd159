"""What is published reaches the sockets of the group after the commit, through the layer that the site uses."""

import asyncio
import uuid

import pytest
from channels.layers import get_channel_layer
from django.db import connections, transaction

from marketplace import realtime
from marketplace.realtime import group_of, publish

GROUP = group_of(uuid.UUID(int=7))


async def hear(after, wait: float = 5.0) -> dict | None:
    """What a listener of the group gets from what `after` does in a thread; None when nothing comes."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    await asyncio.to_thread(_alone, after)
    try:
        return await asyncio.wait_for(layer.receive(channel), wait)
    except TimeoutError:
        return None
    finally:
        await layer.group_discard(GROUP, channel)


def _alone(call) -> None:
    try:
        call()
    finally:
        connections.close_all()


def told(after, **options) -> dict | None:
    """Publish and listen on one loop, as a server does."""
    return asyncio.run(hear(after, **options))


def test_a_group_is_one_persons_and_a_name_that_layers_take():
    assert GROUP == "person.00000000000000000000000000000007"


@pytest.mark.django_db(transaction=True)
def test_an_event_arrives_whole():
    event = {"type": "message.new", "message": {"content": "Größe 🎨", "seq": 3}}
    assert told(lambda: publish(GROUP, event)) == {"type": "push", "event": event}


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_fails_pushes_nothing():
    def fails():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            publish(GROUP, {"type": "x"})
            raise ZeroDivisionError

    assert told(fails, wait=0.3) is None


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_does_not_answer_fails_nobody(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [settings.REDIS_URL]}}
    }
    realtime._client.cache_clear()
    publish(GROUP, {"type": "x"})
    realtime._client.cache_clear()
