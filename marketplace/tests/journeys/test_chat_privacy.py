"""What somebody wrote and did not send is theirs: the next person at the same computer neither reads nor sends it."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from messaging.models import Message
from messaging.tests.test_conversations import say

from .conftest import follow, wait_until
from .test_chat import write
from .test_chat_comfort import ONLINE

pytestmark = pytest.mark.browser
KEPT = "Object.keys(localStorage).filter(key => /^chat\\.(out|draft)\\./.test(key)).length"


def sit_down(page: Page, person: User) -> None:
    """Somebody else signs in on this computer, in this browser."""
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": page.evaluate("location.origin")}])


@pytest.fixture
def page(page_for, buyer, freelancer, watch) -> Page:
    """The client's window on a computer that others use too: a draft, and a message that was refused and waits for them."""
    watch.expect("WebSocket connection to")
    say(freelancer, buyer, "Which bank is yours?")
    page: Page = page_for(buyer)
    page.goto(f"/messages/with/{freelancer.handle}/")
    expect(page.locator("[data-chat-presence]")).to_be_visible()
    write(page, "my \u202e account")
    expect(page.locator(".bubble--failed")).to_be_visible()
    page.get_by_label("Your message").fill("A draft with a secret")
    assert page.evaluate(KEPT) == 2
    return page


def test_after_sign_out_nothing_of_it_is_kept(page):
    page.locator(".site-header summary").click()
    follow(page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    wait_until(page, lambda: page.evaluate(KEPT) == 0)  # a module does it, which runs after the page is there


def test_where_the_session_ended_elsewhere_the_next_page_forgets(page, watch):
    page.context.clear_cookies()
    page.goto("/orders/")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    wait_until(page, lambda: page.evaluate(KEPT) == 0)  # a module does it, which runs after the page is there


def test_who_sits_down_next_sees_nothing_of_it_and_keeps_what_is_their_own(page, stranger, freelancer):
    sit_down(page, stranger)
    page.evaluate(f"localStorage.setItem('chat.draft.{stranger.pk}.{freelancer.pk}', 'Mine')")
    page.goto(f"/messages/with/{freelancer.handle}/")
    expect(page.get_by_label("Your message")).to_have_value("Mine")
    expect(page.locator(".bubble")).to_have_count(0)
    assert page.evaluate(KEPT) == 1


def test_a_page_left_open_sends_nothing_in_the_name_of_who_sits_down_next(page, buyer, stranger, freelancer, watch, live_server):
    """It reconnects as nobody: the socket is the first person's, the session is not, and the form's token is spent."""
    for part in ("ERR_", "htmx:", "status of 403", "/send/: status 403"):
        watch.expect(part)
    with live_server.away():
        expect(page.locator("[data-chat-status]")).to_contain_text("You are offline")
        write(page, "In my own name")
        expect(page.locator(".bubble--waiting")).to_be_visible()
        sit_down(page, stranger)
    page.evaluate(ONLINE)
    expect(page.locator("[data-chat-status]")).to_contain_text("You are signed out here")
    expect(page.locator(".bubble--waiting")).to_contain_text("In my own name")
    assert not Message.objects.exclude(sender=freelancer).exists()


def test_who_signs_in_again_in_another_tab_comes_back_to_a_page_that_sends_what_waited(page, buyer, freelancer):
    other_tab = page.context.new_page()
    other_tab.goto("/accounts/logout/")
    other_tab.locator("main button[type=submit]").click()
    expect(page.locator("[data-chat-status]")).to_contain_text("You are signed out here")
    expect(page.get_by_role("link", name="Sign in, in another tab")).to_be_visible()
    write(page, "Nothing of this is lost")
    expect(page.locator(".bubble--waiting")).to_be_visible()
    sit_down(page, buyer)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("[data-chat-status]")).to_be_hidden()
    expect(page.locator(".bubble--waiting")).to_have_count(0)
    assert Message.objects.filter(sender=buyer).get().content == "Nothing of this is lost"
