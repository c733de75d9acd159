"""The clocks of an order: every instant at which something happens by itself, from the order's row alone.

A clock with an action takes that step of the table; one without reminds people, once. `docs/orders.md` lists them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from orders.models import Order
from orders.selectors import LATE_AFTER
from orders.states import Action, PaymentStatus, Status

REMIND_REVIEW = timedelta(hours=12)
REMIND_ACCEPT = timedelta(hours=12)
REMIND_DUE = timedelta(hours=24)
WARN_APPROVAL = timedelta(hours=24)


@dataclass(frozen=True)
class Clock:
    """`at` is an instant (UTC). `action` is the step it takes, None for a reminder; "proposal" answers the open one."""

    name: str
    at: datetime
    action: Action | None = None


def next_clock(order: Order) -> datetime | None:
    """The earliest instant at which the order needs to be looked at: a step, or a reminder not sent yet. None: never."""
    done = order.reminded_until or order.created_at
    return min((clock.at for clock in clocks_of(order) if clock.action or clock.at > done), default=None)


def due_reminders(order: Order, now: datetime) -> list[Clock]:
    """The reminders whose instant has come and that were not sent yet."""
    done = order.reminded_until or order.created_at
    return [clock for clock in clocks_of(order) if clock.action is None and done < clock.at <= now]


def due_actions(order: Order, now: datetime) -> list[Clock]:
    """The steps whose instant has come."""
    return [clock for clock in clocks_of(order) if clock.action and clock.at <= now]


def clocks_of(order: Order) -> Iterator[Clock]:
    """Every clock of the order as it stands, past ones too."""
    if order.payment_status == PaymentStatus.DISPUTED:
        if order.dispute_by:
            yield Clock("dispute", order.dispute_by, Action.ADVANCE_DISPUTE)
        return
    yield from _CLOCKS.get(Status(order.status), _nothing)(order)
    if order.proposal_by:
        yield Clock("proposal", order.proposal_by, Action.DECLINE_PROPOSAL)


def _nothing(order: Order) -> Iterator[Clock]:
    yield from ()


def _pending_payment(order: Order) -> Iterator[Clock]:
    yield Clock("pay_by", order.pay_by)
    if order.payment_status == PaymentStatus.AWAIT_DEPOSIT:
        yield Clock("expire", order.pay_by + timedelta(hours=settings.EXPIRE_GRACE_HOURS), Action.EXPIRE)


def _payment_submitted(order: Order) -> Iterator[Clock]:
    if order.review_due_at:
        yield Clock("review_soon", order.review_due_at - REMIND_REVIEW)
        yield Clock("review_overdue", order.review_due_at)


def _payment_confirmed(order: Order) -> Iterator[Clock]:
    if order.accept_by:
        yield Clock("accept_soon", order.accept_by - REMIND_ACCEPT)
        yield Clock("accept_overdue", order.accept_by)


def _in_progress(order: Order) -> Iterator[Clock]:
    if order.paused_until:
        yield Clock("pause_over", order.paused_until, Action.RESUME)
    elif order.due_at:
        yield _due_soon(order, order.due_at)
        yield Clock("overdue", order.due_at)
        yield Clock("late", order.due_at + LATE_AFTER)


def _revision_requested(order: Order) -> Iterator[Clock]:
    if order.due_at:
        yield _due_soon(order, order.due_at)
        yield Clock("overdue", order.due_at)


def _due_soon(order: Order, due_at: datetime) -> Clock:
    """A day before, but not in the first half of the time: nobody is reminded of work they have just begun."""
    half_left = (due_at - order.started_at) / 2 if order.started_at else REMIND_DUE
    return Clock("due_soon", due_at - min(REMIND_DUE, half_left))


def _submitted(order: Order) -> Iterator[Clock]:
    if order.submitted_at and order.auto_approve_at:
        yield Clock("approval_half", order.submitted_at + (order.auto_approve_at - order.submitted_at) / 2)
        yield Clock("approval_soon", order.auto_approve_at - WARN_APPROVAL)
        yield Clock("auto_approve", order.auto_approve_at, Action.AUTO_APPROVE)


def _ended(order: Order) -> Iterator[Clock]:
    if order.hold_until and order.payment_status in (PaymentStatus.RELEASED, PaymentStatus.SPLIT):
        yield Clock("hold_over", order.hold_until)


_CLOCKS = {
    Status.PENDING_PAYMENT: _pending_payment,
    Status.PAYMENT_SUBMITTED: _payment_submitted,
    Status.PAYMENT_CONFIRMED: _payment_confirmed,
    Status.IN_PROGRESS: _in_progress,
    Status.REVISION_REQUESTED: _revision_requested,
    Status.SUBMITTED: _submitted,
    Status.COMPLETED: _ended,
    Status.CANCELLED: _ended,
}
