"""Orders in which one side has asked the other for something, or may leave, reached by calling the services."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.tests.factories import UserFactory
from orders.models import Order
from orders.services import payments, proposals


def paid_in_part(order: Order, received: str = "45") -> Order:
    staff = UserFactory(is_staff=True, is_superuser=True)
    return payments.record_partial(actor=staff, order_id=order.pk, seen=order.version, received_amount=Decimal(received))


def over(*instants: str) -> Callable[[Order], Order]:
    """The order with these instants of it a day and an hour ago."""

    def passed(order: Order) -> Order:
        Order.objects.filter(pk=order.pk).update(**dict.fromkeys(instants, timezone.now() - timedelta(hours=25)))
        return Order.objects.get(pk=order.pk)

    return passed


def asked_to_cancel(order: Order, share: str = "40") -> Order:
    """By the client, with `share` for the freelancer."""
    return proposals.propose_cancellation(
        actor=order.client, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(share), reason="It takes too long."
    )


def asked_for_time(order: Order, days: int = 3) -> Order:
    """By the freelancer."""
    return proposals.propose_extension(
        actor=order.freelancer, order_id=order.pk, seen=order.version, days=days, reason="I am ill."
    )


def asked_for_a_pause(order: Order, days: int = 3) -> Order:
    return proposals.ask_pause(actor=order.freelancer, order_id=order.pk, seen=order.version, days=days, question="Which colour?")


def paused(order: Order, days: int = 3) -> Order:
    order = asked_for_a_pause(order, days)
    return proposals.grant_pause(actor=order.client, order_id=order.pk, seen=order.version, answer="Teal.")
