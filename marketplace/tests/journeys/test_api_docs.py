"""The page to try the API, as a person has it: in both colour schemes, under the site's policy, with their own session."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = [(1440, "light"), (390, "dark")]
SLOW = 30_000  # a hundred operations are a lot to draw
# What Swagger UI makes is its own; what it looks like is ours.
AXE_PAGE = "axe.run({exclude: ['#api']}, {resultTypes: ['violations'], preload: false}).then(results => results.violations)"
AXE_LOOKS = "axe.run('#api', {runOnly: ['color-contrast'], preload: false}).then(results => results.violations)"


def open_operation(page: Page, heading: str, name: str) -> None:
    page.goto("/api/docs", wait_until="commit")
    section = page.locator(f"#operations-tag-{heading}")
    expect(section).to_be_visible(timeout=SLOW)
    section.click()
    operation = page.locator(f"#operations-{heading}-{name}")
    operation.locator(".opblock-summary-control").click(timeout=SLOW)
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()


@pytest.fixture
def person(db: None) -> User:
    return UserFactory(email="amara@example.com", full_name="Amara Okafor", handle="amara")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_an_operation_is_opened_and_tried(page_for, person: User, look: tuple[int, str]):
    width, scheme = look
    gig = GigFactory(title="I will draw your logo")
    page = page_for(person, width=width, scheme=scheme)
    open_operation(page, "gigs", "gigs_list")
    answer = page.locator(".live-responses-table .response").first
    expect(answer.locator(".response-col_status")).to_contain_text("200", timeout=SLOW)
    expect(answer).to_contain_text(str(gig.pk))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("document.documentElement.classList.contains('dark-mode')") == (scheme == "dark")
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(AXE_PAGE) + page.evaluate(AXE_LOOKS)
    assert [(violation["id"], node["html"][:120]) for violation in found for node in violation["nodes"]] == []


def test_a_write_goes_by_the_session_of_the_page(page_for, person: User):
    page = page_for(person)
    open_operation(page, "notifications", "notifications_acknowledge_all")
    answer = page.locator(".live-responses-table .response").first
    expect(answer.locator(".response-col_status")).to_contain_text("200", timeout=SLOW)


def test_the_colours_follow_the_choice_of_the_visitor(page_for):
    page = page_for(scheme="light")
    page.goto("/api/docs", wait_until="commit")
    expect(page.locator(".opblock-tag").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("What you try here is real")).to_have_count(0)
    page.locator("[data-theme-toggle]").first.click()
    expect(page.locator("html.dark-mode")).to_have_count(1)


def test_without_scripts_the_page_says_what_it_needs(page_for):
    page = page_for(javascript=False)
    page.goto("/api/docs", wait_until="commit")
    expect(page.get_by_text("Without JavaScript there is the description")).to_be_visible()
    expect(page.get_by_role("link", name="The description for programs")).to_have_attribute("href", "/api/openapi.json")
