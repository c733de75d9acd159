"""Two people at once, with real threads: exactly one wins, and the other is told so in words.

On PostgreSQL the row lock decides, on SQLite the one writer at a time (IMMEDIATE transactions); both must come out the same.
"""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from marketplace.exceptions import DomainError
from orders.exceptions import ActionNotAllowed, DisbursementRefused, OrderMoved, ReferenceUsed
from orders.models import Disbursement, Order, OrderEvent, PaymentProof
from orders.selectors.reconciliation import reconcile
from orders.services import deadlines, disputes, lifecycle, payments, payouts, rulings, settlements
from orders.services.payout_accounts import save_payout_account
from orders.states import Status
from orders.tests.disputing import REASON, STATEMENT, case_for
from orders.tests.factories import PlatformMethodFactory, hand_in_proof, order_in, place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]
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


# --- Every pair of the steps that move money or decide about it -------------------------------------------------------
@dataclass
class Scene:
    """An order that two people want to move at once, and a payout of its freelancer that waits to be sent."""

    client: User = field(default_factory=UserFactory)
    freelancer: User = field(default_factory=UserFactory)
    staff: tuple[User, User] = field(default_factory=lambda: (moderator(), moderator()))
    order: Order = field(init=False)
    payout: Disbursement | None = None

    def __post_init__(self) -> None:
        earlier = self.at(Status.COMPLETED)
        Order.objects.filter(pk=earlier.pk).update(hold_until=timezone.now() - timedelta(minutes=1))

    def at(self, status: Status) -> Order:
        return order_in(status, client=self.client, freelancer=self.freelancer, verifier=self.staff[0])

    def set_up(self, situation: str, *, with_payout: bool) -> None:
        self.order = SITUATIONS[situation](self)
        self.payout = self.approved_payout() if with_payout else None

    def approved_payout(self) -> Disbursement:
        account = {"kind": "bank", "currency": "EUR", "holder": "J", "account": "DE89370400440532013000"}
        to = save_payout_account(actor=self.freelancer, **account)
        row = payouts.request_payout(actor=self.freelancer, account_id=to.pk, amount=Decimal(10))
        return payouts.approve(actor=self.staff[0], row_id=row.pk, seen=row.version)

    @property
    def seen(self) -> dict[str, object]:
        return {"order_id": self.order.pk, "seen": self.order.version}

    def party(self, turn: int) -> User:
        return (self.client, self.freelancer)[turn]


def due_to_approve_itself(scene: Scene) -> Order:
    order = scene.at(Status.SUBMITTED)
    deadlines.process_due(now=order.auto_approve_at - timedelta(hours=24))  # warns the client
    return Order.objects.get(pk=order.pk)


def under_review(scene: Scene) -> Order:
    """The freelancer asks for 100, the client offers 40, and the moderator can rule."""
    order = case_for(scene.staff[0], scene.client, scene.freelancer)
    for turn, amount in ((1, "100"), (0, "40")):
        step = {"actor": scene.party(turn), "order_id": order.pk, "seen": order.version}
        order = settlements.offer_settlement(**step, freelancer_amount=Decimal(amount))
    return order


def rule_all_to(scene: Scene, turn: int) -> Order:
    parts = (Decimal(0), scene.order.expected_amount)
    amounts = {"freelancer_amount": parts[turn], "client_amount": parts[1 - turn]}
    return rulings.rule(actor=scene.staff[0], **scene.seen, **amounts, reason=REASON)


SITUATIONS: dict[str, Callable[[Scene], Order]] = {
    "unpaid": lambda scene: scene.at(Status.PENDING_PAYMENT),
    "being checked": lambda scene: scene.at(Status.PAYMENT_SUBMITTED),
    "delivered": due_to_approve_itself,
    "under review": under_review,
}
# Each step as the first (0) or second (1) of two takes it: by another person where two may, else with another wish.
TAKE: dict[str, Callable[[Scene, int], object]] = {
    "confirm": lambda s, turn: payments.confirm_payment(actor=s.staff[turn], **s.seen, received_amount=s.order.expected_amount),
    "reject": lambda s, turn: payments.reject_payment(actor=s.staff[turn], **s.seen, reason="not_found", note="No."),
    "cancel": lambda s, turn: lifecycle.cancel(actor=s.party(turn), **s.seen),
    "approve": lambda s, turn: lifecycle.approve(actor=s.client, **s.seen),
    "auto_approve": lambda s, turn: lifecycle.auto_approve(**s.seen, now=s.order.auto_approve_at or timezone.now()),
    "dispute": lambda s, turn: disputes.open_dispute(actor=s.party(turn), **s.seen, reason="not_as_agreed", statement=STATEMENT),
    "settle": lambda s, turn: settlements.accept_settlement(actor=s.party(turn), **s.seen),
    "rule": rule_all_to,
    "payout sent": lambda s, turn: payouts.send(actor=s.staff[turn], row_id=s.payout.pk, seen=s.payout.version, reference="B-1"),
}
# Where each can be taken. Of two that share no situation one is refused in any case; the race is run all the same, in the
# situation of either.
POSSIBLE_IN = {
    "confirm": "being checked",
    "reject": "being checked",
    "cancel": "unpaid",
    "approve": "delivered",
    "auto_approve": "delivered",
    "dispute": "delivered",
    "settle": "under review",
    "rule": "under review",
}
SAME_CLICK = {"approve", "auto_approve"}  # only one person, or the clock, can: the second time is quiet success


def breaches() -> dict[str, object]:
    return {result.check.name: result.rows for result in reconcile(now=timezone.now()) if result.rows}


@pytest.mark.postgres
@pytest.mark.parametrize("one", TAKE)
def test_of_two_steps_at_once_one_wins(one: str):
    scene = Scene()
    for other in list(TAKE)[list(TAKE).index(one) :]:  # each pair once, itself with itself too
        for situation in sorted({POSSIBLE_IN[step] for step in (one, other) if step in POSSIBLE_IN} or {"delivered"}):
            race(scene, situation, one, other)
            race(scene, situation, other, one)


def race(scene: Scene, situation: str, first: str, second: str) -> None:
    with_payout = "payout sent" in (first, second)
    scene.set_up(situation, with_payout=with_payout)
    results = at_once(lambda: TAKE[first](scene, 0), lambda: TAKE[second](scene, 1))
    told = f"{first} against {second}, {situation}: {results}"
    refusals = [result for result in results if isinstance(result, DomainError)]
    fresh = Order.objects.get(pk=scene.order.pk)
    if (first == second and first in SAME_CLICK) or (with_payout and first != second):  # of another order's money: both are right
        assert not refusals, told
    else:
        (refusal,) = refusals or [None]
        assert isinstance(refusal, (OrderMoved, ActionNotAllowed, DisbursementRefused)) and refusal.message, told
        winner = (first, second)[results.index(refusal) - 1]
        assert POSSIBLE_IN.get(winner, situation) == situation, told
    steps = 0 if first == second == "payout sent" else 1
    assert fresh.version == fresh.events.count() == scene.order.version + steps, told
    if scene.payout:
        payouts.confirm(actor=scene.freelancer, row_id=scene.payout.pk, seen=scene.payout.version + 1)
    assert not breaches(), told
