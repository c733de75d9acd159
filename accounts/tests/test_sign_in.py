import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import deactivate_account
from accounts.tests.factories import UserFactory
from accounts.tests.test_sign_up import code_in

PASSWORD = "a long password"


def sign_in_by_form(client: Client, user: User, **more: str):
    return client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD, **more})


def confirm(client: Client) -> None:
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


def code_now(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


@pytest.mark.django_db
class TestSigningIn:
    def test_with_the_right_password_opens_the_orders(self, client: Client, buyer: User):
        assert sign_in_by_form(client, buyer).url == reverse("orders:list")
        assert client.session["_auth_user_id"] == str(buyer.pk)

    def test_takes_the_address_in_any_case(self, client: Client, buyer: User):
        client.post(reverse("account_login"), {"login": "AMARA@Example.com", "password": PASSWORD})
        assert client.session["_auth_user_id"] == str(buyer.pk)

    def test_with_a_wrong_password_and_with_an_unknown_address_say_the_same(self, client: Client, buyer: User):
        wrong = client.post(reverse("account_login"), {"login": buyer.email, "password": "wrong"})
        unknown = client.post(reverse("account_login"), {"login": "nobody@example.com", "password": "wrong"})
        assert wrong.context["form"].non_field_errors() == unknown.context["form"].non_field_errors()
        assert "_auth_user_id" not in client.session

    def test_goes_on_to_the_page_asked_for(self, client: Client, buyer: User):
        assert sign_in_by_form(client, buyer, next="/settings/").url == "/settings/"

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "https:evil.example"])
    def test_never_goes_on_to_another_site(self, client: Client, buyer: User, target):
        assert sign_in_by_form(client, buyer, next=target).url == reverse("orders:list")

    def test_is_refused_for_a_closed_account(self, client: Client, buyer: User):
        deactivate_account(actor=buyer, user=buyer)
        assert sign_in_by_form(client, buyer).url == reverse("account_inactive")
        assert "_auth_user_id" not in client.session

    def test_is_limited_after_many_failures(self, client: Client, buyer: User, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/5m/key"}
        cache.clear()
        for _attempt in range(3):
            client.post(reverse("account_login"), {"login": buyer.email, "password": "wrong"})
        response = sign_in_by_form(client, buyer)
        assert "Too many failed attempts" in response.content.decode()
        assert "_auth_user_id" not in client.session
        cache.clear()

    def test_too_many_requests_answer_429_in_our_design(self, client: Client, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
        cache.clear()
        client.post(reverse("account_login"), {"login": "a@example.com", "password": "x"})
        response = client.post(reverse("account_login"), {"login": "a@example.com", "password": "x"})
        assert (response.status_code, "site-header" in response.content.decode()) == (429, True)
        cache.clear()

    def test_signing_out_needs_a_post(self, client: Client, buyer: User):
        client.force_login(buyer)
        assert client.get(reverse("account_logout")).status_code == 200
        assert "_auth_user_id" in client.session
        client.post(reverse("account_logout"))
        assert "_auth_user_id" not in client.session


@pytest.mark.django_db
class TestSessions:
    def test_the_others_can_be_ended(self, client: Client, buyer: User):
        other = Client()
        sign_in_by_form(other, buyer)
        sign_in_by_form(client, buyer)
        assert UserSession.objects.count() == 2
        client.post(reverse("usersessions_list"))
        assert other.get(reverse("accounts:settings")).status_code == 302
        assert client.get(reverse("accounts:settings")).status_code == 200

    def test_closing_the_account_ends_them(self, client: Client, buyer: User, django_capture_on_commit_callbacks):
        sign_in_by_form(client, buyer)
        with django_capture_on_commit_callbacks(execute=True):
            deactivate_account(actor=buyer, user=buyer)
        assert (client.get(reverse("accounts:settings")).status_code, UserSession.objects.count()) == (302, 0)

    def test_one_in_use_is_noted_once_in_a_while(self, client: Client, buyer: User):
        sign_in_by_form(client, buyer)
        before = UserSession.objects.get().last_seen_at
        client.get(reverse("accounts:settings"))
        assert UserSession.objects.get().last_seen_at == before
        session = client.session
        session["seen_at"] = "2020-01-01T00:00:00+00:00"
        session.save()
        client.get(reverse("accounts:settings"), headers={"user-agent": "Firefox/1"})
        noted = UserSession.objects.get()
        assert (noted.last_seen_at > before, noted.user_agent) == (True, "Firefox/1")


@pytest.mark.django_db
class TestPasswordReset:
    def test_goes_by_a_code_to_a_new_password(self, client: Client, buyer: User):
        assert client.post(reverse("account_reset_password"), {"email": buyer.email}).status_code == 302
        response = client.post(reverse("account_confirm_password_reset_code"), {"code": code_in(mail.outbox[0])})
        assert response.url == reverse("account_complete_password_reset")
        client.post(response.url, {"password1": "plum orbit lantern", "password2": "plum orbit lantern"})
        buyer.refresh_from_db()
        assert buyer.check_password("plum orbit lantern")

    def test_for_an_unknown_address_looks_the_same(self, client: Client, buyer: User):
        known = client.post(reverse("account_reset_password"), {"email": buyer.email})
        unknown = Client().post(reverse("account_reset_password"), {"email": "nobody@example.com"})
        assert (known.status_code, known.url) == (unknown.status_code, unknown.url)

    def test_a_wrong_code_changes_nothing(self, client: Client, buyer: User):
        client.post(reverse("account_reset_password"), {"email": buyer.email})
        response = client.post(reverse("account_confirm_password_reset_code"), {"code": "AAAA-AAAA"})
        assert response.status_code == 200
        buyer.refresh_from_db()
        assert buyer.check_password(PASSWORD)


@pytest.mark.django_db
class TestChangingTheAddress:
    def test_takes_effect_with_the_code_from_the_new_one(self, client: Client, buyer: User):
        sign_in_by_form(client, buyer)
        confirm(client)
        client.post(reverse("account_email"), {"action_add": "1", "email": "new@example.com"})
        buyer.refresh_from_db()
        assert (buyer.email, mail.outbox[-1].to) == ("amara@example.com", ["new@example.com"])
        client.post(reverse("account_email_verification_sent"), {"code": code_in(mail.outbox[-1])})
        buyer.refresh_from_db()
        assert buyer.email == "new@example.com"

    def test_to_somebody_elses_is_refused_also_when_taken_meanwhile(self, client: Client, buyer: User):
        sign_in_by_form(client, buyer)
        confirm(client)
        client.post(reverse("account_email"), {"action_add": "1", "email": "new@example.com"})
        UserFactory(email="new@example.com")
        response = client.post(reverse("account_email_verification_sent"), {"code": code_in(mail.outbox[-1])})
        assert "belongs to an account already" in response.content.decode()
        buyer.refresh_from_db()
        assert buyer.email == "amara@example.com"


@pytest.mark.django_db
class TestSecondFactor:
    def test_an_app_is_set_up_and_then_asked_for(self, client: Client, buyer: User):
        sign_in_by_form(client, buyer)
        confirm(client)
        page = client.get(reverse("mfa_activate_totp"))
        secret = page.context["form"].secret
        response = client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
        assert response.url == reverse("mfa_view_recovery_codes")
        assert client.get(response.url).context["unused_codes"][0] in client.get(response.url).content.decode()

        other = Client()
        assert sign_in_by_form(other, buyer).url == reverse("mfa_authenticate")
        assert "_auth_user_id" not in other.session
        cache.clear()  # a code works once; the next one would be half a minute away
        other.post(reverse("mfa_authenticate"), {"code": code_now(secret)})
        assert other.session["_auth_user_id"] == str(buyer.pk)

    def test_a_wrong_code_does_not_open(self, client: Client, buyer: User):
        TOTP.activate(buyer, generate_totp_secret())
        sign_in_by_form(client, buyer)
        response = client.post(reverse("mfa_authenticate"), {"code": "000000"})
        assert (response.status_code, "_auth_user_id" in client.session) == (200, False)

    def test_a_recovery_code_opens_once(self, client: Client, buyer: User):
        TOTP.activate(buyer, generate_totp_secret())
        code = RecoveryCodes.activate(buyer).get_unused_codes()[0]
        sign_in_by_form(client, buyer)
        client.post(reverse("mfa_authenticate"), {"code": code})
        assert client.session["_auth_user_id"] == str(buyer.pk)
        again = Client()
        sign_in_by_form(again, buyer)
        again.post(reverse("mfa_authenticate"), {"code": code})
        assert "_auth_user_id" not in again.session

    def test_turning_it_off_asks_for_the_password_again_when_sign_in_was_long_ago(self, client: Client, buyer: User):
        TOTP.activate(buyer, generate_totp_secret())
        client.force_login(buyer)
        response = client.get(reverse("mfa_deactivate_totp"))
        assert response.url.startswith(reverse("account_reauthenticate"))
        confirm(client)
        client.post(reverse("mfa_deactivate_totp"))
        assert Authenticator.objects.count() == 0

    def test_passkey_sign_in_offers_a_challenge_and_refuses_rubbish(self, client: Client):
        reply = client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"}).json()
        assert reply["request_options"]["publicKey"]["challenge"]
        for rubbish in ("{}", "null", "[]", "not json", '{"id": 1}', '{"id": "AAAA"}', '{"rawId": "AAAA", "id": "AAAA"}'):
            response = client.post(reverse("mfa_login_webauthn"), {"credential": rubbish})
            assert (response.status_code, "_auth_user_id" in client.session) == (302, False)
