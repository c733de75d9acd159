"""How often in an hour and in a day somebody may be wrong about a secret, and when its owner hears of it."""

import hashlib
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.utils.translation import gettext as _

from marketplace.cache import count
from marketplace.exceptions import DomainError
from marketplace.rest.errors import Refusal

HOUR = 3600  # seconds
MOST_WRONG = {HOUR: 20, 86400: 50}  # in so many seconds, of the clock
SUSPICIOUS = 5  # wrong codes of the second factor in an hour


@contextmanager
def guessed(name: str, *wrong: type[DomainError]) -> Iterator[None]:
    """Count a refusal of these kinds under this name; Refusal (429) before the next try where there were too many."""
    digest, now = _digest(name), time.time()
    keys = {seconds: f"api:wrong:{digest}:{seconds}:{int(now // seconds)}" for seconds in MOST_WRONG}
    found = cache.get_many(keys.values())
    full = [seconds for seconds, most in MOST_WRONG.items() if int(found.get(keys[seconds], 0)) >= most]
    if full:
        wait = math.ceil(max(full) - now % max(full))
        words = _("Too many failed attempts. Wait a while, then try again.")
        raise Refusal(429, "too_many_requests", words, headers={"Retry-After": str(wait)})
    try:
        yield
    except wrong:
        for seconds, key in keys.items():
            count(key, seconds)
        raise


def is_suspicious(name: str) -> bool:
    """Count a wrong code of this person's second factor. Whether they should hear of it: at most once an hour."""
    digest, now = _digest(name), time.time()
    told = f"api:told:{digest}"
    wrong = count(f"api:codes:{digest}:{int(now // HOUR)}", HOUR)
    if wrong < SUSPICIOUS or now < cache.get(told, 0) + HOUR:
        return False
    cache.set(told, now, HOUR)
    return True


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
