"""Every clock of an order, read from its row alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.clocks import clocks_of, due_actions, due_reminders, next_clock
from orders.models import Order
from orders.states import Action, PaymentStatus, Status

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def row(status: Status, payment_status: PaymentStatus = PaymentStatus.FUNDS_HELD, **instants: Any) -> Order:
    """An order that was never saved: clocks look at nothing else."""
    return Order(status=status, payment_status=payment_status, created_at=NOW - 30 * DAY, pay_by=NOW - 27 * DAY, **instants)


def named(order: Order) -> dict[str, datetime]:
    return {clock.name: clock.at for clock in clocks_of(order)}


def test_an_unpaid_order_reminds_and_then_expires_after_the_grace(settings):
    settings.EXPIRE_GRACE_HOURS = 24
    order = row(Status.PENDING_PAYMENT, PaymentStatus.AWAIT_DEPOSIT)
    order.pay_by = NOW
    assert named(order) == {"pay_by": NOW, "expire": NOW + DAY}


def test_an_order_paid_in_part_never_expires():
    order = row(Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED)
    assert named(order) == {"pay_by": order.pay_by}


@pytest.mark.parametrize(
    ("status", "instants", "clocks"),
    [
        (Status.PAYMENT_SUBMITTED, {"review_due_at": NOW}, {"review_soon": NOW - 12 * HOUR, "review_overdue": NOW}),
        (Status.PAYMENT_CONFIRMED, {"accept_by": NOW}, {"accept_soon": NOW - 12 * HOUR, "accept_overdue": NOW}),
        (Status.IN_PROGRESS, {"due_at": NOW}, {"due_soon": NOW - DAY, "overdue": NOW, "late": NOW + DAY}),
        (Status.IN_PROGRESS, {"due_at": NOW, "paused_until": NOW + DAY}, {"pause_over": NOW + DAY}),
        (Status.REVISION_REQUESTED, {"due_at": NOW}, {"due_soon": NOW - DAY, "overdue": NOW}),
        (
            Status.SUBMITTED,
            {"submitted_at": NOW - 7 * DAY, "auto_approve_at": NOW},
            {"approval_half": NOW - 3.5 * DAY, "approval_soon": NOW - DAY, "auto_approve": NOW},
        ),
        (Status.IN_PROGRESS, {"proposal_by": NOW}, {"proposal": NOW}),
        (Status.CANCELLED, {}, {}),
        (Status.EXPIRED, {}, {}),
    ],
)
def test_the_clocks_of_each_status(status: Status, instants: dict[str, datetime], clocks: dict[str, datetime]):
    assert named(row(status, **instants)) == clocks


def test_a_completed_order_tells_when_the_hold_is_over_if_money_was_released():
    assert named(row(Status.COMPLETED, PaymentStatus.RELEASED, hold_until=NOW)) == {"hold_over": NOW}
    assert named(row(Status.COMPLETED, PaymentStatus.SPLIT, hold_until=NOW)) == {"hold_over": NOW}
    assert named(row(Status.COMPLETED, PaymentStatus.PAID_DIRECT, hold_until=NOW)) == {}


def test_in_a_dispute_only_the_disputes_clock_runs():
    running = {"due_at": NOW, "auto_approve_at": NOW, "submitted_at": NOW - DAY, "proposal_by": NOW, "hold_until": NOW}
    for status in (Status.DISPUTED, Status.COMPLETED):
        assert named(row(status, PaymentStatus.DISPUTED, **running)) == {}
        assert named(row(status, PaymentStatus.DISPUTED, dispute_by=NOW + HOUR, **running)) == {"dispute": NOW + HOUR}


@pytest.mark.parametrize("status", Status)
def test_a_clock_that_confirms_a_payment_or_rules_a_dispute_does_not_exist(status: Status):
    instants = [
        "review_due_at",
        "accept_by",
        "due_at",
        "submitted_at",
        "auto_approve_at",
        "hold_until",
        "proposal_by",
        "dispute_by",
    ]
    orders = [row(status, payment, **dict.fromkeys(instants, NOW)) for payment in PaymentStatus]
    steps = {clock.action for order in orders for clock in clocks_of(order)}
    assert steps <= {None, Action.EXPIRE, Action.AUTO_APPROVE, Action.RESUME, Action.DECLINE_PROPOSAL, Action.ADVANCE_DISPUTE}


def test_the_next_clock_is_the_earliest_that_is_not_done():
    order = row(Status.IN_PROGRESS, due_at=NOW)
    assert next_clock(order) == NOW - DAY
    order.reminded_until = NOW - DAY
    assert next_clock(order) == NOW
    order.reminded_until = NOW + 2 * DAY
    assert next_clock(order) is None


@pytest.mark.parametrize(("hours", "before"), [(24, 12), (36, 18), (48, 24), (72, 24), (240, 24)])
def test_nobody_is_reminded_in_the_first_half_of_the_time(hours: int, before: int):
    order = row(Status.IN_PROGRESS, started_at=NOW - hours * HOUR, due_at=NOW)
    assert named(order)["due_soon"] == NOW - before * HOUR
    order.reminded_until = order.started_at
    assert due_reminders(order, NOW - hours * HOUR) == []
    assert next_clock(order) == NOW - before * HOUR


def test_a_step_stays_due_until_it_is_taken():
    order = row(Status.SUBMITTED, submitted_at=NOW - 7 * DAY, auto_approve_at=NOW, reminded_until=NOW + DAY)
    assert next_clock(order) == NOW
    assert [clock.name for clock in due_actions(order, NOW)] == ["auto_approve"]
    assert due_actions(order, NOW - HOUR) == []


def test_reminders_are_due_once():
    order = row(Status.IN_PROGRESS, due_at=NOW)
    assert [clock.name for clock in due_reminders(order, NOW)] == ["due_soon", "overdue"]
    order.reminded_until = NOW - DAY
    assert [clock.name for clock in due_reminders(order, NOW)] == ["overdue"]
    order.reminded_until = NOW
    assert due_reminders(order, NOW) == []
