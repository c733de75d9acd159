"""How often somebody may call in a minute."""

import hashlib
import math
import time

from django.conf import settings
from django.utils.translation import gettext as _

from marketplace.cache import count
from marketplace.rest.errors import Refusal

WINDOW = 60  # seconds


def slow_down(kind: str, name: str, factor: int = 1) -> None:
    """Count one call of this kind under this name; Refusal (429) for more than settings.API_LIMITS has, times `factor`."""
    now = time.time()
    most = settings.API_LIMITS[kind] * factor
    if count(f"api:{kind}:{_short(name)}:{int(now // WINDOW)}", WINDOW) > most:
        wait = math.ceil(WINDOW - now % WINDOW)
        words = _("Too many requests. Wait %(seconds)d seconds, then try again.") % {"seconds": wait}
        raise Refusal(429, "too_many_requests", words, headers={"Retry-After": str(wait)})


def _short(name: str) -> str:
    """An e-mail address may be longer than a key of the cache, and need not stand there."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
