"""A visitor on a phone comes from the front page to a gig that fits."""

from decimal import Decimal

import pytest
from playwright.sync_api import Route, expect

from accounts.tests.factories import UserFactory
from gigs.tests.factories import CategoryFactory, GigFactory

from .conftest import follow, wait_until

pytestmark = pytest.mark.browser


def test_a_visitor_on_a_phone_narrows_the_gigs_down(page_for):
    shelf = CategoryFactory(name="Painting", parent=None)
    for days in range(1, 9):
        GigFactory(title=f"Painting in {days} days", category=shelf, delivery_days=days, price=Decimal(10 * days), currency="EUR")
    page = page_for(width=390)

    page.goto("/")
    newest = page.get_by_role("region", name="Newest gigs")
    assert newest.bounding_box()["height"] < 2200  # eight of them, none as tall as the screen
    follow(page.get_by_role("region", name="What do you need done?").get_by_role("link", name="Painting"))
    expect(page).to_have_url(f"/gigs/?category={shelf.slug}")

    # What an extension of the browser does to a field must neither break the swap nor the content security policy.
    page.evaluate("for (const field of document.querySelectorAll('input, select')) field.style.colorScheme = 'light'")
    page.get_by_text("Filters (1)", exact=True).click()
    page.get_by_label("Currency").select_option("EUR")
    expect(page.get_by_text("Filters (2)", exact=True)).to_be_visible()
    page.get_by_label("Price to").fill("30")
    page.get_by_label("Price to").press("Tab")
    expect(page.get_by_role("heading", name="3 gigs")).to_be_visible()
    expect(page.get_by_label("Price to")).to_have_value("30")  # the filters stay open while they are chosen
    expect(page).to_have_url(f"/gigs/?category={shelf.slug}&currency=EUR&price_max=30")

    # Whoever comes by that address sees gigs first, the filters are one line.
    page.goto(page.url)
    expect(page.get_by_label("Price to")).to_be_hidden()
    expect(page.get_by_role("article").first).to_be_in_viewport()
    follow(page.get_by_role("link", name="Painting in 3 days"))
    expect(page.get_by_role("heading", level=1, name="Painting in 3 days")).to_be_visible()


def test_what_is_typed_while_the_gigs_are_on_their_way_is_not_swapped_away(page_for):
    for price in (10, 50):
        GigFactory(price=Decimal(price), currency="EUR")
    page = page_for(width=390, fresh=True)
    page.goto("/gigs/")
    page.get_by_text("Filters", exact=True).click()
    asked: list[Route] = []
    page.route("**/gigs/?*", lambda route: route.continue_() if asked else asked.append(route))
    page.get_by_label("Currency").select_option("EUR")
    wait_until(page, lambda: len(asked) == 1)
    page.get_by_label("Price to").fill("30")
    with page.expect_response("**/gigs/?*"):
        asked[0].continue_()
    page.wait_for_timeout(300)  # in which it would be swapped
    expect(page.get_by_label("Price to")).to_have_value("30")
    page.get_by_label("Price to").press("Tab")
    expect(page.get_by_text("Filters (2)", exact=True)).to_be_visible()
    expect(page.get_by_label("Price to")).to_have_value("30")
    expect(page.get_by_role("heading", name="1 gig")).to_be_visible()
    expect(page).to_have_url("/gigs/?currency=EUR&price_max=30")


def test_in_the_form_of_a_gig_words_and_field_stand_together(page_for, axe, width):
    page = page_for(UserFactory(), width=width)
    page.goto("/gigs/new/")
    gaps = page.locator(".gig-form > .form > .field").evaluate_all(
        """fields => fields.map(field => {
            const boxes = [...field.children].map(child => child.getBoundingClientRect())
            return Math.max(...boxes.slice(1).map((box, place) => box.top - boxes[place].bottom))
        })"""
    )
    assert len(gaps) == 9
    assert max(gaps) < 16
    axe(page)
