"""Whose turn, until when, and what if nobody acts: for every status, side and custody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders.models import Order
from orders.next_steps import DIRECT_WORDS, TABLE, NextStep, next_step
from orders.services import payments
from orders.states import FINAL, Action, Custody, PaymentStatus, Role, Status
from orders.tests.factories import REACHABLE, hand_in_proof, order_in

SIDES = [Role.CLIENT, Role.FREELANCER]
# Words that would promise what no clock does yet.
PROMISES = [
    "automatic",
    "will be approved",
    "is approved by itself",
    "expires",
    "is refunded",
    "will be released",
    "counts as approved",
]
NEXT_ACTION = {
    (Status.PENDING_PAYMENT, Role.CLIENT): Action.SUBMIT_PAYMENT,
    (Status.PAYMENT_CONFIRMED, Role.FREELANCER): Action.START_WORK,
    (Status.IN_PROGRESS, Role.FREELANCER): Action.SUBMIT_WORK,
    (Status.REVISION_REQUESTED, Role.FREELANCER): Action.SUBMIT_WORK,
    (Status.SUBMITTED, Role.CLIENT): Action.APPROVE,
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("status", Status)
def test_every_status_has_words_for_both_sides(status: Status, side: Role):
    assert (status, side) in TABLE


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("status", REACHABLE)
def test_turn_deadline_and_consequence_stand_together(
    status: Status, side: Role, custody: Custody, buyer: User, freelancer: User, moderator: User
):
    order = order_in(status, client=buyer, freelancer=freelancer, custody=custody)
    step = next_step(order, side)
    direct_check = status == Status.PAYMENT_SUBMITTED and custody == Custody.DIRECT
    if status in FINAL:
        expected = "nobody"
    elif status == Status.PAYMENT_SUBMITTED and not direct_check:
        expected = "platform"
    else:
        mine = (status, side) in NEXT_ACTION or (direct_check and side == Role.FREELANCER)
        expected = "you" if mine else "them"
    assert step.turn == expected
    assert step.headline and step.text
    assert "%(" not in step.headline + step.text + step.if_nobody
    if step.turn != "nobody":
        assert step.deadline_at is not None
        assert step.if_nobody != ""


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize("status", [s for s in REACHABLE if s not in FINAL])
def test_exactly_one_side_or_the_platform_has_the_turn(status: Status, custody: Custody, buyer: User, freelancer: User):
    order = order_in(status, client=buyer, freelancer=freelancer, custody=custody)
    turns = sorted(next_step(order, side).turn for side in SIDES)
    assert turns in (["them", "you"], ["platform", "platform"])


def test_no_words_promise_a_clock():
    words = [str(part) for row in [*TABLE.values(), *DIRECT_WORDS.values()] for part in (row.headline, row.text, row.if_nobody)]
    assert [(promise, text) for text in words for promise in PROMISES if promise in text.lower()] == []


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("status", REACHABLE)
def test_direct_custody_never_speaks_of_escrow_or_release(status: Status, side: Role, buyer: User, freelancer: User):
    step = next_step(order_in(status, client=buyer, freelancer=freelancer, custody=Custody.DIRECT), side)
    words = f"{step.headline} {step.text} {step.if_nobody}".lower()
    assert "escrow" not in words
    assert "release" not in words


def test_after_a_rejection_the_client_is_told_to_try_again(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    order = payments.reject_payment(actor=moderator, order_id=order.pk, seen=order.version, reason="not_found", note="Not there.")
    assert next_step(order, Role.CLIENT).headline == "Your proof was not accepted: hand in another one"
    assert next_step(order, Role.FREELANCER).turn == "them"


def test_after_three_rejections_a_moderator_has_the_turn(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    for _ in range(3):
        order = hand_in_proof(order)
        order = payments.reject_payment(
            actor=freelancer, order_id=order.pk, seen=order.version, reason="not_found", note="Nothing."
        )
    order = hand_in_proof(order)
    assert [next_step(order, side).turn for side in SIDES] == ["platform", "platform"]


@pytest.mark.parametrize("status", [Status.DISPUTED, Status.EXPIRED])
@pytest.mark.parametrize("side", SIDES)
def test_statuses_no_step_reaches_yet_have_words_too(status: Status, side: Role, buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    payment = PaymentStatus.DISPUTED if status == Status.DISPUTED else PaymentStatus.AWAIT_DEPOSIT
    Order.objects.filter(pk=order.pk).update(status=status, payment_status=payment)
    assert next_step(Order.objects.get(pk=order.pk), side).headline != ""


def test_a_moderator_reads_the_clients_words(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    assert next_step(order, Role.MODERATOR) == next_step(order, Role.CLIENT)


def test_amount_names_and_reference_are_filled_in(buyer: User):
    order = order_in(client=buyer, freelancer=UserFactory(full_name="Sam 100% Right"))
    assert next_step(order, Role.CLIENT).headline == "Pay 120.00\u00a0EUR, then hand in your proof"
    assert order.payment_reference in next_step(order, Role.CLIENT).text
    assert next_step(order, Role.FREELANCER).headline == "Waiting for Amara to pay"
    assert next_step(order, Role.CLIENT).deadline_at == order.created_at + timedelta(hours=72)


@pytest.mark.parametrize(("turn", "hours", "is_overdue"), [("you", -1, True), ("you", 1, False), ("nobody", -1, False)])
def test_a_step_is_overdue_while_somebody_is_awaited(turn: str, hours: int, is_overdue: bool):
    step = NextStep(turn, "", "", deadline_at=timezone.now() + timedelta(hours=hours), if_nobody="")
    assert step.is_overdue == is_overdue
