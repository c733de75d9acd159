"""The Redis cache of a site whose pages go on working while Redis does not answer."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Unanswered

log = structlog.get_logger(__name__)


def _forgiving(method: Callable[..., Any], answer: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except (Unreachable, Unanswered):
            log.warning("cache.unreachable", method=method.__name__)
            return answer(*args, **kwargs)

    return call


class ForgivingRedisCache(RedisCache):
    """Reads miss and writes are lost while Redis is away. Deleting still fails aloud: a deleted session must not come back."""

    get = _forgiving(RedisCache.get, lambda self, key, default=None, version=None: default)
    get_many = _forgiving(RedisCache.get_many, lambda *_args, **_options: {})
    has_key = _forgiving(RedisCache.has_key, lambda *_args, **_options: False)
    set = _forgiving(RedisCache.set, lambda *_args, **_options: None)
    set_many = _forgiving(RedisCache.set_many, lambda self, data, *_args, **_options: list(data))
    add = _forgiving(RedisCache.add, lambda *_args, **_options: True)
    touch = _forgiving(RedisCache.touch, lambda *_args, **_options: False)
