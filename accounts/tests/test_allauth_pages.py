"""No page of allauth may be seen in its own bare clothes, and none may carry what the content security policy forbids."""

import re

import pytest
from allauth import urls as allauth_urls
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.template.loader import get_template
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from accounts.models import User
from accounts.tests.factories import UserFactory
from accounts.tests.test_sign_in import PASSWORD, confirm, sign_in_by_form
from accounts.tests.test_sign_up import SIGN_UP
from accounts.tests.virtual_key import register_key

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son[a-z]+=|=.javascript:", re.IGNORECASE)
BARE = re.compile(r"\sstyle=|<strong>Menu:|<p>\s*<label")

FOR_ANYBODY = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_inactive",
    "account_password_reset_completed",
]
FOR_THE_SIGNED_IN = [
    "account_logout",
    "account_email",
    "account_change_password",
    "account_reauthenticate",
    "mfa_index",
    "mfa_list_webauthn",
    "usersessions_list",
]
AFTER_CONFIRMING = ["mfa_activate_totp", "mfa_add_webauthn"]
WITH_A_SECOND_FACTOR = [
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_deactivate_totp",
    "mfa_generate_recovery_codes",
    "mfa_view_recovery_codes",
    "mfa_list_webauthn",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
]
IN_THE_MIDDLE_OF_SOMETHING = [
    "account_email_verification_sent",
    "account_confirm_password_reset_code",
    "account_complete_password_reset",
    "mfa_authenticate",
]
NEVER_A_PAGE = [
    "account_set_password",  # only for people without a password, and everybody here has one
    "account_confirm_login_code",  # sign-in by mail alone is off
    "mfa_login_webauthn",  # data for the sign-in page, or a redirect to it
    "mfa_download_recovery_codes",  # a text file
]


def check(response) -> None:
    html = response.content.decode()
    assert response.status_code == 200
    assert (html.count('<header class="site-header"'), html.count("<h1")) == (1, 1)
    assert INLINE.findall(html) == []
    assert "Content-Security-Policy" in response.headers


