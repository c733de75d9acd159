"""The cache: a Redis that is away, and one that several test runs share."""

from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import caches
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ResponseError

from marketplace.cache import ForgivingRedisCache, count
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


def test_every_socket_and_request_shares_the_connections_of_the_process():
    one, other = (ForgivingRedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_timeout": 2}}) for _n in range(2))
    assert one._cache is other._cache
    assert one._cache.get_client("key") is other._cache.get_client("another", write=True)
    assert ForgivingRedisCache("redis://127.0.0.1:1/1", {})._cache is not one._cache


def test_what_is_counted_is_forgotten_after_its_time():
    key = f"counted-{uuid4()}"
    assert [count(key, 60) for _time in range(3)] == [1, 2, 3]
    caches["default"].touch(key, 0)
    assert count(key, 60) == 1


@pytest.mark.parametrize("refusal", ["OOM command not allowed", "MISCONF Redis is configured to save", "READONLY replica"])
def test_a_redis_that_takes_nothing_is_forgiven_too(monkeypatch, refusal):
    def refuse(*_args, **_options):
        raise ResponseError(refusal)

    full = ForgivingRedisCache("redis://127.0.0.1:1/0", {})
    for method in ("execute_command", "pipeline"):
        monkeypatch.setattr(f"redis.Redis.{method}", refuse)
    full.set("key", "value")
    assert (full.add("key", 1), full.get("key"), full.counted("key", 60)) == (True, None, 1)
    with pytest.raises(ResponseError):
        full.delete("key")


def test_a_redis_that_is_away_counts_nobody_out():
    away = ForgivingRedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 1}})
    assert [away.counted("key", 60) for _time in range(2)] == [1, 1]
