import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.session_backend import SessionStore


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
