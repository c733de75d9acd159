"""What is signed in, and API keys, by the API: one's own alone, and never with a key."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, AuthSession, KeptAnswer, User
from accounts.selectors import find_key, list_auth_sessions, list_keys
from accounts.services import make_key, sign_in
from accounts.tests.api import bearer, code_of, program, with_key
from accounts.tests.test_sign_in import PASSWORD
from conftest import SignIn

pytestmark = pytest.mark.django_db

NEW = {"name": "Book-keeping", "scopes": ["read", "orders"], "password": PASSWORD}
KEYS, SESSIONS = "/api/auth/keys", "/api/auth/sessions"


@pytest.fixture(autouse=True)
def _nobody_has_called():
    cache.clear()


def make(client: Client, **said) -> HttpResponse:
    return client.post(KEYS, {**NEW, **said}, content_type="application/json")


# --- Sessions -------------------------------------------------------------------------------------------------------
def test_the_list_shows_ones_own_programs_and_which_one_asks(buyer: User, stranger: User):
    other = sign_in(email=buyer.email, password=PASSWORD, user_agent="Phone/1", ip="203.0.113.7").session
    sign_in(email=stranger.email, password=PASSWORD)
    client = program(buyer)
    said = client.get(SESSIONS).json()
    assert said["next"] is None
    here, there = said["items"]
    assert there == {
        "id": str(other.pk),
        "user_agent": "Phone/1",
        "ip": "203.0.113.7",
        "created_at": there["created_at"],
        "last_used_at": there["created_at"],
        "expires_at": there["expires_at"],
        "is_current": False,
    }
    assert (here["is_current"], here["id"] != there["id"]) == (True, True)


def test_the_list_is_walked_by_a_cursor_at_the_same_cost(buyer: User, django_assert_num_queries):
    client = bearer(buyer)
    sign_in(email=buyer.email, password=PASSWORD)
    with django_assert_num_queries(3):
        assert len(client.get(SESSIONS).json()["items"]) == 1
    for _program in range(30):
        sign_in(email=buyer.email, password=PASSWORD)
    with django_assert_num_queries(3):
        first = client.get(SESSIONS, {"limit": 20}).json()
    second = client.get(SESSIONS, {"limit": 20, "cursor": first["next"]}).json()
    seen = [row["id"] for row in [*first["items"], *second["items"]]]
    assert (len(first["items"]), len(second["items"]), second["next"]) == (20, 11, None)
    assert seen == [str(row.pk) for row in list_auth_sessions(buyer)]


def test_one_can_be_ended_and_the_token_with_it(buyer: User):
    client, other = program(buyer), program(buyer)
    ended = other.get(SESSIONS).json()["items"][0]
    assert ended["is_current"]
    assert client.delete(f"{SESSIONS}/{ended['id']}").status_code == 204
    assert code_of(other.get("/api/me")) == (401, "not_signed_in")
    assert client.get("/api/me").status_code == 200
    assert client.delete(f"{SESSIONS}/{ended['id']}").status_code == 204


def test_somebody_elses_and_none_are_404(buyer: User, stranger: User):
    session = sign_in(email=buyer.email, password=PASSWORD).session
    client = bearer(stranger)
    assert code_of(client.delete(f"{SESSIONS}/{session.pk}")) == (404, "not_found")
    assert code_of(client.delete(f"{SESSIONS}/{uuid.uuid4()}")) == (404, "not_found")
    assert AuthSession.objects.get().revoked_at is None


# --- Keys -----------------------------------------------------------------------------------------------------------
def test_a_key_is_shown_once_and_opens(buyer: User):
    client = bearer(buyer)
    answer = make(client)
    said = answer.json()
    row = ApiKey.objects.get()
    assert answer.status_code == 201
    assert said == {
        "id": str(row.pk),
        "name": "Book-keeping",
        "prefix": f"hsk_{row.prefix}",
        "scopes": ["read", "orders"],
        "created_at": said["created_at"],
        "last_used_at": None,
        "key": said["key"],
    }
    assert find_key(said["key"]) == row
    listed = client.get(KEYS).json()
    assert listed == {"items": [{name: value for name, value in said.items() if name != "key"}], "next": None}
    assert Client().get("/api/me", headers={"x-api-key": said["key"]}).json()["id"] == str(buyer.pk)


def test_an_idempotency_key_keeps_no_answer_that_holds_a_key(buyer: User):
    ask = {"path": KEYS, "data": NEW, "content_type": "application/json", "headers": {"idempotency-key": "k"}}
    client = bearer(buyer)
    first, again = client.post(**ask), client.post(**ask)
    assert (first.status_code, code_of(again), list(again.json()["fields"])) == (201, (422, "key_refused"), ["name"])
    assert first.json()["key"] not in again.content.decode()
    assert (ApiKey.objects.count(), KeptAnswer.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("said", "field", "code"),
    [
        ({"password": "wrong"}, "password", "wrong_password"),
        ({"scopes": []}, "scopes", "invalid"),
        ({"scopes": ["admin"]}, "scopes.0", "invalid"),
        ({"scopes": "read"}, "scopes", "invalid"),
        ({"name": ""}, "name", "invalid"),
        ({"name": "x" * 61}, "name", "invalid"),
        ({"name": "a\nb"}, "name", "invalid"),
        ({"user": "x"}, "user", "invalid"),
    ],
)
def test_what_is_no_key_is_refused(buyer: User, said, field, code):
    answer = make(bearer(buyer), **said)
    assert (code_of(answer), list(answer.json()["fields"])) == ((422, code), [field])
    assert ApiKey.objects.count() == 0


def test_a_fourth_is_409(buyer: User):
    client = bearer(buyer)
    assert [make(client, name=f"Bot {number}").status_code for number in range(4)] == [201, 201, 201, 409]
    assert code_of(make(client)) == (409, "too_many_keys")
    assert list_keys(buyer).count() == 3


def test_the_password_is_asked_for_five_times_a_minute(buyer: User):
    client = bearer(buyer)
    tried = [make(client, password="wrong").status_code for _time in range(6)]
    assert tried == [422] * 5 + [429]
    assert make(client).status_code == 429
    assert ApiKey.objects.count() == 0


def test_the_password_may_be_wrong_twenty_times_in_an_hour(buyer: User):
    tomorrow, tried = (timezone.now() + timedelta(days=1)).replace(minute=0, second=0), []
    for minute in range(21):
        with time_machine.travel(tomorrow + timedelta(minutes=minute), tick=False):
            tried.append(make(bearer(buyer), password="wrong").status_code)
    assert tried == [422] * 20 + [429]
    with time_machine.travel(tomorrow + timedelta(hours=1), tick=False):
        assert make(bearer(buyer)).status_code == 201


def test_a_revoked_key_opens_nothing(buyer: User):
    client = bearer(buyer)
    said = make(client).json()
    assert client.delete(f"{KEYS}/{said['id']}").status_code == 204
    assert code_of(Client().get("/api/me", headers={"x-api-key": said["key"]})) == (401, "not_signed_in")
    assert client.get(KEYS).json()["items"] == []
    assert client.delete(f"{KEYS}/{said['id']}").status_code == 204


def test_somebody_elses_key_is_404_and_stays(buyer: User, stranger: User):
    key, plain = make_key(actor=buyer, name="Bot", scopes=["read"], password=PASSWORD)
    assert code_of(bearer(stranger).delete(f"{KEYS}/{key.pk}")) == (404, "not_found")
    assert find_key(plain) == key


def test_the_list_of_keys_costs_the_same_for_one_and_for_thirty(buyer: User, django_assert_num_queries):
    User.objects.filter(pk=buyer.pk).update(tier="enterprise")
    client = bearer(buyer)
    for number in range(30):
        make_key(actor=buyer, name=f"Bot {number}", scopes=["read"], password=None)
        if number in (0, 29):
            with django_assert_num_queries(2):
                assert len(client.get(KEYS, {"limit": 50}).json()["items"]) == number + 1


# --- Who may --------------------------------------------------------------------------------------------------------
NOBODYS = "0b5e9c1e-6f6d-4c44-8a0e-1f2a3b4c5d6e"
OPERATIONS = [("get", SESSIONS), ("delete", f"{SESSIONS}/{NOBODYS}"), ("get", KEYS), ("delete", f"{KEYS}/{NOBODYS}")]


@pytest.mark.parametrize(("method", "path"), [*OPERATIONS, ("post", KEYS)])
def test_no_key_and_no_stranger_gets_in(buyer: User, method, path):
    said = {"data": NEW, "content_type": "application/json"} if method == "post" else {}
    assert code_of(getattr(Client(), method)(path, **said)) == (401, "not_signed_in")
    client = with_key(buyer, "read", "orders", "messages", "gigs")
    assert code_of(getattr(client, method)(path, **said)) == (403, "scope_missing")
    assert ApiKey.objects.count() == 1


def test_a_session_of_the_site_gets_in_with_its_csrf_token(buyer: User, sign_in: SignIn):
    assert make(sign_in(buyer)).status_code == 201
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(buyer)
    assert code_of(make(strict)) == (403, "csrf_failed")
    assert ApiKey.objects.count() == 1
