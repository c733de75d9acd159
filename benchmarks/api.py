"""What reading by the API costs, as a ratio to a bare operation that answers a constant of the same size, in the same process.

Both go through the same middleware, called as a server calls them, by one client in turns. The limit is three times the bare one.
"""

import io
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import path
from ninja import NinjaAPI

from accounts.models import User
from accounts.tests.factories import UserFactory, an_administrator
from accounts.tokens import make_jwt
from gigs.models import Category
from gigs.tests.factories import GigFactory
from marketplace import urls
from orders.states import Status
from orders.tests.factories import order_in

ROUNDS = 400
WARM = 40
GIGS = 1000
LIMIT = 3.0

Call = Callable[[], tuple[int, bytes]]


def report(say: Callable[[str], None]) -> None:
    freelancers = UserFactory.create_batch(20)
    shelves = list(Category.objects.filter(parent__isnull=False))
    for n in range(GIGS):
        GigFactory(freelancer=freelancers[n % 20], category=shelves[n % len(shelves)])
    order = order_in(Status.SUBMITTED, client=UserFactory(), freelancer=freelancers[0], verifier=an_administrator())
    app = get_wsgi_application()
    anew = override_settings(API_LISTS_KEPT=0)
    reads = {
        "GET /api/gigs": caller(app, "/api/gigs"),
        "… made anew each time": anew(caller(app, "/api/gigs")),
        "GET /api/gigs/{id}": caller(app, f"/api/gigs/{order.gig_id}"),
        "GET /api/orders": caller(app, "/api/orders", order.client),
        "GET /api/orders/{id}": caller(app, f"/api/orders/{order.pk}", order.client),
    }
    bare = NinjaAPI(urls_namespace="bare", docs_url=None, openapi_url=None)
    floors = {name: _floor(bare, app, place, call()[1]) for place, (name, call) in enumerate(reads.items())}
    urls.urlpatterns.append(path("bare/", bare.urls))
    say(f"{GIGS} gigs, {ROUNDS} interleaved rounds, one client; the limit is {LIMIT} ×")
    for name, call in reads.items():
        timings = measure({"bare": floors[name], "read": call})
        bare_ms, read_ms = (statistics.median(timings[each]) * 1000 for each in ("bare", "read"))
        with CaptureQueriesContext(connection) as queries:
            _status, body = call()
        say(
            f"{name:22} {read_ms / bare_ms:5.2f} × bare ({read_ms:.2f} and {bare_ms:.2f} ms)   "
            f"{len(queries):2} queries   {len(body) / 1024:5.1f} kB"
        )


def _floor(bare: NinjaAPI, app: Any, place: int, body: bytes) -> Call:
    """A bare operation that answers as many bytes as this read does."""
    constant = {"items": ["x" * 60] * (len(body) // 64)}

    def read(request: HttpRequest) -> dict[str, Any]:
        return constant

    bare.get(f"{place}")(read)
    return caller(app, f"/bare/{place}")


def caller(app: Any, url: str, user: User | None = None) -> Call:
    """Calls the site as a server does."""
    token = {"HTTP_AUTHORIZATION": f"Bearer {make_jwt(user, lifetime=timedelta(hours=1))}"} if user else {}

    def call() -> tuple[int, bytes]:
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": url,
            "SERVER_NAME": "bench.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            **token,
        }
        response = app(environ, lambda status, headers: said.append(status))
        body = b"".join(response)
        response.close()
        return int(said[0][:3]), body

    return call


def measure(calls: dict[str, Call]) -> dict[str, list[float]]:
    """Seconds of each call, in turns, so that whatever else the machine does falls on all alike."""
    timings: dict[str, list[float]] = {name: [] for name in calls}
    for round_number in range(ROUNDS + WARM):
        for name, call in calls.items():
            started = time.perf_counter()
            status, _body = call()
            spent = time.perf_counter() - started
            if status != 200:
                raise SystemExit(f"{name} answered {status}")
            if round_number >= WARM:
                timings[name].append(spent)
    return timings
