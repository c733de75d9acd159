"""Time zones: the one of whoever asks, and all of them to choose from."""

from datetime import datetime, timedelta, tzinfo
from functools import cache, cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import known_time_zones

Choice = tuple[str, str]


class PersonsZone(tzinfo):
    """The zone of whoever asks, looked up when the first instant is shown: an answer without one costs no query for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def zone(self) -> tzinfo:
        user = self._request.user
        if not user.is_authenticated:
            return timezone.get_default_timezone()
        try:
            return ZoneInfo(user.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # a zone that has left the list since it was chosen
            return timezone.get_default_timezone()

    def utcoffset(self, instant: datetime | None) -> timedelta | None:
        return self.zone.utcoffset(instant and instant.replace(tzinfo=self.zone))

    def dst(self, instant: datetime | None) -> timedelta | None:
        return self.zone.dst(instant and instant.replace(tzinfo=self.zone))

    def tzname(self, instant: datetime | None) -> str | None:
        return self.zone.tzname(instant and instant.replace(tzinfo=self.zone))

    def fromutc(self, instant: datetime) -> datetime:
        return self.zone.fromutc(instant.replace(tzinfo=self.zone)).replace(tzinfo=self)

    def __str__(self) -> str:
        return str(self.zone)


@cache
def time_zone_choices() -> list[Choice | tuple[str, list[Choice]]]:
    """UTC first, then every place by its continent; the technical names of the list are left out."""
    regions: dict[str, list[Choice]] = {}
    for name in sorted(known_time_zones()):
        region, _slash, place = name.partition("/")
        if place and region not in ("Etc", "SystemV", "posix", "right", "US", "Canada", "Brazil", "Chile", "Mexico"):
            regions.setdefault(region, []).append((name, place.replace("_", " ").replace("/", ", ")))
    return [("UTC", "UTC"), *regions.items()]
