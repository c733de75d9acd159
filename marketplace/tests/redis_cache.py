"""The Redis cache of a test process: `clear` forgets its own keys alone, since the server is shared with other processes."""

from marketplace.cache import ForgivingRedisCache


class OwnKeysRedisCache(ForgivingRedisCache):
    def clear(self) -> bool:
        server = self._cache.get_client(None, write=True)
        keys = list(server.scan_iter(match=f"{self.key_prefix}:*", count=1000))
        return bool(keys and server.delete(*keys))
