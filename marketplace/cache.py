"""The Redis cache of a site whose pages go on working while Redis does not answer."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import structlog
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import ConnectionPool, Redis
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ResponseError as Refused
from redis.exceptions import TimeoutError as Unanswered

log = structlog.get_logger(__name__)


def _forgiving(method: Callable[..., Any], answer: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except (Unreachable, Unanswered, Refused):  # Refused: no memory, a full disk, a replica
            log.warning("cache.unreachable", method=method.__name__)
            return answer(*args, **kwargs)

    return call


class _Client(RedisCacheClient):
    """Django's makes the client of a server anew for each command, which costs as much as asking the server."""

    def get_client(self, key: object = None, *, write: bool = False) -> Redis:
        return _redis(self._get_connection_pool(write))  # type: ignore[attr-defined]


@cache
def _client(servers: tuple[str, ...], options: frozenset[tuple[str, Any]]) -> _Client:
    return _Client(list(servers), **dict(options))


@cache
def _redis(pool: ConnectionPool) -> Redis:
    return Redis(connection_pool=pool)


class ForgivingRedisCache(RedisCache):
    """Reads miss and writes are lost while Redis is away. Deleting still fails aloud: a deleted session must not come back."""

    @property
    def _cache(self) -> _Client:
        # Django makes a cache anew for each socket and each request on ASGI, and each would open connections of its own.
        return _client(tuple(self._servers), frozenset(self._options.items()))  # type: ignore[attr-defined]

    get = _forgiving(RedisCache.get, lambda self, key, default=None, version=None: default)
    get_many = _forgiving(RedisCache.get_many, lambda *_args, **_options: {})
    has_key = _forgiving(RedisCache.has_key, lambda *_args, **_options: False)
    set = _forgiving(RedisCache.set, lambda *_args, **_options: None)
    set_many = _forgiving(RedisCache.set_many, lambda self, data, *_args, **_options: list(data))
    add = _forgiving(RedisCache.add, lambda *_args, **_options: True)
    incr = _forgiving(RedisCache.incr, lambda self, key, delta=1, version=None: delta)
    touch = _forgiving(RedisCache.touch, lambda *_args, **_options: False)

    def counted(self, key: str, seconds: int) -> int:
        name = self.make_and_validate_key(key)
        with self._cache.get_client(name, write=True).pipeline(transaction=False) as pipe:
            pipe.incr(name)
            pipe.expire(name, seconds)
            value, _is_set = pipe.execute()
        return int(value)

    counted = _forgiving(counted, lambda *_args: 1)


def count(key: str, seconds: int) -> int:
    """How often this was counted by now, this time too; forgotten after so many seconds without."""
    store = caches["default"]
    if isinstance(store, ForgivingRedisCache):  # Django's own way asks it three times
        return int(store.counted(key, seconds))
    store.add(key, 0, seconds)
    return int(store.incr(key))
