import re

import pytest
from allauth.account.models import EmailAddress
from allauth.core.context import request_context
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.forms import SignUpForm
from accounts.models import User
from accounts.tests.factories import UserFactory

SIGN_UP = {
    "full_name": "Zoë Østergård",
    "email": "Zoe@Example.com",
    "password1": "plum orbit lantern",
    "time_zone": "Europe/Oslo",
}


class CountingHasher(MD5PasswordHasher):
    hashed: list[str] = []

    def encode(self, password: str, salt: str) -> str:
        self.hashed.append(password)
        return super().encode(password, salt)


def code_in(message: mail.EmailMessage) -> str:
    found = re.search(r"^([A-Z0-9]{3,}-?[A-Z0-9]{3,})$", str(message.body), re.MULTILINE)
    assert found, message.body
    return found.group(1)


@pytest.mark.django_db
class TestSigningUp:
    def test_goes_from_the_form_through_the_code_in_the_mail_to_being_signed_in(self, client: Client):
        response = client.post(reverse("account_signup"), SIGN_UP)
        assert response.url == reverse("account_email_verification_sent")
        assert [message.to for message in mail.outbox] == [["zoe@example.com"]]
        person = User.objects.get()
        assert (person.email, person.full_name, person.handle, person.time_zone) == (
            "zoe@example.com",
            "Zoë Østergård",
            "zoe-ostergard",
            "Europe/Oslo",
        )
        assert "_auth_user_id" not in client.session

        response = client.post(reverse("account_email_verification_sent"), {"code": code_in(mail.outbox[0])})
        assert response.url == reverse("orders:list")
        assert client.session["_auth_user_id"] == str(person.pk)
        assert EmailAddress.objects.get().verified is True

    @pytest.mark.parametrize("known", [True, False])
    def test_nobody_joins_under_the_name_of_the_site_and_nobody_learns_which_addresses_are_known(self, client: Client, known):
        if known:
            UserFactory(email="zoe@example.com")
        response = client.post(reverse("account_signup"), {**SIGN_UP, "full_name": "Handsel Support"})
        assert response.context["form"].errors == {"full_name": ["This name is kept for the site itself. Write your own name."]}
        assert (User.objects.count(), mail.outbox) == (int(known), [])

    def test_a_wrong_code_shows_the_form_again_and_proves_nothing(self, client: Client):
        client.post(reverse("account_signup"), SIGN_UP)
        response = client.post(reverse("account_email_verification_sent"), {"code": "AAAA-AAAA"})
        assert response.status_code == 200
        assert "This code is not right" in response.content.decode()
        assert EmailAddress.objects.get().verified is False

    def test_a_new_code_can_be_asked_for(self, client: Client):
        client.post(reverse("account_signup"), SIGN_UP)
        client.post(reverse("account_email_verification_sent"), {"action": "resend"})
        assert len(mail.outbox) == 2
        assert code_in(mail.outbox[0]) != code_in(mail.outbox[1])

    def test_with_a_known_address_looks_the_same_and_tells_its_owner_by_mail(self, client: Client):
        UserFactory(email="zoe@example.com")
        response = client.post(reverse("account_signup"), SIGN_UP)
        assert response.url == reverse("account_email_verification_sent")
        assert User.objects.count() == 1
        assert [(message.to, "reset" in message.body) for message in mail.outbox] == [(["zoe@example.com"], True)]

    def test_takes_the_same_time_over_a_known_address_as_over_a_new_one(self, client: Client, settings):
        UserFactory(email="known@example.com")
        settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
        for email in ("new@example.com", "known@example.com"):
            CountingHasher.hashed.clear()
            Client().post(reverse("account_signup"), {**SIGN_UP, "email": email})
            assert (email, CountingHasher.hashed) == (email, [SIGN_UP["password1"]])

    def test_with_an_address_taken_a_moment_ago_is_answered_like_a_known_one(self, client: Client):
        request = client.get(reverse("account_signup")).wsgi_request
        with request_context(request):
            form = SignUpForm(SIGN_UP)
            assert form.is_valid(), form.errors
            UserFactory(email="zoe@example.com")
            person, response = form.try_save(request)
        assert (person, response.url, User.objects.count()) == (None, reverse("account_email_verification_sent"), 1)

    @pytest.mark.parametrize("name", ["Eve\nBcc: x@example.com", "Eve\u202emoc", "Eve\x00", "Eve\u200b"])
    def test_refuses_line_breaks_and_unseen_characters_in_the_name(self, client: Client, name):
        response = client.post(reverse("account_signup"), {**SIGN_UP, "full_name": name})
        assert (response.status_code, User.objects.count(), mail.outbox) == (200, 0, [])
        assert response.context["form"].errors["full_name"]
        assert response.context["form"]["email"].value() == "Zoe@Example.com"

    @pytest.mark.parametrize("password", ["short", "password1234", "1234567890123", "Zoë Østergård", "zoe@example.com"])
    def test_refuses_weak_passwords(self, client: Client, password):
        response = client.post(reverse("account_signup"), {**SIGN_UP, "password1": password})
        assert (response.status_code, User.objects.count()) == (200, 0)
        assert response.context["form"].errors["password1"]

    def test_refuses_an_unknown_time_zone(self, client: Client):
        response = client.post(reverse("account_signup"), {**SIGN_UP, "time_zone": "Mars/Olympus"})
        assert (response.status_code, User.objects.count()) == (200, 0)
        assert response.context["form"].errors["time_zone"]

    def test_accepts_the_old_name_of_a_zone_as_browsers_tell_it(self, client: Client):
        client.post(reverse("account_signup"), {**SIGN_UP, "time_zone": "US/Pacific"})
        assert User.objects.get().time_zone == "US/Pacific"

    def test_says_where_mail_goes_while_trying_out(self, client: Client, settings):
        settings.DEBUG = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
        settings.EMAIL_FILE_PATH = "/srv/site/var/mail"
        assert "/srv/site/var/mail" in client.get(reverse("account_signup")).content.decode()
        settings.DEBUG = False
        assert "/srv/site/var/mail" not in client.get(reverse("account_signup")).content.decode()

    def test_refuses_to_go_on_to_another_site(self, client: Client):
        client.post(reverse("account_signup"), {**SIGN_UP, "next": "https://evil.example/"})
        response = client.post(reverse("account_email_verification_sent"), {"code": code_in(mail.outbox[0])})
        assert response.url == reverse("orders:list")

    def test_two_people_of_the_same_name_both_get_a_handle(self, client: Client):
        client.post(reverse("account_signup"), SIGN_UP)
        Client().post(reverse("account_signup"), {**SIGN_UP, "email": "other@example.com"})
        assert sorted(User.objects.values_list("handle", flat=True)) == ["zoe-ostergard", "zoe-ostergard-2"]


