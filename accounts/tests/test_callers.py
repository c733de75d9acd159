"""Who is calling: the first thing that is shown decides, and what is not true opens nothing."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import HASH_SESSION_KEY, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from accounts.callers import Caller, CsrfFailed, How, NotSignedIn, Scope, identify
from accounts.models import ApiKey, User
from accounts.services import deactivate_account, make_key, revoke_key, revoke_session, sign_in
from accounts.session_backend import SessionStore
from accounts.tests.test_sign_in import PASSWORD
from accounts.tokens import make_jwt

pytestmark = pytest.mark.django_db

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def a_request(method: str = "GET", cookies: dict[str, str] | None = None, **headers: str) -> HttpRequest:
    """As the middleware hands it on: with a session, and a user who is asked for when needed."""
    request = RequestFactory().generic(
        method, "/api/me", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    request.COOKIES.update(cookies or {})
    request.session = SessionStore(request.COOKIES.get("sessionid"))
    request.user = SimpleLazyObject(lambda: get_user(request))
    return request


def with_csrf(request: HttpRequest) -> HttpRequest:
    """The same with a CSRF cookie, and its token in the header."""
    token = get_token(request)
    request.COOKIES["csrftoken"] = request.META["CSRF_COOKIE"]
    request.META["HTTP_X_CSRFTOKEN"] = token
    return request


def cookie_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"sessionid": client.session.session_key}


@pytest.fixture
def key(buyer: User) -> tuple[ApiKey, str]:
    return make_key(actor=buyer, name="Bot", scopes=["read", "orders"], password=PASSWORD)


def is_refused(request: HttpRequest) -> bool:
    try:
        identify(request)
    except NotSignedIn:
        return True
    return False


# --- The four ways --------------------------------------------------------------------------------------------------
def test_who_shows_nothing_is_nobody(buyer: User):
    assert identify(a_request()) is None
    assert identify(a_request("POST")) is None
    assert identify(a_request(cookies={"csrftoken": "x", "access_token": ""})) is None


def test_a_bearer_token(buyer: User):
    session = sign_in(email=buyer.email, password=PASSWORD).session
    token = make_jwt(buyer, session=session)
    assert identify(a_request(authorization=f"Bearer {token}")) == Caller(buyer, How.BEARER, session_id=session.pk)
    assert identify(a_request("DELETE", authorization=f"bearer  {make_jwt(buyer)}")) == Caller(buyer, How.BEARER)


def test_a_token_in_the_cookie(buyer: User, settings):
    token = make_jwt(buyer)
    assert identify(a_request(cookies={"access_token": token})) == Caller(buyer, How.COOKIE)
    settings.JWT_COOKIE_NAME = "next_token"
    assert identify(a_request(cookies={"access_token": token})) is None
    assert identify(a_request(cookies={"next_token": token})) == Caller(buyer, How.COOKIE)


def test_a_session(buyer: User):
    assert identify(a_request(cookies=cookie_of(buyer))) == Caller(buyer, How.SESSION)


def test_an_api_key_with_its_scopes(buyer: User, key):
    row, plain = key
    caller = identify(a_request("POST", x_api_key=plain))
    assert caller == Caller(buyer, How.KEY, frozenset({Scope.READ, Scope.ORDERS}), key_id=row.pk)
    assert [caller.may(scope) for scope in Scope] == [True, True, False, False]
    assert caller.name == f"key:{row.pk}"


def test_whoever_is_there_themselves_may_everything(buyer: User):
    caller = identify(a_request(authorization=f"Bearer {make_jwt(buyer)}"))
    assert [caller.may(scope) for scope in Scope] == [True] * 4
    assert caller.name == f"user:{buyer.pk}"


# --- What is shown first decides ------------------------------------------------------------------------------------
def test_the_first_that_is_shown_decides(buyer, freelancer, stranger, moderator, key):
    bearer = f"Bearer {make_jwt(freelancer)}"
    cookies = {"access_token": make_jwt(stranger), **cookie_of(moderator)}
    assert identify(a_request(cookies=cookies, authorization=bearer, x_api_key=key[1])).user == freelancer
    assert identify(a_request(cookies=cookies, x_api_key=key[1])).user == buyer
    assert identify(a_request(cookies=cookies)).user == stranger
    assert identify(a_request(cookies={**cookies, "access_token": ""})).user == moderator


def test_also_when_it_is_wrong(buyer: User, key):
    good = {"access_token": make_jwt(buyer), **cookie_of(buyer)}
    assert is_refused(a_request(cookies=good, authorization="Bearer x", x_api_key=key[1]))
    assert is_refused(a_request(cookies=good, x_api_key="x"))
    assert is_refused(a_request(cookies={**good, "access_token": "x"}))


@pytest.mark.parametrize(
    "header", ["", " ", "Bearer", "Bearer ", "Basic YTpi", "Token {0}", "{0}", "Bearer{0}", "Bearer {0} {0}", "Bearer, {0}", "é"]
)
def test_another_header_is_no_way_in(buyer: User, header: str):
    assert is_refused(a_request(cookies=cookie_of(buyer), authorization=header.format(make_jwt(buyer))))


@pytest.mark.parametrize("plain", ["", "x", "hsk_", "hsk_000000000000_" + "0" * 64])
def test_another_key_is_none(buyer: User, plain: str):
    assert is_refused(a_request(cookies=cookie_of(buyer), x_api_key=plain))


def test_every_refusal_sounds_the_same(buyer: User, stranger: User, key):
    row, plain = key
    session = sign_in(email=buyer.email, password=PASSWORD).session
    ended, old = make_jwt(buyer, session=session), make_jwt(buyer, lifetime=timedelta(hours=-1))
    stale, closed, closed_token = cookie_of(buyer), cookie_of(stranger), make_jwt(stranger)
    revoke_session(actor=buyer, session_id=session.pk)
    revoke_key(actor=buyer, key_id=row.pk)
    deactivate_account(actor=stranger, user=stranger)
    store = SessionStore(stale["sessionid"])
    store[HASH_SESSION_KEY] = "of another password"
    store.save()
    sounds = set()
    for request in (
        a_request(authorization=f"Bearer {ended}"),
        a_request(authorization=f"Bearer {old}"),
        a_request(authorization=f"Bearer {closed_token}"),
        a_request(authorization="Basic x"),
        a_request(cookies={"access_token": ended}),
        a_request("POST", cookies={"access_token": ended}),
        a_request(x_api_key=plain),
        a_request(cookies=closed),
        a_request(cookies=stale),
    ):
        with pytest.raises(NotSignedIn) as refusal:
            identify(request)
        sounds.add((refusal.value.message, refusal.value.code))
    assert {code for _message, code in sounds} == {"not_signed_in"}
    assert len(sounds) == 1


def test_a_visitors_session_is_nobodys(buyer: User):
    store = SessionStore()
    store["cart"] = 1
    store.save()
    assert identify(a_request(cookies={"sessionid": store.session_key})) is None
    assert identify(a_request("POST", cookies={"sessionid": "x" * 32})) is None
    assert identify(a_request(cookies={"sessionid": "\x00"})) is None


# --- CSRF -----------------------------------------------------------------------------------------------------------
@pytest.fixture(params=["cookie", "session"])
def cookies(request, buyer: User) -> dict[str, str]:
    return {"access_token": make_jwt(buyer)} if request.param == "cookie" else cookie_of(buyer)


@pytest.mark.parametrize("method", UNSAFE)
def test_a_browsers_cookie_changes_nothing_without_its_token(cookies, method):
    with pytest.raises(CsrfFailed) as refusal:
        identify(a_request(method, cookies))
    assert refusal.value.code == "csrf_failed"


@pytest.mark.parametrize("method", UNSAFE)
def test_a_browsers_cookie_with_its_token_is_its_person(buyer: User, cookies, method):
    assert identify(with_csrf(a_request(method, cookies))).user == buyer


def test_the_token_of_another_cookie_or_page_is_none(cookies):
    other = with_csrf(a_request("POST", cookies))
    other.META["HTTP_X_CSRFTOKEN"] = get_token(a_request())
    elsewhere = with_csrf(a_request("POST", cookies, origin="https://evil.example.com"))
    for request in (other, elsewhere):
        with pytest.raises(CsrfFailed):
            identify(request)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_needs_none(buyer: User, cookies, method):
    assert identify(a_request(method, cookies)).user == buyer


def test_headers_need_none_since_no_browser_sends_them_unasked(buyer: User, key):
    for request in (a_request("POST", authorization=f"Bearer {make_jwt(buyer)}"), a_request("POST", x_api_key=key[1])):
        assert identify(request).user == buyer


# --- Once a request -------------------------------------------------------------------------------------------------
def test_it_is_asked_once_a_request(buyer: User, key, django_assert_num_queries):
    session = sign_in(email=buyer.email, password=PASSWORD).session
    for request, queries in (
        (a_request(authorization=f"Bearer {make_jwt(buyer, session=session)}"), 1),
        (a_request(x_api_key=key[1]), 2),  # the key's use is noted
        (a_request(x_api_key=key[1]), 1),
        (a_request(), 0),
    ):
        with django_assert_num_queries(queries):
            first = identify(request)
            assert identify(request) is first


def test_the_request_is_theirs_from_then_on(buyer: User, stranger: User):
    request = a_request(cookies=cookie_of(stranger), authorization=f"Bearer {make_jwt(buyer)}")
    identify(request)
    assert request.user == buyer
    nobody = a_request()
    identify(nobody)
    assert isinstance(nobody.user, AnonymousUser)


def test_what_is_refused_leaves_the_request_to_nobody_new(stranger: User):
    request = a_request(authorization="Bearer x")
    assert is_refused(request)
    assert is_refused(request)
    assert request.user.is_anonymous


def test_the_use_of_a_key_is_noted_once_a_minute(key):
    row, plain = key
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as now:
        noted = []
        for seconds in (0, 59, 1, 30):
            now.shift(seconds)
            identify(a_request(x_api_key=plain))
            noted.append(ApiKey.objects.get(pk=row.pk).last_used_at.isoformat()[11:19])
    assert noted == ["12:00:00", "12:00:00", "12:01:00", "12:01:00"]


def test_a_refused_key_is_not_noted(key):
    row, plain = key
    assert is_refused(a_request(x_api_key=plain[:-1] + ("0" if plain[-1] != "0" else "1")))
    assert ApiKey.objects.get(pk=row.pk).last_used_at is None
