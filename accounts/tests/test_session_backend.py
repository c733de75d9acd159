import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import deactivate_account
from accounts.session_backend import SessionStore, group_of_session, user_of_session
from marketplace.realtime import RECHECK, group_of


@pytest.mark.once
@pytest.mark.parametrize("key", [None, "", "short", "\x00abcdefgh", "abcdefgh\n", "ABCDEFGH", "abc-defgh", "é" * 8, "a" * 41])
def test_a_key_this_site_cannot_have_made_is_none(key):
    assert SessionStore(key).session_key is None


@pytest.mark.django_db
def test_a_cookie_with_an_escaped_nul_is_a_stranger(client: Client):
    cookie = f'{settings.SESSION_COOKIE_NAME}="\\000abcdefgh"'
    assert client.get(reverse("home"), headers={"cookie": cookie}).status_code == 200
    assert client.get(reverse("accounts:settings"), headers={"cookie": cookie}).status_code == 302
    assert Session.objects.count() == 0


@pytest.mark.django_db
def test_a_session_begins_is_listed_and_is_ended_from_another_one(buyer: User):
    here, there = Client(), Client()
    for client in (here, there):
        client.post(reverse("account_login"), {"login": buyer.email, "password": "a long password"})
        assert client.get(reverse("accounts:settings")).status_code == 200
    assert UserSession.objects.filter(user=buyer).count() == 2
    here.post(reverse("usersessions_list"))  # signs out everywhere else
    assert here.get(reverse("accounts:settings")).status_code == 200
    assert there.get(reverse("accounts:settings")).status_code == 302
    assert [session.session_key for session in UserSession.objects.all()] == [here.session.session_key]


# --- For who is no request ------------------------------------------------------------------------------------------
@pytest.fixture
def session_key(buyer: User, client: Client) -> str:
    client.force_login(buyer)
    return client.session.session_key


@pytest.fixture
def pushed(monkeypatch) -> list[tuple[str, str]]:
    """What is pushed, as (group, type), instead of pushing it."""
    sent: list[tuple[str, str]] = []
    for module in ("session_backend", "services.access"):
        monkeypatch.setattr(f"accounts.{module}.publish", lambda group, event: sent.append((group, event["type"])))
    return sent


def test_a_session_is_its_persons_while_they_are_signed_in(buyer, client, session_key):
    assert user_of_session(session_key) == buyer
    client.logout()
    assert user_of_session(session_key) is None


def test_a_session_of_nobody_is_nobodys(client, db):
    client.get(reverse("account_login"))
    for key in ("", "abcdefgh12345678", "\x00abcdefgh", client.session.session_key or ""):
        assert user_of_session(key) is None


def test_a_session_ends_with_its_password_and_with_its_account(buyer, session_key):
    buyer.set_password("another long password")
    buyer.save()
    assert user_of_session(session_key) is None
    buyer.set_password("a long password")
    buyer.save()
    client = Client()
    client.force_login(buyer)
    buyer.is_active = False
    buyer.save()
    assert user_of_session(client.session.session_key) is None


def test_a_session_that_has_run_out_is_nobodys(buyer, client, session_key):
    session = client.session
    session.set_expiry(-1)
    session.save()
    assert user_of_session(session_key) is None


def test_a_session_under_an_earlier_secret_is_good_and_keeps_its_key(buyer, session_key, settings):
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "another secret of fifty characters and some more 0123",
    )
    assert user_of_session(session_key) == buyer
    assert Session.objects.filter(pk=session_key).exists()
    settings.SECRET_KEY_FALLBACKS = []
    assert user_of_session(session_key) is None


def test_the_sockets_of_a_session_hear_of_its_end_under_a_name_that_is_not_its_key(client, session_key, pushed):
    client.logout()
    assert pushed == [(group_of_session(session_key), RECHECK)]
    assert session_key not in group_of_session(session_key)


def test_every_socket_of_a_closed_account_hears_of_it(buyer, pushed, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        deactivate_account(actor=buyer, user=buyer)
    assert pushed == [(group_of(buyer.pk), RECHECK)]
