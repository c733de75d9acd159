"""Joining the site: sign-up with the code from the mail, a passkey, and signing in with it."""

import re

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from accounts.models import User

from .conftest import follow

pytestmark = pytest.mark.browser


def with_a_key(page: Page) -> None:
    """Give the browser a device that proves its owner without being touched."""
    protocol = page.context.new_cdp_session(page)
    protocol.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_visitor_signs_up_adds_a_passkey_and_signs_in_with_it(page_for, axe):
    page = page_for(fresh=True)
    with_a_key(page)
    page.goto("/accounts/signup/")
    page.get_by_label("Full name").fill("Nia Né")
    page.get_by_label("E-mail").fill("nia@example.com")
    page.get_by_label("Password").fill("plum orbit lantern")
    follow(page.get_by_role("button", name="Create my account"))

    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    code = re.search(r"^[A-Z0-9]{4}-[A-Z0-9]{4}$", str(mail.outbox[0].body), re.MULTILINE)
    page.get_by_label("Code from the mail").fill(code.group())
    follow(page.get_by_role("button", name="Go on"))
    expect(page).to_have_url(re.compile("/orders/"))
    assert User.objects.get().handle == "nia-ne"

    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill("plum orbit lantern")
    follow(page.get_by_role("button", name="Confirm"))
    axe(page)
    page.get_by_label("Name").fill("My phone")
    follow(page.get_by_role("button", name="Add this key"))
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    axe(page)
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_text("My phone").first).to_be_visible()
    axe(page)

    page.goto("/accounts/logout/")
    follow(page.locator("main").get_by_role("button", name="Sign out"))
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile("/orders/"))

    page.goto("/accounts/logout/")
    follow(page.locator("main").get_by_role("button", name="Sign out"))
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill("nia@example.com")
    page.get_by_label("Password").fill("plum orbit lantern")
    follow(page.get_by_role("button", name="Sign in", exact=True))
    axe(page)
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page).to_have_url(re.compile("/orders/"))


def test_the_time_zone_of_the_browser_is_chosen_in_advance(page_for):
    page = page_for(time_zone="Africa/Lagos")
    page.goto("/accounts/signup/")
    expect(page.get_by_label("Time zone")).to_have_value("Africa/Lagos")


def test_signing_up_works_without_script(page_for):
    page = page_for(javascript=False)
    page.goto("/accounts/signup/")
    page.get_by_label("Full name").fill("Nia")
    page.get_by_label("E-mail").fill("nia@example.com")
    page.get_by_label("Password").fill("plum orbit lantern")
    follow(page.get_by_role("button", name="Create my account"))
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    page.goto("/accounts/login/")
    assert page.get_by_role("button", name="Sign in with a passkey").count() == 0
