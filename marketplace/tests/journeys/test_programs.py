"""What is signed in, and API keys: made, copied and revoked in a browser, with script and without."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import ApiKey, AuthSession, User
from accounts.selectors import find_key, list_auth_sessions, list_keys
from accounts.services import make_key, sign_in
from accounts.tests.factories import UserFactory

from .conftest import follow
from .test_every_page import COLOURS_STAND, LONG_NAME, LOOKS, confirm

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

KEYS, NEW, SESSIONS = (reverse(f"accounts:{name}") for name in ("keys", "key_create", "sessions"))
LONG_PROGRAM = "Haushaltsbuch-Synchronisierungsdienst/4.11.2-beta (+https://buch.example/" + "x" * 120 + ")"


@pytest.fixture
def person() -> User:
    return UserFactory(full_name=LONG_NAME, tier=User.Tier.PRO)


def fill_in(page: Page, name: str) -> None:
    page.goto(NEW)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Read everything of mine").check()
    follow(page.get_by_role("button", name="Make it"))


def test_a_key_is_made_copied_and_revoked(page_for, live_server, person: User):
    page = page_for(person, fresh=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page.goto(KEYS)
    follow(page.get_by_role("link", name="Make a key"))
    page.fill("main [name=password]", "a long password")
    follow(page.get_by_role("button", name="Confirm"))
    fill_in(page, "Bookkeeping")
    page.get_by_role("button", name="Copy Key").click()
    expect(page.locator("[data-copy-words]")).to_have_text("Copied")
    plain = page.evaluate("navigator.clipboard.readText()")
    assert find_key(plain) == ApiKey.objects.get()
    follow(page.get_by_role("link", name="I have copied it"))
    page.get_by_role("button", name="Revoke Bookkeeping").click()
    dialog = page.get_by_role("dialog", name="Revoke “Bookkeeping”?")
    dialog.get_by_role("button", name="Close").click()
    assert find_key(plain) is not None
    page.get_by_role("button", name="Revoke Bookkeeping").click()
    follow(dialog.get_by_role("button", name="Revoke it"))
    expect(page.get_by_text("No key yet")).to_be_visible()
    assert find_key(plain) is None


def test_all_of_it_works_without_script(page_for, person: User):
    page = page_for(person, javascript=False)
    confirm(page)
    fill_in(page, "Bookkeeping")
    plain = page.locator("#key").inner_text()
    assert find_key(plain) == ApiKey.objects.get()
    follow(page.get_by_role("link", name="I have copied it"))
    follow(page.get_by_role("button", name="Revoke Bookkeeping"))
    expect(page).to_have_url(KEYS)
    assert list_keys(person).count() == 0
    sign_in(email=person.email, password="a long password", user_agent="Pocket/2.1")
    page.goto(SESSIONS)
    follow(page.get_by_role("button", name="End Pocket/2.1"))
    expect(page).to_have_url(SESSIONS)
    assert (list_auth_sessions(person).count(), AuthSession.objects.count()) == (0, 1)


def test_long_names_and_ten_keys_fit_and_are_accessible(page_for, axe, watch, person: User):
    watch.expect("422")
    page = page_for(person)
    confirm(page)
    seen = [look(page, axe, path) for path in (KEYS, SESSIONS)]
    for number in range(9):
        name = ("W" * 57 if number == 4 else "Haushaltsbuch der Familie") + f" {number}"
        make_key(actor=person, name=name, scopes=["read", "orders", "messages", "gigs"][: number % 4 + 1], password=None)
    for program, ip in ((LONG_PROGRAM, "2001:db8:85a3:8d3:1319:8a2e:370:7348"), ("", None)):
        sign_in(email=person.email, password="a long password", user_agent=program, ip=ip)
    seen += [look(page, axe, path) for path in (KEYS, SESSIONS)]
    page.goto(NEW)
    follow(page.get_by_role("button", name="Make it"))  # with what is missing said
    seen.append(look(page, axe))
    fill_in(page, "M" * 60)
    seen.append(look(page, axe))
    page.goto(KEYS)
    page.get_by_role("button", name="Revoke M").click()
    seen.append(look(page, axe))
    assert seen == [True] * 7


def look(page: Page, axe, path: str = "") -> bool:
    """Whether the page fits the window, narrow and wide; axe complains by itself."""
    if path:
        page.goto(path)
    fits = []
    for width, scheme in LOOKS[0] + LOOKS[1]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(COLOURS_STAND)
        axe(page)
        fits.append(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
    return all(fits)
