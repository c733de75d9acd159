"""How many orders one client may have without paying, however they come in."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.api import bearer
from accounts.tests.factories import UserFactory
from gigs.models import Gig
from gigs.tests.factories import GigFactory
from marketplace.settings import ORDER_LIMITS as LIMITS
from messaging.models import Notification
from orders.exceptions import TooManyPlaced, TooManyUnpaid
from orders.models import Order, PaymentMethod
from orders.selectors import gig_terms
from orders.services import lifecycle, payments
from orders.states import Status
from orders.tests.factories import PlatformMethodFactory, hand_in_proof, order_in, place, place_many
from orders.tests.proposing import paid_in_part
from orders.tests.test_races import at_once


@pytest.fixture(autouse=True)
def usual_limits(settings) -> None:
    settings.ORDER_LIMITS = LIMITS


@pytest.fixture
def method(db: None) -> PaymentMethod:
    return PlatformMethodFactory()


@pytest.fixture
def gig(freelancer: User) -> Gig:
    return GigFactory(freelancer=freelancer)


def cancelled(order: Order) -> Order:
    return lifecycle.cancel(actor=order.client, order_id=order.pk, seen=order.version)


def refused(refusal: type[Exception], client: User, gig: Gig, method: PaymentMethod) -> str:
    """In what words; nothing is left behind, and nobody hears of it."""
    before = Order.objects.count(), Notification.objects.count()
    with pytest.raises(refusal) as caught:
        place(client, gig, method)
    assert (Order.objects.count(), Notification.objects.count()) == before
    return str(caught.value)


def test_so_many_wait_for_a_first_payment_with_one_freelancer(buyer: User, gig: Gig, method: PaymentMethod):
    orders = [place(buyer, gig, method) for _ in range(LIMITS["unpaid_one"])]
    words = refused(TooManyUnpaid, buyer, gig, method)
    assert words == (
        "5 of your orders with this freelancer wait for a first payment. Pay or cancel one before you place another: "
        f"{gig.title} ({orders[0].payment_reference}) has to be paid next."
    )
    refused(TooManyUnpaid, buyer, GigFactory(freelancer=gig.freelancer), method)
    place(buyer, GigFactory(), method)
    place(UserFactory(), gig, method)


def test_so_many_wait_for_a_first_payment_in_all(buyer: User, gig: Gig, method: PaymentMethod):
    place_many(LIMITS["unpaid"] - 1, buyer, GigFactory(), method)
    first = place(buyer, gig, method)
    Order.objects.filter(pk=first.pk).update(pay_by=timezone.now())
    words = refused(TooManyUnpaid, buyer, GigFactory(), method)
    assert words.startswith("20 of your orders wait for a first payment. Pay or cancel one")
    assert first.payment_reference in words


@pytest.mark.parametrize("step", ["cancel", "pay"])
def test_one_that_is_paid_or_cancelled_makes_room(step: str, buyer: User, gig: Gig, method: PaymentMethod):
    orders = [place(buyer, gig, method) for _ in range(LIMITS["unpaid_one"])]
    cancelled(orders[0]) if step == "cancel" else hand_in_proof(orders[0])
    place(buyer, gig, method)
    refused(TooManyUnpaid, buyer, gig, method)


def test_one_whose_proof_was_rejected_waits_again(buyer: User, gig: Gig, method: PaymentMethod, moderator: User):
    orders = [place(buyer, gig, method) for _ in range(LIMITS["unpaid_one"])]
    sent = hand_in_proof(orders[0])
    payments.reject_payment(actor=moderator, order_id=sent.pk, seen=sent.version, reason="unreadable", note="Blurred.")
    refused(TooManyUnpaid, buyer, gig, method)


def test_one_that_is_paid_in_part_does_not_wait_for_a_first_payment(buyer: User, gig: Gig, method: PaymentMethod):
    orders = [place(buyer, gig, method) for _ in range(LIMITS["unpaid_one"])]
    assert paid_in_part(hand_in_proof(orders[0])).status == Status.PENDING_PAYMENT
    place(buyer, gig, method)


def test_orders_that_run_are_not_counted(buyer: User, gig: Gig, method: PaymentMethod, moderator: User):
    for _ in range(LIMITS["day_one"]):
        order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=gig.freelancer, gig=gig, verifier=moderator)
    place(buyer, gig, method)


def test_placing_and_cancelling_ends_with_one_freelancer_for_a_day(buyer: User, gig: Gig, method: PaymentMethod):
    for _ in range(LIMITS["day_one"]):
        cancelled(place(buyer, gig, method))
    assert refused(TooManyPlaced, buyer, gig, method) == (
        "You have placed 10 orders with this freelancer within a day that are not paid. Try again tomorrow."
    )
    place(buyer, GigFactory(), method)
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=False):
        place(buyer, gig, method)


def test_placing_and_cancelling_ends_for_a_day(buyer: User, gig: Gig, method: PaymentMethod):
    for order in place_many(LIMITS["day"], buyer, GigFactory(), method):
        cancelled(order)
    assert refused(TooManyPlaced, buyer, gig, method) == (
        "You have placed 40 orders within a day that are not paid. Try again tomorrow."
    )


def test_the_same_form_again_shows_its_order_though_there_is_no_room(buyer: User, gig: Gig, method: PaymentMethod):
    orders = [place(buyer, gig, method) for _ in range(LIMITS["unpaid_one"])]
    assert place(buyer, gig, method, placement_key=orders[-1].placement_key) == orders[-1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize("_round", range(3))
def test_of_two_at_once_one_finds_the_last_room_gone(_round: int, settings):
    settings.ORDER_LIMITS = LIMITS | {"unpaid": 2}
    client, method = UserFactory(), PlatformMethodFactory()
    place(client, GigFactory(), method)
    gigs = [GigFactory(), GigFactory()]  # no gig holds the one back for the other
    results = at_once(*[lambda gig=gig: place(client, gig, method) for gig in gigs])
    assert sorted(type(result).__name__ for result in results) == ["Order", "TooManyUnpaid"]
    assert Order.objects.count() == 2


def test_the_page_says_so_and_leads_to_the_orders_in_the_way(buyer: User, gig: Gig, method: PaymentMethod, sign_in):
    Gig.objects.filter(pk=gig.pk).update(title="<b>Bold</b>")
    gig.refresh_from_db()
    orders = [place(buyer, gig, method) for _ in range(LIMITS["unpaid_one"])]
    browser: Client = sign_in(buyer)
    wishes = {"payment_method": str(method.pk), "terms": gig_terms(gig), "placement_key": "7d0e8f5c-36f5-4d7c-a1a1-33bb2f4f2f57"}
    answer = browser.post(reverse("orders:place", args=[gig.pk]), wishes)
    page = answer.content.decode()
    assert (answer.status_code, Order.objects.count()) == (422, LIMITS["unpaid_one"])
    assert f"&lt;b&gt;Bold&lt;/b&gt; ({orders[0].payment_reference}) has to be paid next." in page
    way_out = "/orders/?side=buying&amp;tab=open"
    assert f'<a href="{way_out}">Show my open orders</a>' in page
    assert orders[0].get_absolute_url() in browser.get("/orders/?side=buying&tab=open").content.decode()


def test_a_program_is_told_409_while_they_wait(buyer: User, gig: Gig, method: PaymentMethod):
    for _ in range(LIMITS["unpaid_one"]):
        place(buyer, gig, method)
    answer = order_by_program(buyer, gig, method)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_unpaid_orders")


def test_a_program_is_told_429_when_it_places_and_cancels_without_end(buyer: User, gig: Gig, method: PaymentMethod):
    for _ in range(LIMITS["day_one"]):
        cancelled(place(buyer, gig, method))
    answer = order_by_program(buyer, gig, method)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_orders_today")
    assert answer["Retry-After"] == "86400"


def order_by_program(client: User, gig: Gig, method: PaymentMethod):
    asked = {"gig_id": str(gig.pk), "payment_method_id": str(method.pk)}
    return bearer(client).post("/api/orders", asked, content_type="application/json")
