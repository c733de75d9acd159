"""When a session was last seen: kept in the session itself, so that asking costs nothing."""

from datetime import datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

SEEN_KEY = "seen_at"
SEEN_EVERY = timedelta(minutes=15)


def mark_seen(session: SessionBase) -> None:
    session[SEEN_KEY] = timezone.now().isoformat()


def is_due(session: SessionBase) -> bool:
    """True for a signed-in session that was not noted for SEEN_EVERY."""
    seen = session.get(SEEN_KEY)
    return seen is not None and datetime.fromisoformat(seen) < timezone.now() - SEEN_EVERY
