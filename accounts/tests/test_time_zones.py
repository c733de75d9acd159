from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.middleware import persons_time_zone
from accounts.models import User, known_time_zones
from accounts.time_zones import PersonsZone, time_zone_choices

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)


def zone_of(rf, user) -> PersonsZone:
    request = rf.get("/")
    request.user = user
    return PersonsZone(request)


def test_instants_are_shown_in_the_persons_zone(rf):
    local = SUMMER.astimezone(zone_of(rf, User(time_zone="Europe/Oslo")))
    assert (local.hour, local.utcoffset(), local.tzname(), local == SUMMER) == (14, timedelta(hours=2), "CEST", True)


def test_the_doubled_hour_of_autumn_is_told_apart(rf):
    zone, real = zone_of(rf, User(time_zone="Europe/Oslo")), ZoneInfo("Europe/Oslo")
    for hour in (0, 1):
        instant = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
        assert instant.astimezone(zone).isoformat() == instant.astimezone(real).isoformat()


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc", "x\x00"])
def test_a_bad_zone_falls_back_to_the_sites(rf, name):
    assert SUMMER.astimezone(zone_of(rf, User(time_zone=name))).tzname() == "UTC"


def test_visitors_get_the_sites_zone(rf):
    assert SUMMER.astimezone(zone_of(rf, AnonymousUser())).tzname() == "UTC"


def test_the_person_is_not_looked_up_before_an_instant_is_shown(rf):
    request = rf.get("/")  # has no user at all: looking would fail

    def answer(request):
        assert isinstance(timezone.get_current_timezone(), PersonsZone)
        return "answer"

    assert persons_time_zone(answer)(request) == "answer"


@pytest.mark.django_db
def test_a_page_speaks_the_persons_time(client: Client, buyer: User):
    buyer.time_zone = "Asia/Tokyo"
    buyer.save()
    client.post(reverse("account_login"), {"login": buyer.email, "password": "a long password"})
    assert "JST" in client.get(reverse("usersessions_list")).content.decode()


@pytest.mark.django_db
def test_visitors_of_a_public_page_cost_no_query_for_it(client: Client, buyer: User, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get(reverse("account_login"))


def test_every_zone_on_offer_is_known_and_places_are_readable():
    choices = time_zone_choices()
    names = [name for _region, zones in choices[1:] for name, _label in zones]
    assert choices[0] == ("UTC", "UTC")
    assert set(names) <= known_time_zones()
    assert ("America/Argentina/Buenos_Aires", "Argentina, Buenos Aires") in dict(choices[1:])["America"]