def names_in(patterns) -> set[str]:
    names: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            names |= names_in(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            names.add(pattern.name)
    return names


def test_every_address_of_allauth_stands_in_one_of_these_lists():
    listed = {
        *FOR_ANYBODY,
        *FOR_THE_SIGNED_IN,
        *AFTER_CONFIRMING,
        *WITH_A_SECOND_FACTOR,
        *IN_THE_MIDDLE_OF_SOMETHING,
        *NEVER_A_PAGE,
    }
    assert names_in(allauth_urls.urlpatterns) == listed


@pytest.mark.django_db
@pytest.mark.parametrize("name", FOR_ANYBODY)
def test_pages_for_anybody(client: Client, name):
    check(client.get(reverse(name)))


@pytest.mark.django_db
@pytest.mark.parametrize("name", FOR_THE_SIGNED_IN)
def test_pages_for_the_signed_in(client: Client, buyer: User, name):
    assert client.get(reverse(name)).status_code == 302
    sign_in_by_form(client, buyer)
    check(client.get(reverse(name)))


@pytest.mark.django_db
@pytest.mark.parametrize("name", AFTER_CONFIRMING)
def test_pages_after_confirming_the_password(client: Client, buyer: User, name):
    sign_in_by_form(client, buyer)
    assert client.get(reverse(name)).url.startswith(reverse("account_reauthenticate"))
    confirm(client)
    check(client.get(reverse(name)))


@pytest.mark.django_db
@pytest.mark.parametrize("name", WITH_A_SECOND_FACTOR)
def test_pages_with_a_second_factor(client: Client, buyer: User, name):
    TOTP.activate(buyer, generate_totp_secret())
    RecoveryCodes.activate(buyer)
    key = register_key(buyer)
    client.force_login(buyer)
    confirm(client)
    check(client.get(reverse(name, args=[key.pk] if name in ("mfa_edit_webauthn", "mfa_remove_webauthn") else [])))


@pytest.mark.django_db
class TestPagesInTheMiddleOfSomething:
    def test_the_code_of_a_sign_up(self, client: Client):
        client.post(reverse("account_signup"), SIGN_UP)
        check(client.get(reverse("account_email_verification_sent")))
        check(client.get(reverse("account_login"), follow=True))

    def test_the_code_and_the_new_password_of_a_reset(self, client: Client, buyer: User):
        client.post(reverse("account_reset_password"), {"email": buyer.email})
        check(client.get(reverse("account_confirm_password_reset_code")))
        session = client.session
        code = session["account_password_reset_verification"]["code"]
        client.post(reverse("account_confirm_password_reset_code"), {"code": code})
        check(client.get(reverse("account_complete_password_reset")))

    def test_the_second_step_of_a_sign_in(self, client: Client, buyer: User):
        TOTP.activate(buyer, generate_totp_secret())
        register_key(buyer)
        sign_in_by_form(client, buyer)
        page = client.get(reverse("mfa_authenticate"))
        check(page)
        assert 'data-webauthn="get"' in page.content.decode()

    def test_a_change_of_address_under_way(self, client: Client, buyer: User):
        sign_in_by_form(client, buyer)
        confirm(client)
        client.post(reverse("account_email"), {"action_add": "1", "email": "new@example.com"})
        check(client.get(reverse("account_email_verification_sent")))
        buyer.emailaddress_set.create(email="newer@example.com", verified=False)
        check(client.get(reverse("account_email")))

    def test_they_lead_elsewhere_when_nothing_is_under_way(self, client: Client):
        for name in IN_THE_MIDDLE_OF_SOMETHING:
            assert client.get(reverse(name)).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password", "account_change_password"])
def test_forms_with_errors_keep_the_rules_too(client: Client, buyer: User, name):
    if name == "account_change_password":
        client.force_login(buyer)
    response = client.post(reverse(name), {"email": "no address", "login": "no address", "full_name": "<b>Eve</b>"})
    check(response)
    assert "<b>Eve</b>" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "template",
    [
        "account/email.html",
        "account/email_confirm.html",
        "account/signup_closed.html",
        "account/verification_sent.html",
        "account/password_reset_done.html",
        "account/password_set.html",
        "account/verified_email_required.html",
        "mfa/trust.html",
    ],
)
def test_templates_that_no_present_setting_shows_wear_the_sites_clothes_too(template, rf, buyer: User):
    request = rf.get("/")
    request.user = buyer
    html = get_template(template).render({"user": buyer}, request)
    assert '<header class="site-header"' in html
    assert BARE.findall(html) == []


@pytest.mark.django_db
def test_a_passkey_page_hands_its_options_over_in_an_attribute(client: Client, buyer: User):
    sign_in_by_form(client, buyer)
    confirm(client)
    html = client.get(reverse("mfa_add_webauthn")).content.decode()
    assert re.search(r'data-options="\{&quot;publicKey&quot;: \{&quot;rp&quot;', html)
    assert f'src="{settings.STATIC_URL}js/webauthn.js"' in html


@pytest.mark.django_db
def test_recovery_codes_download_as_plain_text(client: Client, buyer: User):
    TOTP.activate(buyer, generate_totp_secret())
    codes = RecoveryCodes.activate(buyer).get_unused_codes()
    client.force_login(buyer)
    confirm(client)
    response = client.get(reverse("mfa_download_recovery_codes"))
    assert (response.headers["Content-Type"].split(";")[0], response.content.decode().split()) == ("text/plain", codes)


@pytest.mark.django_db
def test_nobody_sees_anothers_keys(client: Client, buyer: User):
    key = register_key(UserFactory())
    client.force_login(buyer)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.get(reverse("mfa_edit_webauthn", args=[key.pk])).status_code == 404
    assert client.post(reverse("mfa_remove_webauthn", args=[key.pk])).status_code == 404
