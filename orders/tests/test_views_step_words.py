"""What forms of steps say: bad files, amounts that are not due, words for a step that is gone."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orders.models import Order
from orders.selectors import gig_terms
from orders.services import lifecycle, payments
from orders.states import Custody, PaymentStatus, Status
from orders.tests.factories import hand_in_proof, order_in, picture
from orders.tests.test_views_steps import DIRECT, PLATFORM, PROOF, REJECTION, STEPS, Step, post, state_of


def step(name: str) -> Step:
    return next(one for one in STEPS if one.name == name)


@pytest.fixture
def order_at(buyer, freelancer):
    def make(status: Status, custody: Custody = PLATFORM) -> Order:
        return order_in(status, client=buyer, freelancer=freelancer, custody=custody)

    return make


@pytest.mark.parametrize(
    "receipt",
    [
        SimpleUploadedFile("receipt.png", b"<!doctype html><script>alert(1)</script>", content_type="image/png"),
        SimpleUploadedFile("receipt.pdf", b"", content_type="application/pdf"),
        SimpleUploadedFile("receipt.png", b"\x89PNG\r\n\x1a\n" + b"x" * 10 * 1024**2, content_type="image/png"),
        "no file at all",
    ],
    ids=["a page named .png", "a PDF of zero bytes", "too large", "text"],
)
def test_a_bad_receipt_keeps_the_text_and_writes_nothing(order_at, sign_in, receipt):
    order = order_at(Status.PENDING_PAYMENT)
    before = state_of(order)
    response = post(sign_in(order.client), order, step("submit_payment"), receipt=receipt)

    assert (response.status_code, list(response.context["forms"]["submit_payment"].errors)) == (422, ["receipt"])
    for typed in PROOF.values():
        assert f'value="{typed}"' in response.content.decode()
    assert state_of(order) == before


def test_a_bad_file_keeps_the_note_and_asks_for_all_files_again(order_at, sign_in):
    order = order_at(Status.IN_PROGRESS)
    before = state_of(order)
    files = [SimpleUploadedFile("logo.zip", b"the work"), SimpleUploadedFile("empty.txt", b"")]
    response = sign_in(order.freelancer).post(
        reverse("orders:submit_work", args=[order.pk]), {"seen": order.version, "note": "All there", "files": files}
    )

    assert response.context["forms"]["submit_work"].errors["files"] == ["empty.txt: This file is empty. Choose it again."]
    assert "All there" in response.content.decode()
    assert state_of(order) == before


def test_a_reference_used_for_another_order_is_an_error_of_its_field(order_at, sign_in, buyer, freelancer):
    first = hand_in_proof(order_at(Status.PENDING_PAYMENT), transaction_reference="tx-77")
    second = lifecycle.place_order(
        actor=buyer, gig_id=first.gig_id, payment_method_id=first.payment_method_id, answers={},
        terms=gig_terms(first.gig), placement_key=first.pk,
    )  # fmt: skip
    before = state_of(second)
    response = post(sign_in(buyer), second, step("submit_payment"))

    assert response.status_code == 422
    assert list(response.context["forms"]["submit_payment"].errors) == ["transaction_reference", "receipt"]
    assert state_of(second) == before


def test_the_same_receipt_for_another_order_is_accepted(order_at, sign_in):
    first, second = order_at(Status.PENDING_PAYMENT), order_at(Status.PENDING_PAYMENT)
    hand_in_proof(first)

    assert post(sign_in(second.client), second, step("submit_payment")).status_code == 302


def test_what_was_understood_of_the_amount_is_said_back(order_at, sign_in):
    order = order_at(Status.PENDING_PAYMENT)
    browser = sign_in(order.client)
    page = browser.get(post(browser, order, step("submit_payment"), amount="1.234,5").url).content.decode()

    assert "Your proof of 1,234.50\xa0EUR is handed in." in page
    assert "The amount claimed is not the amount due" in page


def test_a_received_amount_that_is_not_due_is_an_error_of_its_field(order_at, sign_in):
    order = order_at(Status.PAYMENT_SUBMITTED, DIRECT)
    before = state_of(order)
    response = sign_in(order.freelancer).post(
        reverse("orders:confirm_payment", args=[order.pk]), {"seen": order.version, "received_amount": "12", "sure": "on"}
    )

    assert response.status_code == 422
    assert list(response.context["forms"]["confirm_payment"].errors) == ["received_amount"]
    assert state_of(order) == before


def test_more_than_was_due_is_confirmed_only_when_the_freelancer_says_so(order_at, sign_in):
    order = order_at(Status.PAYMENT_SUBMITTED, DIRECT)
    before = state_of(order)
    browser, address = sign_in(order.freelancer), reverse("orders:confirm_payment", args=[order.pk])
    typed = {"seen": order.version, "received_amount": "150", "sure": "on"}
    response = browser.post(address, typed)
    assert (response.status_code, list(response.context["forms"]["confirm_payment"].errors)) == (422, ["received_amount"])
    assert state_of(order) == before

    browser.post(address, typed | {"more_arrived": "on"})
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.PAYMENT_CONFIRMED, PaymentStatus.PAID_DIRECT)
    assert [(refund.amount, refund.payer) for refund in order.disbursements.all()] == [(Decimal(30), order.freelancer)]


def test_after_three_rejections_the_freelancer_of_a_direct_order_no_longer_decides(order_at, sign_in):
    order = order_at(Status.PAYMENT_SUBMITTED, DIRECT)
    for _ in range(3):
        payments.reject_payment(actor=order.freelancer, order_id=order.pk, seen=order.version, **REJECTION)
        order.refresh_from_db()
        order = hand_in_proof(order)
    before = state_of(order)
    browser = sign_in(order.freelancer)
    response = browser.post(
        reverse("orders:confirm_payment", args=[order.pk]), {"seen": order.version, "received_amount": "120", "sure": "on"}
    )

    assert (response.status_code, response.url) == (302, order.get_absolute_url())
    assert browser.get(order.get_absolute_url()).context["forms"] == {}
    assert state_of(order) == before


def test_the_freelancer_of_a_platform_order_cannot_confirm_its_payment(order_at, sign_in):
    order = order_at(Status.PAYMENT_SUBMITTED)
    before = state_of(order)
    sign_in(order.freelancer).post(
        reverse("orders:confirm_payment", args=[order.pk]), {"seen": order.version, "received_amount": "120", "sure": "on"}
    )

    assert state_of(order) == before


def test_words_for_a_step_that_is_gone_are_shown_to_copy(order_at, sign_in):
    order = order_at(Status.SUBMITTED)
    seen = order.version
    lifecycle.approve(actor=order.client, order_id=order.pk, seen=seen)
    response = sign_in(order.client).post(
        reverse("orders:request_revision", args=[order.pk]), {"seen": seen, "items": "Rounder\nLess <b>red</b>"}
    )
    page = response.content.decode()

    assert response.status_code == 409
    assert response.context["lost"] == [("What is to be changed?", "Rounder\nLess <b>red</b>")]
    assert "Rounder<br>Less &lt;b&gt;red&lt;/b&gt;" in page
    assert Order.objects.get(pk=order.pk).payment_status == PaymentStatus.RELEASED


def test_more_changes_than_the_order_includes_are_refused(order_at, sign_in):
    order = order_at(Status.REVISION_REQUESTED)
    browser = sign_in(order.freelancer)
    post(browser, order, step("submit_work"))
    order.refresh_from_db()
    response = post(sign_in(order.client), order, step("request_revision"))

    assert response.context["lost_reasons"] == ["All revisions this order includes are used."]
    assert order.revision_requests.count() == 1


def test_the_receipt_is_kept_without_its_metadata_and_the_delivery_byte_for_byte(order_at, sign_in):
    order = order_at(Status.PENDING_PAYMENT)
    post(sign_in(order.client), order, step("submit_payment"), receipt=picture(name="../../etc/receipt.png"))
    proof = order.proofs.get()

    assert (proof.receipt_name, proof.receipt_type, proof.amount) == ("receipt.png", "image/png", Decimal("120"))
    assert "receipt" not in proof.receipt.name.split("/")[-1]
