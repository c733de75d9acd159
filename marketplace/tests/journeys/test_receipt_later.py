"""A program has handed in a proof without its receipt: the client adds it on the order's page, and the desk has it."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from orders.models import Order
from orders.services.payments import reject_payment
from orders.tests.factories import hand_in_proof, order_in, picture

from .conftest import follow

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return hand_in_proof(order_in(client=buyer, freelancer=freelancer), receipt=None)


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    path = tmp_path / "receipt.png"
    path.write_bytes(picture().read())
    return path


def choose(page: Page, order: Order, file: Path) -> None:
    page.goto(order.get_absolute_url())
    page.get_by_role("link", name="Add the receipt").click()
    page.get_by_label("Receipt", exact=True).set_input_files(file)


def send(page: Page) -> None:
    follow(page.get_by_role("button", name="Add the receipt"))


def test_a_receipt_is_added_and_the_desk_has_it(page_for, axe, order: Order, receipt: Path, moderator: User, width, scheme):
    page = page_for(order.client, width=width, scheme=scheme)
    choose(page, order, receipt)
    expect(page.locator("#do-attach_receipt .previews img")).to_be_visible()
    axe(page)
    send(page)
    expect(page.get_by_text("The receipt is added.")).to_be_visible()
    expect(page.locator("#do-attach_receipt")).to_have_count(0)
    expect(page.get_by_role("link", name="receipt.png")).to_be_visible()
    axe(page)
    desk = page_for(moderator)
    desk.goto(reverse("admin:orders_paymentproof_verify", args=[order.proofs.get().pk]))
    expect(desk.locator("img[src*='/receipt/']").first).to_be_visible()


def test_without_script_a_wrong_file_is_named_and_the_right_one_goes_in(page_for, watch, order: Order, receipt: Path):
    watch.expect("422")
    page = page_for(order.client, javascript=False, width=390)
    wrong = receipt.with_name("receipt.txt")
    wrong.write_text("I have paid.")
    choose(page, order, wrong)
    send(page)
    expect(page.locator("#do-attach_receipt .field--error")).to_be_visible()
    page.get_by_label("Receipt", exact=True).set_input_files(receipt)
    send(page)
    expect(page.get_by_text("The receipt is added.")).to_be_visible()
    assert order.proofs.get().receipt_name == "receipt.png"


def test_a_proof_that_was_decided_meanwhile_is_said_on_the_page_as_it_is_then(
    page_for, order: Order, receipt: Path, moderator: User
):
    page = page_for(order.client)
    choose(page, order, receipt)
    reject_payment(actor=moderator, order_id=order.pk, seen=order.version, reason="unreadable", note="Show me more.")
    send(page)
    expect(page.get_by_text("No proof of yours is being checked just now")).to_be_visible()
    expect(page.get_by_text("Show me more.").first).to_be_visible()
