"""The clocks of orders, fired when their instant has come: steps first, then the reminders that still make sense.

Any number of workers may do this at once, and repeating it changes nothing: each order is a transaction of its own on its locked
row, and a row that somebody else holds is passed over; the next run finds it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from marketplace.background import waking_once
from orders.clocks import WARN_APPROVAL, Clock, due_actions, due_reminders, next_clock
from orders.models import Order, Reminder
from orders.selectors import WARNED_BEFORE, may_approve_itself
from orders.services import disputes, lifecycle, proposals
from orders.services.telling import remind

log = structlog.get_logger(__name__)

BATCH = 200
PAUSES = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12)]
MOST_STEPS = 5  # of one order in one run, after a long standstill
STEPS: dict[str, Callable[..., Order]] = {
    "expire": lifecycle.expire,
    "auto_approve": lifecycle.auto_approve,
    "pause_over": partial(proposals.resume, actor=None),
    "proposal": proposals.answer_silence,
    "dispute": disputes.advance_dispute,
}
TAKES_LOCKED = {"expire", "auto_approve"}  # the two that come by the thousand take the row as it was claimed
OVERTAKEN_BY = {  # a reminder is moot where a later one of the same clock is due as well
    "review_soon": "review_overdue",
    "accept_soon": "accept_overdue",
    "due_soon": "overdue",
    "approval_half": "approval_soon",
}


class ClockStuckError(Exception):
    """A clock is due again at once after it has fired: something is wrong with the order."""


@dataclass(frozen=True)
class Fired:
    """What became of one order: the names of its clocks that fired, or the error."""

    reference: str
    clocks: Sequence[str] = ()
    error: str = ""


def process_due(
    *, now: datetime, limit: int | None = None, dry_run: bool = False, report: Callable[[Fired], None] | None = None
) -> Counter[str]:
    """Fire what is due at `now` of at most `limit` orders; counts by name of clock, and orders that went wrong as "failed".

    `report` hears what became of each order. One that fails is logged and put back for growing pauses; the others go on. With
    `dry_run` all of it is done and taken back again.
    """
    counts: Counter[str] = Counter()
    with waking_once():
        for order in islice(_due(now), limit):
            fired = _fire_alone(order, now, dry_run)
            counts.update(["failed"] if fired.error else fired.clocks)
            if report:
                report(fired)
    return counts


def _due(now: datetime) -> Iterator[Order]:
    """Orders with a clock that is due, the longest waiting first, read in batches."""
    rows = Order.objects.filter(next_clock_at__isnull=False, next_clock_at__lte=now).order_by("next_clock_at", "pk")
    rows = rows.select_related("client", "freelancer").prefetch_related("reminders")
    batch = list(rows[:BATCH])
    while batch:
        pk, at = batch[-1].pk, batch[-1].next_clock_at
        yield from batch
        later = Q(next_clock_at__gt=at) | Q(next_clock_at=at, pk__gt=pk)
        batch = list(rows.filter(later, next_clock_at__gte=at)[:BATCH])


def _fire_alone(order: Order, now: datetime, dry_run: bool) -> Fired:
    """Whatever is wrong with one order must not stop the others."""
    at = order.next_clock_at
    try:
        return Fired(order.payment_reference, clocks=_fire(order, now, dry_run))
    except Exception as failure:
        log.exception("clock failed", order=order.payment_reference)
        if not dry_run:
            _put_back(order.pk, at, now, failure)
        return Fired(order.payment_reference, error=_in_words(failure))


@transaction.atomic
def _fire(order: Order, now: datetime, dry_run: bool) -> list[str]:
    """The names of the clocks of one order that fired; none where somebody else holds it or was faster."""
    fired: list[str] = []
    if not _claim(order):
        return fired
    while clock := _due_step(order, now):
        if len(fired) == MOST_STEPS:
            raise ClockStuckError(f"{clock.name} is due after {fired}")
        if clock.name == "auto_approve" and not may_approve_itself(order, now):
            _give_another_day(order, now)
            continue
        held = {"locked": order} if clock.name in TAKES_LOCKED else {}
        order = STEPS[clock.name](order_id=order.pk, seen=order.version, now=now, **held)
        fired.append(clock.name)
    reminders = due_reminders(order, now)
    fired += _remind(order, reminders, now)
    if reminders or not fired:
        _wind(order, now)
    if order.next_clock_at and order.next_clock_at <= now:
        raise ClockStuckError(f"{order.next_clock_at} is still due after {fired}")
    if dry_run:
        transaction.set_rollback(True)
    return fired


def _claim(order: Order) -> bool:
    """Lock the row if nobody holds it and it is as it was read. (SQLite has one writer at a time instead.)"""
    free = Order.objects.select_for_update(of=("self",), skip_locked=True).order_by()
    same = free.filter(pk=order.pk, version=order.version, next_clock_at=order.next_clock_at)
    return bool(same.values_list("pk"))


def _due_step(order: Order, now: datetime) -> Clock | None:
    return min(due_actions(order, now), key=lambda clock: clock.at, default=None)


def _give_another_day(order: Order, now: datetime) -> None:
    """The delivery may not approve itself yet: the client was not warned a day ahead, or a request of either side is open.

    It does so a day after the warning that follows now, or after the request is answered.
    """
    order.auto_approve_at = max(order.proposal_by or now, now) + WARN_APPROVAL
    order.save(update_fields=["auto_approve_at", "updated_at"])


def _remind(order: Order, due: list[Clock], now: datetime) -> list[str]:
    """Tell people of what is due; the names of the reminders. Each is sent once."""
    names = {clock.name for clock in due}
    if "approval_soon" in names and order.auto_approve_at and order.auto_approve_at - now < WARNED_BEFORE:
        _give_another_day(order, now)
    known = {(row.clock, row.clock_at) for row in order.reminders.all()} if due else set()
    to_send = [clock for clock in due if OVERTAKEN_BY.get(clock.name) not in names and (clock.name, clock.at) not in known]
    for clock in to_send:
        Reminder.objects.create(order=order, clock=clock.name, clock_at=clock.at, sent_at=now)
        remind(order, clock.name, clock.at)
    return [clock.name for clock in to_send]


def _wind(order: Order, now: datetime) -> None:
    """Note that all reminders up to now are done, and when the order is to be looked at again."""
    order.reminded_until, order.clock_failures, order.clock_error = now, 0, ""
    order.next_clock_at = next_clock(order)
    order.save(update_fields=["reminded_until", "next_clock_at", "clock_failures", "clock_error"])


@transaction.atomic
def _put_back(order_id: UUID, at: datetime | None, now: datetime, failure: Exception) -> None:
    """Look at a failed order again after a pause that grows, unless somebody has moved it since."""
    order = Order.objects.select_for_update(of=("self",)).filter(pk=order_id, next_clock_at=at).first()
    if order is None:
        return
    order.next_clock_at = now + PAUSES[min(order.clock_failures, len(PAUSES) - 1)]
    order.clock_failures += 1
    order.clock_error = _in_words(failure)
    order.save(update_fields=["next_clock_at", "clock_failures", "clock_error"])


def _in_words(failure: Exception) -> str:
    width = Order._meta.get_field("clock_error").max_length
    return f"{type(failure).__name__}: {failure}".replace("\x00", "")[:width]
