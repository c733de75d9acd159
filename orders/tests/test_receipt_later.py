"""The receipt that a client adds on the order's page to a proof that a program handed in without one."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.urls import reverse

from accounts.models import User
from conftest import SignIn
from orders.exceptions import OrderMoved
from orders.models import Order
from orders.services import payments
from orders.states import Custody
from orders.tests.factories import a_receipt, hand_in_proof, order_in, picture
from orders.tests.test_states import trace
from orders.tests.test_views_steps import said

FORM, LINK = 'id="do-attach_receipt"', 'href="#do-attach_receipt"'


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    """Its proof is being checked, and has no receipt."""
    return hand_in_proof(order_in(client=buyer, freelancer=freelancer), receipt=None)


def add(order: Order, sign_in: SignIn, receipt: Any = None) -> HttpResponse:
    """From the page as it was when `order` was read."""
    address = reverse("orders:attach_receipt", args=[order.pk])
    return sign_in(order.client).post(address, {"seen": order.version, "receipt": receipt or picture()})


def reject(order: Order, moderator: User) -> Order:
    decision = {"reason": "unreadable", "note": "Show me more."}
    return payments.reject_payment(actor=moderator, order_id=order.pk, seen=order.version, **decision)


def page(order: Order, person: User, sign_in: SignIn) -> str:
    return sign_in(person).get(order.get_absolute_url()).text


# --- Where it is offered --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("custody", Custody)
def test_the_client_who_waits_is_led_to_the_form(buyer: User, freelancer: User, custody: Custody, sign_in: SignIn):
    order = hand_in_proof(order_in(client=buyer, freelancer=freelancer, custody=custody), receipt=None)
    text = page(order, buyer, sign_in)
    assert (text.count(FORM), text.count(LINK)) == (1, 1)
    assert 'enctype="multipart/form-data"' in text
    assert 'accept="image/png,image/jpeg,image/webp,application/pdf"' in text


@pytest.mark.parametrize("who", ["freelancer", "moderator"])
def test_nobody_else_is(order: Order, who: str, request, sign_in: SignIn):
    text = page(order, request.getfixturevalue(who), sign_in)
    assert (FORM in text, LINK in text) == (False, False)


def test_once_it_is_there_the_form_is_gone_and_the_file_stands_with_the_proof(order: Order, sign_in: SignIn):
    answer = add(order, sign_in)
    assert said(answer) == ["The receipt is added. Whoever checks your payment sees it."]
    text = page(order, order.client, sign_in)
    assert (FORM in text, LINK in text) == (False, False)
    assert reverse("orders:receipt", args=[order.proofs.get().pk]) in text


def test_before_a_proof_and_after_it_was_sent_back_there_is_the_form_of_the_payment_alone(
    buyer: User, freelancer: User, moderator: User, order: Order, sign_in: SignIn
):
    for paying in (order_in(client=buyer, freelancer=freelancer), reject(order, moderator)):
        text = page(paying, buyer, sign_in)
        assert (FORM in text, 'id="do-submit_payment"' in text) == (False, True)


# --- What it refuses ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("receipt", "words"),
    [
        (SimpleUploadedFile("receipt.png", picture().read() + b"x" * 10 * 1024**2, content_type="image/png"), "MB"),
        (SimpleUploadedFile("receipt.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', content_type="image/svg+xml"), "PDF"),
        (SimpleUploadedFile("receipt.pdf", b"", content_type="application/pdf"), "empty"),
    ],
    ids=["too large", "another kind", "empty"],
)
def test_what_is_no_receipt_is_said_at_its_field(order: Order, receipt: Any, words: str, sign_in: SignIn):
    before = trace(order)
    receipt.seek(0)
    answer = add(order, sign_in, receipt)
    errors = answer.context["forms"]["attach_receipt"].errors
    assert (answer.status_code, list(errors)) == (422, ["receipt"])
    assert words in errors["receipt"][0]
    assert FORM in answer.text
    assert trace(order) == before


def test_a_proof_that_was_decided_meanwhile_takes_none(order: Order, moderator: User, sign_in: SignIn):
    reject(order, moderator)
    before = trace(order)
    answer = add(order, sign_in)
    assert said(answer) == ["No proof of yours is being checked just now, so there is none to add a receipt to."]
    assert (answer.url, trace(order)) == (order.get_absolute_url(), before)


def test_a_receipt_that_a_program_added_meanwhile_stays(order: Order, sign_in: SignIn):
    payments.attach_receipt(actor=order.client, order_id=order.pk, receipt=a_receipt("tan"))
    before = trace(order)
    answer = add(order, sign_in)
    assert said(answer) == ["The proof that is being checked has its receipt. Wait for what comes of it."]
    assert trace(order) == before


def test_it_does_not_land_on_a_later_proof_than_the_one_the_page_showed(order: Order, moderator: User, sign_in: SignIn):
    later = hand_in_proof(reject(order, moderator), receipt=None)
    before = trace(order)
    answer = add(order, sign_in)
    assert said(answer)[0].startswith("Someone was faster: this order is now “Payment being checked”.")
    assert trace(order) == before
    assert [bool(proof.receipt) for proof in later.proofs.all()] == [False, False]


def test_a_signature_meanwhile_is_a_reason_to_look_again(order: Order, moderator: User, settings, sign_in: SignIn):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    signed = payments.confirm_payment(
        actor=moderator, order_id=order.pk, seen=order.version, received_amount=order.expected_amount
    )
    with pytest.raises(OrderMoved):
        payments.attach_receipt(actor=order.client, order_id=order.pk, receipt=a_receipt(), seen=order.version)
    add(signed, sign_in)
    assert order.proofs.get().receipt
