"""With which status the rules of conversations refuse, and when what was too much may be tried again."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from marketplace.exceptions import DomainError
from marketplace.rest.errors import Refusal, answer_with
from messaging.exceptions import AccountIsNew, NotReachable, SentOtherwise, TooFast, TooLate

HOUR, DAY = 3600, 86_400
TOO_MUCH = (TooFast, AccountIsNew)
answer_with(403, NotReachable)
answer_with(409, SentOtherwise, TooLate)
answer_with(429, *TOO_MUCH)


@contextmanager
def paced(window: int) -> Iterator[None]:
    """Whoever was too fast is told to wait until the window (seconds) is over in which the service counts."""
    try:
        yield
    except TOO_MUCH as refusal:
        headers = {"Retry-After": str(_wait(refusal, window))}
        raise Refusal(429, refusal.code, refusal.message, headers=headers) from refusal


def _wait(refusal: DomainError, window: int) -> int:
    """In seconds: what is counted over a day is surely forgotten after one."""
    return DAY if isinstance(refusal, AccountIsNew) else math.ceil(window - time.time() % window)


@contextmanager
def repeated(code: str) -> Iterator[None]:
    """What has been done already is a conflict (409), where its refusal has no class of its own."""
    try:
        yield
    except DomainError as refusal:
        if refusal.code != code:
            raise
        raise Refusal(409, refusal.code, refusal.message) from refusal
