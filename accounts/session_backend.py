"""Sessions in the database behind the cache, by keys this site could have made itself; whose they are, for who is no request."""

import hashlib
import re
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore as CachedDatabaseStore
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.selectors import find_active
from marketplace.realtime import RECHECK, publish


class SessionStore(CachedDatabaseStore):
    def _validate_session_key(self, key: Any) -> bool:
        # A cookie may hold anything, and PostgreSQL fails on a NUL.
        return isinstance(key, str) and re.fullmatch(r"[a-z0-9]{8,40}", key) is not None

    def delete(self, session_key: str | None = None) -> None:
        ended = session_key or self.session_key
        super().delete(session_key)
        if ended:
            publish(group_of_session(ended), {"type": RECHECK})


def group_of_session(key: str) -> str:
    """The group of the sockets that this session opened. Its name tells nobody the key."""
    return f"session.{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def user_of_session(key: str) -> User | None:
    """The active person signed in by this session, none once it ended or the password has changed since.

    Unlike Django's `get_user` it leaves the session as it is: a socket cannot hand the browser another cookie.
    """
    session = SessionStore(key)
    person_id = session.get(SESSION_KEY)
    user = find_active(person_id) if person_id else None
    if user is None:
        return None
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    is_same = any(constant_time_compare(session.get(HASH_SESSION_KEY, ""), good) for good in hashes)
    return user if is_same else None
