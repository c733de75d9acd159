"""A clock that stories can set: while it runs, `django.utils.timezone.now` answers what they say."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.utils import timezone


class Clock:
    """`set` moves it, in either direction; it stands still in between."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def set(self, moment: datetime) -> None:
        self._now = moment

    def now(self) -> datetime:
        return self._now


@contextmanager
def simulated_clock(start: datetime) -> Iterator[Clock]:
    """Inside, Django's clock and every column it fills show the simulated time, in this whole process."""
    clock, real_now = Clock(start), timezone.now
    timezone.now = clock.now
    try:
        yield clock
    finally:
        timezone.now = real_now
