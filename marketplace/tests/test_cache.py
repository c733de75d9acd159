"""The cache: a Redis that is away, and one that several test runs share."""

import pytest
from django.conf import settings
from redis.exceptions import ConnectionError as Unreachable

from marketplace.cache import ForgivingRedisCache
from marketplace.tests.redis_cache import OwnKeysRedisCache


def test_the_cache_of_a_redis_that_is_away_misses_but_does_not_forget_in_silence():
    cache = ForgivingRedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 1}})
    cache.set("key", "value")
    assert (cache.get("key", "default"), cache.get_many(["key"]), cache.add("key", 1)) == ("default", {}, True)
    with pytest.raises(Unreachable):
        cache.delete("key")


@pytest.mark.skipif(not settings.REDIS_URL, reason="needs Redis")
def test_clearing_the_cache_of_the_tests_leaves_other_processes_keys():
    mine, others = (OwnKeysRedisCache(settings.REDIS_URL, {"KEY_PREFIX": f"{settings.BASE_DIR.name}-{name}"}) for name in "ab")
    mine.set("key", 1)
    others.set("key", 2)
    mine.clear()
    assert (mine.get("key"), others.get("key")) == (None, 2)
    others.clear()
