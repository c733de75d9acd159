"""Sessions in the database behind the cache, by keys this site could have made itself."""

import re
from typing import Any

from django.contrib.sessions.backends.cached_db import SessionStore as CachedDatabaseStore


class SessionStore(CachedDatabaseStore):
    def _validate_session_key(self, key: Any) -> bool:
        # A cookie may hold anything, and PostgreSQL fails on a NUL.
        return isinstance(key, str) and re.fullmatch(r"[a-z0-9]{8,40}", key) is not None
