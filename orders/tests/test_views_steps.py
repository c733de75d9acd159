"""Every step's address: works, anonymous, stranger, moderator, wrong state, GET, stale page, double click, no token."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from marketplace.uploads import private_storage
from messaging.models import Notification
from orders.models import Order, OrderEvent, PaymentProof
from orders.selectors import gig_terms
from orders.services import lifecycle, payments
from orders.states import Custody, PaymentStatus, Status
from orders.tests.factories import hand_in_proof, order_in, picture
from orders.tests.proposing import asked_for_a_pause, asked_for_time, asked_to_cancel, over, paid_in_part, paused

PLATFORM, DIRECT = Custody.PLATFORM, Custody.DIRECT


@dataclass(frozen=True)
class Step:
    """One step as its form sends it: from a status, by a side, leading to another status."""

    name: str
    custody: Custody
    source: Status
    side: str
    target: Status
    data: dict[str, Any]
    wrong: Status  # a status in which nobody can take it
    ready: Callable[[Order], Order] = lambda order: order  # what has to have happened before it

    def __str__(self) -> str:
        return f"{self.name} {self.custody}"

    def files(self) -> dict[str, Any]:
        wanted = {"submit_payment": {"receipt": picture()}, "submit_work": {"files": SimpleUploadedFile("logo.zip", b"the work")}}
        return wanted.get(self.name, {})


PROOF = {"transaction_reference": "TX 77", "payer_name": "Amara Okafor", "amount": "120,00", "paid_at": "2026-01-05T10:30"}
REJECTION = {"reason": PaymentProof.Reason.NOT_FOUND, "note": "Nothing has arrived."}
S = Status
STEPS = [
    step
    for custody in Custody
    for step in (
        Step("submit_payment", custody, S.PENDING_PAYMENT, "client", S.PAYMENT_SUBMITTED, PROOF, S.IN_PROGRESS),
        Step("cancel", custody, S.PENDING_PAYMENT, "client", S.CANCELLED, {"sure": "on"}, S.PAYMENT_SUBMITTED),
        Step("cancel", custody, S.PENDING_PAYMENT, "freelancer", S.CANCELLED, {"sure": "on", "note": "Ill."}, S.IN_PROGRESS),
        Step("start_work", custody, S.PAYMENT_CONFIRMED, "freelancer", S.IN_PROGRESS, {}, S.PENDING_PAYMENT),
        Step("submit_work", custody, S.IN_PROGRESS, "freelancer", S.SUBMITTED, {"note": "Here."}, S.PENDING_PAYMENT),
        Step("submit_work", custody, S.REVISION_REQUESTED, "freelancer", S.SUBMITTED, {"note": "Here."}, S.COMPLETED),
        Step("approve", custody, S.SUBMITTED, "client", S.COMPLETED, {"sure": "on"}, S.IN_PROGRESS),
        Step("request_revision", custody, S.SUBMITTED, "client", S.REVISION_REQUESTED, {"items": "Rounder"}, S.IN_PROGRESS),
    )
] + [
    Step(
        "confirm_payment", DIRECT, S.PAYMENT_SUBMITTED, "freelancer", S.PAYMENT_CONFIRMED,
        {"received_amount": "120", "sure": "on"}, S.PENDING_PAYMENT,
    ),
    Step("reject_payment", DIRECT, S.PAYMENT_SUBMITTED, "freelancer", S.PENDING_PAYMENT, REJECTION, S.SUBMITTED),
]  # fmt: skip

DIVISION = {"freelancer_amount": "40,00", "shown": "40.00", "reason": "It takes too long."}
TIME = {"days": "3", "reason": "I am ill."}
SURE = {"sure": "on"}
STEPS += [
    Step("cancel_partial", PLATFORM, S.PAYMENT_SUBMITTED, "client", S.CANCELLED, SURE, S.IN_PROGRESS, paid_in_part),
    *(
        step
        for custody in Custody
        for step in (
            Step("decline", custody, S.PAYMENT_CONFIRMED, "freelancer", S.CANCELLED, SURE | {"note": "Ill."}, S.IN_PROGRESS),
            Step("decline", custody, S.PAYMENT_CONFIRMED, "client", S.CANCELLED, SURE, S.SUBMITTED, over("accept_by")),
            Step("cancel_late", custody, S.IN_PROGRESS, "client", S.CANCELLED, SURE, S.SUBMITTED, over("due_at")),
            Step("accept_cancellation", custody, S.SUBMITTED, "freelancer", S.CANCELLED, SURE, S.COMPLETED, asked_to_cancel),
        )
    ),
    Step("propose_cancellation", PLATFORM, S.IN_PROGRESS, "client", S.IN_PROGRESS, DIVISION, S.COMPLETED),
    Step("propose_cancellation", DIRECT, S.SUBMITTED, "freelancer", S.SUBMITTED, DIVISION, S.COMPLETED),
    Step("propose_extension", PLATFORM, S.IN_PROGRESS, "freelancer", S.IN_PROGRESS, TIME, S.SUBMITTED),
    Step("propose_extension", DIRECT, S.REVISION_REQUESTED, "client", S.REVISION_REQUESTED, TIME, S.SUBMITTED),
    Step("accept_extension", PLATFORM, S.IN_PROGRESS, "client", S.IN_PROGRESS, {}, S.SUBMITTED, asked_for_time),
    Step("ask_pause", PLATFORM, S.IN_PROGRESS, "freelancer", S.IN_PROGRESS, {"days": "3", "question": "Which?"}, S.SUBMITTED),
    Step("grant_pause", PLATFORM, S.IN_PROGRESS, "client", S.IN_PROGRESS, {"answer": "Teal."}, S.SUBMITTED, asked_for_a_pause),
    Step("resume", PLATFORM, S.IN_PROGRESS, "client", S.IN_PROGRESS, {}, S.SUBMITTED, paused),
    Step("resume", PLATFORM, S.IN_PROGRESS, "freelancer", S.IN_PROGRESS, {}, S.SUBMITTED, paused),
    Step("decline_proposal", PLATFORM, S.SUBMITTED, "freelancer", S.SUBMITTED, {"answer": "No."}, S.COMPLETED, asked_to_cancel),
    Step("withdraw_proposal", PLATFORM, S.SUBMITTED, "client", S.SUBMITTED, {}, S.COMPLETED, asked_to_cancel),
]
BY_BOTH = {"cancel", "decline", "propose_cancellation", "propose_extension", "resume"}
every_step = pytest.mark.parametrize("step", STEPS, ids=str)


@pytest.fixture
def order_at(buyer, freelancer):
    def make(status: Status, custody: Custody = PLATFORM) -> Order:
        return order_in(status, client=buyer, freelancer=freelancer, custody=custody)

    return make


@pytest.fixture
def order_for(order_at):
    def make(step: Step) -> Order:
        return step.ready(order_at(step.source, step.custody))

    return make


def post(browser: Client, order: Order, step: Step, **changes: Any) -> HttpResponse:
    data = {"seen": str(order.version), **step.data, **step.files(), **changes}
    return browser.post(reverse(f"orders:{step.name}", args=[order.pk]), data)


def actor_of(step: Step, order: Order) -> User:
    return order.client if step.side == "client" else order.freelancer


def state_of(order: Order) -> tuple[Any, ...]:
    order = Order.objects.get(pk=order.pk)
    store = private_storage()
    files = [len(store.listdir(folder)[1]) for folder in ("receipts", "deliveries") if store.exists(folder)]
    return (
        order.status,
        order.payment_status,
        order.version,
        order.updated_at,
        OrderEvent.objects.count(),
        Notification.objects.count(),
        files,
    )


def said(response: HttpResponse) -> list[str]:
    return [str(message) for message in response.wsgi_request._messages]


@every_step
def test_it_works_and_comes_back_to_the_order(step, order_for, sign_in):
    order = order_for(step)
    response = post(sign_in(actor_of(step, order)), order, step)

    assert (response.status_code, response.url) == (302, order.get_absolute_url())
    order.refresh_from_db()
    assert order.status == step.target
    assert order.events.latest("number").action == step.name


@every_step
def test_a_double_click_is_quiet_success(step, order_for, sign_in):
    order = order_for(step)
    browser = sign_in(actor_of(step, order))
    post(browser, order, step)
    before = state_of(order)
    response = post(browser, order, step)

    assert (response.status_code, response.url) == (302, order.get_absolute_url())
    assert state_of(order) == before


@every_step
def test_an_anonymous_visitor_signs_in_first(step, order_for, client):
    order = order_for(step)
    before = state_of(order)
    response = post(client, order, step)

    assert response.url == f"/accounts/login/?next=/orders/{order.pk}/{step.name.replace('_', '-')}/"
    assert state_of(order) == before


@every_step
def test_strangers_and_moderators_get_404(step, order_for, stranger, moderator, sign_in):
    order = order_for(step)
    before = state_of(order)

    assert [post(sign_in(user), order, step).status_code for user in (stranger, moderator)] == [404, 404]
    assert state_of(order) == before


@pytest.mark.parametrize("step", [step for step in STEPS if step.name not in BY_BOTH], ids=str)
def test_the_other_side_may_not(step, order_for, sign_in):
    order = order_for(step)
    other = order.freelancer if step.side == "client" else order.client
    before = state_of(order)
    post(sign_in(other), order, step)

    assert state_of(order) == before


@every_step
def test_in_the_wrong_state_nothing_changes_and_the_page_says_so(step, order_at, sign_in):
    order = order_at(step.wrong, step.custody)
    before = state_of(order)
    response = post(sign_in(actor_of(step, order)), order, step)
    words = said(response) if response.status_code == 302 else response.context["lost_reasons"]

    assert words[0].startswith("This cannot be done now: the order is “")
    assert state_of(order) == before


@every_step
def test_from_a_stale_page_nothing_changes_and_no_words_are_lost(step, order_for, sign_in):
    order = order_for(step)
    before = state_of(order)
    response = post(sign_in(actor_of(step, order)), order, step, seen=str(order.version - 1))

    if response.status_code == 302:
        assert said(response)[0].startswith("Someone was faster: this order is now “")
    else:
        form = response.context["forms"][step.name]
        assert response.status_code == 409
        assert form.non_field_errors()[0].startswith("Someone was faster: this order is now “")
        kept = {name: form[name].value() or "" for name in step.data}
        assert kept == {**step.data, **({"sure": ""} if "sure" in step.data else {})}
        assert form["seen"].value() == str(order.version)
    assert state_of(order) == before


@every_step
def test_looking_at_the_address_is_not_allowed(step, order_for, sign_in):
    order = order_for(step)
    browser = sign_in(actor_of(step, order))
    address = reverse(f"orders:{step.name}", args=[order.pk])
    before = state_of(order)

    assert [browser.get(address).status_code, browser.head(address).status_code] == [405, 405]
    assert state_of(order) == before


@every_step
def test_a_post_without_its_token_is_refused(step, order_for):
    order = order_for(step)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(actor_of(step, order))
    before = state_of(order)

    assert post(browser, order, step).status_code == 403
    assert state_of(order) == before


@every_step
def test_an_empty_post_shows_the_page_again_and_changes_nothing(step, order_for, sign_in):
    order = order_for(step)
    before = state_of(order)
    response = sign_in(actor_of(step, order)).post(reverse(f"orders:{step.name}", args=[order.pk]))

    assert (response.status_code, response.context["refused"]) == (422, step.name)
    assert state_of(order) == before


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
    response = post(sign_in(order.client), order, STEPS[0], receipt=receipt)

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
    response = post(sign_in(buyer), second, STEPS[0])

    assert response.status_code == 422
    assert list(response.context["forms"]["submit_payment"].errors) == ["transaction_reference", "receipt"]
    assert state_of(second) == before


def test_the_same_receipt_for_another_order_is_accepted(order_at, sign_in):
    first, second = order_at(Status.PENDING_PAYMENT), order_at(Status.PENDING_PAYMENT)
    hand_in_proof(first)

    assert post(sign_in(second.client), second, STEPS[0]).status_code == 302


def test_what_was_understood_of_the_amount_is_said_back(order_at, sign_in):
    order = order_at(Status.PENDING_PAYMENT)
    browser = sign_in(order.client)
    page = browser.get(post(browser, order, STEPS[0], amount="1.234,5").url).content.decode()

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
    post(browser, order, STEPS[4])
    order.refresh_from_db()
    response = post(sign_in(order.client), order, STEPS[7])

    assert response.context["lost_reasons"] == ["All revisions this order includes are used."]
    assert order.revision_requests.count() == 1


def test_the_receipt_is_kept_without_its_metadata_and_the_delivery_byte_for_byte(order_at, sign_in):
    order = order_at(Status.PENDING_PAYMENT)
    post(sign_in(order.client), order, STEPS[0], receipt=picture(name="../../etc/receipt.png"))
    proof = order.proofs.get()

    assert (proof.receipt_name, proof.receipt_type, proof.amount) == ("receipt.png", "image/png", Decimal("120"))
    assert "receipt" not in proof.receipt.name.split("/")[-1]
