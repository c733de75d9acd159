"""Every step's address: works, anonymous, stranger, moderator, wrong state, GET, stale page, double click, no token."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.tests.factories import UserFactory
from marketplace.uploads import private_storage
from messaging.models import Notification
from orders.models import Order, OrderEvent, PaymentProof
from orders.states import Custody, Status
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
        match self.name:
            case "submit_payment" | "attach_receipt":
                return {"receipt": picture()}
            case "submit_work":
                return {"files": SimpleUploadedFile("logo.zip", b"the work")}
            case _:
                return {}


PROOF = {"transaction_reference": "TX 77", "payer_name": "Amara Okafor", "amount": "120,00", "paid_at": "2026-01-05T10:30"}
REJECTION = {"reason": PaymentProof.Reason.NOT_FOUND, "note": "Nothing has arrived."}
S = Status


def without_receipt(order: Order) -> Order:
    return hand_in_proof(order, receipt=None)


STEPS = [
    step
    for custody in Custody
    for step in (
        Step("submit_payment", custody, S.PENDING_PAYMENT, "client", S.PAYMENT_SUBMITTED, PROOF, S.IN_PROGRESS),
        Step(
            *("attach_receipt", custody, S.PENDING_PAYMENT, "client", S.PAYMENT_SUBMITTED),
            *({}, S.PAYMENT_CONFIRMED, without_receipt),
        ),
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
REFUSED = {"attach_receipt": "No proof of yours is being checked just now"}
every_step = pytest.mark.parametrize("step", STEPS, ids=str, scope="module")


@pytest.fixture(scope="module")
def made(step: Step, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[UUID, UUID]]:
    """The step's order and one on which nobody can take it, made once for all the tests of the step: each finds them as made."""
    with django_db_blocker.unblock(), transaction.atomic():
        people = {"client": UserFactory(full_name="Amara Okafor"), "freelancer": UserFactory(full_name="José Ñíguez")}
        order = step.ready(order_in(step.source, custody=step.custody, **people))
        yield order.pk, order_in(step.wrong, custody=step.custody, **people).pk
        transaction.set_rollback(True)


@pytest.fixture
def order(made: tuple[UUID, UUID], db: None) -> Order:
    """The savepoint of `db` undoes what the test does to it."""
    return Order.objects.get(pk=made[0])


@pytest.fixture
def wrong_order(made: tuple[UUID, UUID], db: None) -> Order:
    return Order.objects.get(pk=made[1])


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
def test_it_works_and_comes_back_to_the_order(step, order, sign_in):
    response = post(sign_in(actor_of(step, order)), order, step)

    assert (response.status_code, response.url) == (302, order.get_absolute_url())
    order.refresh_from_db()
    assert order.status == step.target
    assert order.events.latest("number").action == step.name


@every_step
def test_a_double_click_is_quiet_success(step, order, sign_in):
    browser = sign_in(actor_of(step, order))
    post(browser, order, step)
    before = state_of(order)
    response = post(browser, order, step)

    assert (response.status_code, response.url) == (302, order.get_absolute_url())
    assert state_of(order) == before


@pytest.mark.once
@every_step
def test_an_anonymous_visitor_signs_in_first(step, order, client):
    before = state_of(order)
    response = post(client, order, step)

    assert response.url == f"/accounts/login/?next=/orders/{order.pk}/{step.name.replace('_', '-')}/"
    assert state_of(order) == before


@pytest.mark.once
@every_step
def test_strangers_and_moderators_get_404(step, order, stranger, moderator, sign_in):
    before = state_of(order)

    assert [post(sign_in(user), order, step).status_code for user in (stranger, moderator)] == [404, 404]
    assert state_of(order) == before


@pytest.mark.once
@pytest.mark.parametrize("step", [step for step in STEPS if step.name not in BY_BOTH], ids=str, scope="module")
def test_the_other_side_may_not(step, order, sign_in):
    other = order.freelancer if step.side == "client" else order.client
    before = state_of(order)
    post(sign_in(other), order, step)

    assert state_of(order) == before


@pytest.mark.once
@every_step
def test_in_the_wrong_state_nothing_changes_and_the_page_says_so(step, wrong_order, sign_in):
    before = state_of(wrong_order)
    response = post(sign_in(actor_of(step, wrong_order)), wrong_order, step)
    words = said(response) if response.status_code == 302 else response.context["lost_reasons"]

    assert words[0].startswith(REFUSED.get(step.name, "This cannot be done now: the order is “"))
    assert state_of(wrong_order) == before


@every_step
def test_from_a_stale_page_nothing_changes_and_no_words_are_lost(step, order, sign_in):
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


@pytest.mark.once
@every_step
def test_looking_at_the_address_is_not_allowed(step, order, sign_in):
    browser = sign_in(actor_of(step, order))
    address = reverse(f"orders:{step.name}", args=[order.pk])
    before = state_of(order)

    assert [browser.get(address).status_code, browser.head(address).status_code] == [405, 405]
    assert state_of(order) == before


@pytest.mark.once
@every_step
def test_a_post_without_its_token_is_refused(step, order):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(actor_of(step, order))
    before = state_of(order)

    assert post(browser, order, step).status_code == 403
    assert state_of(order) == before


@pytest.mark.once
@every_step
def test_an_empty_post_shows_the_page_again_and_changes_nothing(step, order, sign_in):
    before = state_of(order)
    response = sign_in(actor_of(step, order)).post(reverse(f"orders:{step.name}", args=[order.pk]))

    assert (response.status_code, response.context["refused"]) == (422, step.name)
    assert state_of(order) == before
