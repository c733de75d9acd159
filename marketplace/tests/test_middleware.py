"""What every answer carries, whichever page it is."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from conftest import SignIn

PRIVATE = "private, no-store"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["home", "gigs:list", "accounts:settings", "orders:list", "messaging:notifications"])
def test_a_signed_in_persons_pages_are_kept_by_no_cache(name: str, buyer: User, sign_in: SignIn):
    response = sign_in(buyer).get(reverse(name))
    assert (response.status_code, response.headers["Cache-Control"]) == (200, PRIVATE)


@pytest.mark.django_db
def test_a_refusal_to_a_signed_in_person_is_kept_by_no_cache(buyer: User, sign_in: SignIn):
    response = sign_in(buyer).get("/gigs/00000000-0000-4000-8000-000000000000/edit/")
    assert (response.status_code, response.headers["Cache-Control"]) == (404, PRIVATE)


@pytest.mark.django_db
def test_what_a_view_says_about_caching_stands_and_asks_for_nobody(client: Client, buyer: User, sign_in: SignIn):
    counts = []
    for visitor in (client, sign_in(buyer)):
        with CaptureQueriesContext(connection) as queries:
            response = visitor.get(reverse("accounts:initial", args=[buyer.handle]))
        counts.append(len(queries))
        assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert counts == [1, 1]


@pytest.mark.django_db
@pytest.mark.parametrize("cookie", ["", "sessionid=abcdefghijklmnopqrstuvwxyz012345"])
def test_a_strangers_page_may_be_kept_and_asks_for_nobody(client: Client, cookie: str):
    with CaptureQueriesContext(connection) as queries:
        response = client.get(reverse("home"), headers={"cookie": cookie} if cookie else None)
    assert (response.status_code, response.has_header("Cache-Control")) == (200, False)
    asked = [query["sql"] for query in queries if re.search(r'FROM "(accounts_user|django_session)"', query["sql"])]
    assert len(asked) == bool(cookie)  # whether that session exists


@pytest.mark.django_db
def test_a_request_for_another_host_is_refused_with_the_policy(client: Client, settings):
    settings.SECURE_SSL_REDIRECT = True
    response = client.get("/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_the_icon_that_browsers_ask_for_by_themselves_asks_for_nobody(buyer: User, sign_in: SignIn):
    browser = sign_in(buyer)
    with CaptureQueriesContext(connection) as queries:
        response = browser.get("/favicon.ico")
    assert (response.status_code, b"".join(response)[:4], len(queries)) == (200, b"\0\0\1\0", 0)
