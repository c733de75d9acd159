"""The moderators' desks as they are laid out: what belongs together stands together, and nothing is wider than the window."""

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders.models import Order
from orders.states import Status
from orders.tests.factories import hand_in_proof, order_in

from .conftest import follow

pytestmark = pytest.mark.browser


def box(shown: Locator) -> dict[str, float]:
    return shown.bounding_box() or pytest.fail(f"{shown} is not on the page")


@pytest.fixture
def root(db: None) -> User:
    return UserFactory(full_name="Root", is_staff=True, is_superuser=True)


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_each_choice_stands_beside_its_words_and_the_currency_on_one_line(page_for, axe, buyer, freelancer, root, width, scheme):
    handed_in = hand_in_proof(order_in(client=buyer, freelancer=freelancer))
    page = page_for(root, width=width, scheme=scheme)
    page.goto(reverse("admin:orders_paymentproof_verify", args=[handed_in.proofs.get().pk]))
    for choice in page.locator(".desk .field__choices label").all():
        circle, label = box(choice.locator("input")), box(choice)
        assert circle["width"] < 30
        assert circle["x"] - label["x"] < 5  # at its head
        assert circle["y"] + circle["height"] <= label["y"] + label["height"] + 1
    assert box(page.locator(".field__suffix").first)["width"] > 40
    assert page.locator(".field__suffix").first.evaluate("it => it.getClientRects().length") == 1
    axe(page)


def test_the_record_of_an_order_can_be_read_on_a_phone(page_for, axe, order, root, width, scheme):
    page = page_for(root, width=width, scheme=scheme)
    page.goto(reverse("admin:orders_order_change", args=[order.pk]))
    assert fits(page)
    cells = page.locator(".inline-group tbody tr:first-child td").all()
    assert len(cells) > 8
    for cell in cells:
        assert box(cell)["height"] < 90, cell.inner_text()  # and not a letter a line
    axe(page)


def test_the_list_of_orders_says_what_its_box_is_for(page_for, axe, order, root, width, scheme):
    page = page_for(root, width=width, scheme=scheme)
    page.goto(reverse("admin:orders_order_changelist"))
    assert fits(page)
    expect(page.locator("label[for=searchbar]")).to_have_text("Find")
    page.get_by_label("Find", exact=True).fill(order.payment_reference)
    follow(page.get_by_role("button", name="Search"))
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    axe(page)


def test_the_front_page_of_the_admin_uses_the_window(page_for, root):
    page = page_for(root, width=1440)
    page.goto("/admin/")
    doors = [box(door) for door in page.locator(".desk-door").all()]
    assert len(doors) == 5
    assert max(door["x"] + door["width"] for door in doors) > 1000
    page.set_viewport_size({"width": 390, "height": 900})
    assert fits(page)


@pytest.mark.parametrize("name", ["dispute", "paymentproof", "disbursement", "bankstatement"])
def test_no_tab_of_a_desk_breaks(page_for, root, name):
    page = page_for(root, width=390)
    page.goto(reverse(f"admin:orders_{name}_changelist"))
    tabs = page.locator(".desk .tabs__link").all()
    assert len(tabs) > 3
    for tab in tabs:
        assert box(tab)["height"] < 60, tab.inner_text()  # a second line would make it higher
    assert fits(page)