@pytest.mark.django_db
class TestMailThatCannotBeSent:
    @pytest.fixture(autouse=True)
    def no_mail_server(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1

    def test_at_sign_up_is_said_plainly_and_sign_in_sends_a_new_code(self, client: Client, settings):
        response = client.post(reverse("account_signup"), SIGN_UP)
        assert response.status_code == 503
        assert "The mail could not be sent" in response.content.decode()
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert client.get(reverse("account_login")).status_code == 200
        response = client.post(reverse("account_login"), {"login": SIGN_UP["email"], "password": SIGN_UP["password1"]})
        assert response.url == reverse("account_email_verification_sent")
        response = client.post(response.url, {"code": code_in(mail.outbox[0])})
        assert client.session["_auth_user_id"] == str(User.objects.get().pk)

    def test_at_a_password_reset_is_said_plainly(self, client: Client, buyer: User):
        response = client.post(reverse("account_reset_password"), {"email": buyer.email})
        assert response.status_code == 503
        assert "The mail could not be sent" in response.content.decode()

    def test_does_not_stop_a_password_change(self, client: Client, buyer: User):
        client.post(reverse("account_login"), {"login": buyer.email, "password": "a long password"})
        passwords = {"oldpassword": "a long password", "password1": "plum orbit lantern", "password2": "plum orbit lantern"}
        response = client.post(reverse("account_change_password"), passwords)
        assert response.status_code == 302
        assert User.objects.get(pk=buyer.pk).check_password("plum orbit lantern")
