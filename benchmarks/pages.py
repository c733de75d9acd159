"""What a page costs, as a ratio to an empty answer measured in the same interleaved run. One process, a scratch database."""

import statistics
import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings, setup_test_environment
from django.urls import path

from accounts.tests.factories import UserFactory
from gigs.models import Category
from gigs.tests.factories import GigFactory
from marketplace import urls

ROUNDS = 60
GIGS = 200


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def report(say: Callable[[str], None]) -> None:
    setup_test_environment()
    freelancers = UserFactory.create_batch(10)
    shelves = list(Category.objects.filter(parent__isnull=False))
    gigs = [GigFactory(freelancer=freelancers[n % 10], category=shelves[n % len(shelves)]) for n in range(GIGS)]
    client = Client()
    client.force_login(UserFactory())
    pages = {"gig list": "/gigs/", "gig page": f"/gigs/{gigs[0].pk}/", "home page": "/"}
    urls.urlpatterns.append(path("benchmark-floor/", empty))
    with override_settings(LOGGING_CONFIG=None):
        timings = measure(
            {name: lambda url=url: client.get(url) for name, url in {"floor": "/benchmark-floor/", **pages}.items()}
        )
        floor = statistics.median(timings["floor"])
        say(f"{GIGS} gigs, signed in, {ROUNDS} interleaved rounds on SQLite; an empty answer takes {floor * 1000:.2f} ms")
        for name, url in pages.items():
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            say(f"{name:12} {statistics.median(timings[name]) / floor:6.1f} × floor   {len(queries):3} queries")


def measure(calls: dict[str, Callable[[], HttpResponse]]) -> dict[str, list[float]]:
    """Seconds of each call, in turns, so that whatever else the machine does falls on all alike."""
    timings: dict[str, list[float]] = {name: [] for name in calls}
    for round_number in range(ROUNDS + 3):
        for name, call in calls.items():
            started = time.perf_counter()
            response = call()
            spent = time.perf_counter() - started
            if response.status_code != 200:
                raise SystemExit(f"{name} answered {response.status_code}")
            if round_number >= 3:  # the first rounds warm up
                timings[name].append(spent)
    return timings
