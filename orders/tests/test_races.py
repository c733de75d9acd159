"""Two people at once, with real threads: exactly one wins, and the other is told so in words.

On PostgreSQL the row lock decides, on SQLite the one writer at a time (IMMEDIATE transactions); both must come out the same.
"""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from marketplace.exceptions import DomainError
from orders.exceptions import OrderMoved, ReferenceUsed
from orders.models import Order, OrderEvent, PaymentProof
from orders.services import lifecycle, payments
from orders.states import Status
from orders.tests.factories import PlatformMethodFactory, hand_in_proof, order_in, place

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 3


def at_once(*steps: Callable[[], object]) -> list[object]:
    """What each step returned, or the DomainError it met; anything else is a failure of the test."""
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], object]) -> object:
        start.wait()
        try:
            return step()
        except DomainError as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def one_winner(results: list[object], refusal: type[DomainError]) -> None:
    assert sorted(type(result).__name__ for result in results) == sorted(["Order", refusal.__name__])


def moderator() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


def order_at(status: Status) -> Order:
    return order_in(status, client=UserFactory(), freelancer=UserFactory(), verifier=moderator())


def confirm(order: Order, by: User) -> Callable[[], Order]:
    return lambda: payments.confirm_payment(
        actor=by, order_id=order.pk, seen=order.version, received_amount=order.expected_amount
    )


def reject(order: Order, by: User) -> Callable[[], Order]:
    return lambda: payments.reject_payment(actor=by, order_id=order.pk, seen=order.version, reason="not_found", note="No.")


def one_more_event(order: Order) -> None:
    assert OrderEvent.objects.filter(order=order).count() == order.version + 1
    assert Order.objects.get(pk=order.pk).version == order.version + 1


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_confirmations(_round: int):
    order = order_at(Status.PAYMENT_SUBMITTED)
    one_winner(at_once(confirm(order, moderator()), confirm(order, moderator())), OrderMoved)
    assert Order.objects.get().status == Status.PAYMENT_CONFIRMED
    one_more_event(order)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_first_signatures(_round: int, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    order = order_at(Status.PAYMENT_SUBMITTED)
    one_winner(at_once(confirm(order, moderator()), confirm(order, moderator())), OrderMoved)
    assert Order.objects.get().status == Status.PAYMENT_SUBMITTED
    one_more_event(order)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_proof_that_arrives_during_the_confirmation_does_not_pass_with_one_signature(_round: int, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    order = order_at(Status.PENDING_PAYMENT)
    ahead = {"actor": moderator(), "order_id": order.pk, "seen": order.version + 1, "received_amount": order.expected_amount}
    at_once(lambda: hand_in_proof(order), lambda: payments.confirm_payment(**ahead))
    assert Order.objects.get().status == Status.PAYMENT_SUBMITTED
    assert PaymentProof.objects.get().state == PaymentProof.State.SUBMITTED


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_confirm_against_reject(_round: int):
    order = order_at(Status.PAYMENT_SUBMITTED)
    one_winner(at_once(confirm(order, moderator()), reject(order, moderator())), OrderMoved)
    fresh, proof = Order.objects.get(), PaymentProof.objects.get()
    assert (fresh.status, proof.state) in [(Status.PAYMENT_CONFIRMED, "verified"), (Status.PENDING_PAYMENT, "rejected")]
    one_more_event(order)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_approve_against_request_revision(_round: int):
    order = order_at(Status.SUBMITTED)
    step = {"actor": order.client, "order_id": order.pk, "seen": order.version}
    results = at_once(lambda: lifecycle.approve(**step), lambda: lifecycle.request_revision(**step, items=["Rounder."]))
    one_winner(results, OrderMoved)
    fresh = Order.objects.get()
    assert (fresh.status == Status.COMPLETED) == (fresh.revision_requests.count() == 0)
    one_more_event(order)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_cancel_against_submit_payment(_round: int):
    order = order_at(Status.PENDING_PAYMENT)
    results = at_once(
        lambda: lifecycle.cancel(actor=order.freelancer, order_id=order.pk, seen=order.version), lambda: hand_in_proof(order)
    )
    one_winner(results, OrderMoved)
    fresh = Order.objects.get()
    assert (fresh.status == Status.CANCELLED) == (fresh.proofs.count() == 0)
    one_more_event(order)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_the_same_click_twice_at_once_is_one_step(_round: int):
    order = order_at(Status.PAYMENT_SUBMITTED)
    by = moderator()
    results = at_once(confirm(order, by), confirm(order, by))
    assert [type(result) for result in results] == [Order, Order]
    one_more_event(order)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_the_same_order_form_twice_at_once_places_one_order(_round: int):
    client, gig, method, key = UserFactory(), GigFactory(), PlatformMethodFactory(), uuid.uuid4()
    first, second = at_once(*[lambda: place(client, gig, method, placement_key=key)] * 2)
    assert first == second == Order.objects.get()


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_the_same_reference_for_two_orders_at_once(_round: int):
    method, freelancer = PlatformMethodFactory(), UserFactory()
    orders = [place(UserFactory(), GigFactory(freelancer=freelancer), method) for _ in range(2)]
    typed = ["FT 2308-1777", "ft23081777"]
    results = at_once(
        lambda: hand_in_proof(orders[0], transaction_reference=typed[0]),
        lambda: hand_in_proof(orders[1], transaction_reference=typed[1]),
    )
    one_winner(results, ReferenceUsed)
    assert PaymentProof.objects.count() == 1
    assert sorted(Order.objects.values_list("status", flat=True)) == ["PAYMENT_SUBMITTED", "PENDING_PAYMENT"]


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_orders_of_one_gig_at_once_are_two_orders(_round: int):
    gig, method = GigFactory(), PlatformMethodFactory()
    clients = [UserFactory(), UserFactory()]
    results = at_once(*[lambda client=client: place(client, gig, method) for client in clients])
    assert [type(result) for result in results] == [Order, Order]
    assert len({order.payment_reference for order in results}) == 2


def test_two_approvals_of_one_freelancer_at_once_both_count():
    freelancer, client = UserFactory(), UserFactory()
    gig = GigFactory(freelancer=freelancer)
    orders = [order_in(Status.SUBMITTED, client=client, freelancer=freelancer, gig=gig) for _ in range(2)]
    results = at_once(*[lambda o=o: lifecycle.approve(actor=client, order_id=o.pk, seen=o.version) for o in orders])
    assert [type(result) for result in results] == [Order, Order]
    assert freelancer.stats.orders_completed == 2
