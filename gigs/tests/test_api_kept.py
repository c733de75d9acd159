"""The public list is made once for all who ask within some seconds."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tests.api import bearer
from gigs.tests.factories import GigFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(settings):
    settings.API_LISTS_KEPT = 10


def titles(client: Client, currency: str, **filters: object) -> list[str]:
    return [gig["title"] for gig in client.get("/api/gigs", {"currency": currency, **filters}).json()["items"]]


def test_a_list_is_made_anew_after_ten_seconds(freelancer: User, buyer: User, django_assert_num_queries):
    now = (timezone.now() + timedelta(minutes=1)).replace(second=0)  # the seconds are those of the clock
    with time_machine.travel(now, tick=False) as clock:
        first = GigFactory(freelancer=freelancer, currency="BHD")
        assert titles(Client(), "BHD") == [first.title]
        clock.shift(1)
        second = GigFactory(freelancer=freelancer, currency="BHD")
        with django_assert_num_queries(0):
            assert titles(Client(), "BHD") == [first.title]
        assert titles(bearer(buyer), "BHD") == [first.title]  # the same for everybody
        clock.move_to(now + timedelta(seconds=11))
        assert titles(Client(), "BHD") == [second.title, first.title]


def test_other_filters_are_another_list(freelancer: User):
    gig = GigFactory(freelancer=freelancer, currency="TND", delivery_days=9)
    assert titles(Client(), "TND") == [gig.title]
    assert titles(Client(), "TND", delivery=3) == []
    assert titles(Client(), "TND", limit=1) == [gig.title]


def test_what_is_wrong_is_refused_and_not_kept(freelancer: User):
    assert Client().get("/api/gigs", {"cursor": "nonsense"}).status_code == 422
    assert Client().get("/api/gigs", {"cursor": "nonsense"}).status_code == 422
