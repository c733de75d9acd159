"""What conversations ask about orders, and what pages hear of their steps."""

import uuid

import pytest
from django.utils import timezone

from messaging.exceptions import MessageRefused, NotReachable
from messaging.models import Block
from messaging.tests.test_conversations import say
from orders.states import Status
from orders.tests.factories import order_in


def test_a_message_carries_an_order_of_the_two_and_of_nobody_else(buyer, freelancer, stranger):
    order = order_in(client=buyer, freelancer=freelancer)
    assert say(freelancer, buyer, order_id=order.pk).order == order
    assert say(buyer, freelancer, order_id=order.pk).order == order
    for sender, receiver, pk in ((buyer, stranger, order.pk), (stranger, buyer, order.pk), (buyer, freelancer, uuid.uuid4())):
        with pytest.raises(MessageRefused, match="order"):
            say(sender, receiver, order_id=pk)


@pytest.mark.parametrize(
    ("status", "is_writable"), [(Status.PENDING_PAYMENT, False), (Status.IN_PROGRESS, True), (Status.COMPLETED, False)]
)
def test_an_order_that_was_paid_and_runs_stays_writable_over_a_block(buyer, freelancer, moderator, status, is_writable):
    order = order_in(status, client=buyer, freelancer=freelancer, verifier=moderator)
    Block.objects.create(blocker=buyer, blocked=freelancer, created_at=timezone.now())
    if is_writable:
        assert say(freelancer, buyer, order_id=order.pk).order == order
    else:
        with pytest.raises(NotReachable):
            say(freelancer, buyer, order_id=order.pk)


def test_both_sides_hear_of_each_step(buyer, freelancer, monkeypatch):
    heard = []
    monkeypatch.setattr("orders.services.change.publish", lambda *told: heard.append(told))
    order = order_in(client=buyer, freelancer=freelancer)
    event = {"type": "order.updated", "order": str(order.pk)}
    assert heard == [([f"person.{buyer.pk.hex}", f"person.{freelancer.pk.hex}"], event)]
