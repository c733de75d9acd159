"""The sweep over all orders: each clock fires once, no order stops another, and running it again changes nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.contrib.admin import site
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from messaging.models import Notification, OutgoingMail
from orders.admin.clocks import StuckClockFilter
from orders.models import Dispute, LedgerTransfer, Order, OrderEvent, Proposal, Receipt, Reminder
from orders.services import lifecycle
from orders.services.deadlines import PAUSES, process_due
from orders.services.receipts import issue_receipts
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.disputing import disputed
from orders.tests.factories import deliver, order_in
from orders.tests.many import Cast, copy_order, due_order
from orders.tests.test_escrow import holdings
from orders.tests.test_proposals import cancellation, changed, pause, paused
from orders.tests.test_races import at_once

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
OrderAt = Callable[..., Order]


@pytest.fixture
def order_at(buyer: User, freelancer: User) -> OrderAt:
    def make(status: Status, custody: Custody = Custody.PLATFORM) -> Order:
        return order_in(status, client=buyer, freelancer=freelancer, custody=custody)

    return make


def instant(order: Order, column: str) -> datetime:
    at: datetime = getattr(order, column)
    return at


def told(since: int) -> list[tuple[str, str]]:
    """Who was told what after so many notifications."""
    rows = Notification.objects.order_by("pk").select_related("user")[since:]
    return [(row.user.handle, row.kind) for row in rows]


def world() -> list[object]:
    """Everything a clock could change."""
    return [
        list(Order.objects.order_by("pk").values()),
        list(OrderEvent.objects.order_by("pk").values()),
        list(Reminder.objects.order_by("pk").values()),
        list(Proposal.objects.order_by("pk").values()),
        list(Dispute.objects.order_by("pk").values()),
        [LedgerTransfer.objects.count(), Notification.objects.count(), OutgoingMail.objects.count()],
    ]


def nothing_left(now: datetime) -> None:
    """Running it again, or a little later, changes nothing."""
    before = world()
    assert process_due(now=now) == {}
    assert process_due(now=now + MINUTE) == {}
    assert world() == before


# --- Steps ----------------------------------------------------------------------------------------------------------
def test_an_order_that_nobody_paid_expires_once(order_at: OrderAt, settings):
    order = order_at(Status.PENDING_PAYMENT)
    over = order.pay_by + timedelta(hours=settings.EXPIRE_GRACE_HOURS)
    assert process_due(now=over - MINUTE) == {"pay_by": 1}
    assert process_due(now=over) == {"expire": 1}
    order.refresh_from_db()
    assert (order.status, order.expired_at, order.next_clock_at) == (Status.EXPIRED, over, None)
    last = order.events.last()
    assert last is not None
    assert (last.action, last.actor, last.role, last.created_at) == (Action.EXPIRE, None, "T", over)
    nothing_left(over)


def test_a_reminder_is_moot_where_the_order_expires_in_the_same_run(order_at: OrderAt):
    order = order_at(Status.PENDING_PAYMENT)
    assert process_due(now=order.pay_by + 10 * DAY) == {"expire": 1}
    assert not Reminder.objects.exists()


def test_an_order_whose_proof_is_being_checked_never_expires(order_at: OrderAt):
    order = order_at(Status.PAYMENT_SUBMITTED)
    assert process_due(now=order.pay_by + 30 * DAY) == {"review_overdue": 1}
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.PAYMENT_SUBMITTED, PaymentStatus.AWAIT_DEPOSIT)


@pytest.mark.parametrize("custody", Custody)
def test_a_delivery_that_nobody_decides_about_approves_itself(custody: Custody, order_at: OrderAt):
    order = order_at(Status.SUBMITTED, custody)
    due, before = instant(order, "auto_approve_at"), Notification.objects.count()
    assert process_due(now=due - 4 * DAY) == {}
    assert process_due(now=due - 3.5 * DAY) == {"approval_half": 1}
    assert process_due(now=due - DAY) == {"approval_soon": 1}
    assert process_due(now=due - MINUTE) == {}
    assert process_due(now=due) == {"auto_approve": 1}
    order.refresh_from_db()
    assert (order.status, order.completed_at) == (Status.COMPLETED, due)
    if custody == Custody.PLATFORM:
        assert holdings(order) == {"outside": -120, "balance": 120 - order.escrow_fee_pct * 120 / 100, "fees": 12}
    kinds = [kind for handle, kind in told(before) if handle == order.client.handle]
    assert kinds == ["orders.approval_half", "orders.approval_soon", "orders.auto_approved"]
    nothing_left(due)


def test_a_client_who_was_not_warned_in_time_has_a_day_after_the_warning(order_at: OrderAt):
    order = order_at(Status.SUBMITTED)
    late = instant(order, "auto_approve_at") + 3 * DAY
    assert process_due(now=late) == {"approval_soon": 1}
    order.refresh_from_db()
    assert (order.status, order.auto_approve_at, order.next_clock_at) == (Status.SUBMITTED, late + DAY, late + DAY)
    assert order.clock_failures == 0
    nothing_left(late)
    assert process_due(now=late + DAY) == {"auto_approve": 1}


def test_a_warning_sent_late_moves_the_end_so_that_a_day_is_left(order_at: OrderAt):
    order = order_at(Status.SUBMITTED)
    late = instant(order, "auto_approve_at") - 5 * HOUR
    assert process_due(now=late) == {"approval_soon": 1}
    order.refresh_from_db()
    assert order.auto_approve_at == late + DAY
    assert process_due(now=late + DAY - MINUTE) == {}
    assert process_due(now=late + DAY) == {"auto_approve": 1}


def test_a_delivery_does_not_approve_itself_while_a_request_is_open(order_at: OrderAt):
    order = order_at(Status.SUBMITTED)
    due = instant(order, "auto_approve_at")
    process_due(now=due - DAY)
    order = cancellation(changed(order), order.client)
    changed(order, proposal_by=due + 10 * HOUR, next_clock_at=due)
    Proposal.objects.update(respond_by=due + 10 * HOUR)
    process_due(now=due)
    order.refresh_from_db()
    assert (order.status, order.auto_approve_at) == (Status.SUBMITTED, due + 34 * HOUR)
    assert process_due(now=due + 10 * HOUR) == {"proposal": 1, "approval_soon": 1}
    assert process_due(now=due + 34 * HOUR) == {"auto_approve": 1}


def test_a_second_delivery_is_warned_of_anew(order_at: OrderAt):
    order = order_at(Status.SUBMITTED)
    process_due(now=instant(order, "auto_approve_at") - DAY)
    order = lifecycle.request_revision(actor=order.client, order_id=order.pk, seen=order.version, items=["Rounder."])
    order = deliver(order)
    again = instant(order, "auto_approve_at")
    changed(order, submitted_at=again - 7 * DAY)
    Reminder.objects.update(sent_at=again - 20 * DAY)
    assert process_due(now=again) == {"approval_soon": 1}
    order.refresh_from_db()
    assert order.status == Status.SUBMITTED


def test_a_pause_ends_by_itself(order_at: OrderAt):
    order = paused(order_at(Status.IN_PROGRESS), days=4)
    before, over = instant(order, "due_at"), instant(order, "paused_until")
    assert process_due(now=over) == {"pause_over": 1}
    order.refresh_from_db()
    assert (order.paused_at, order.due_at) == (None, before + 4 * DAY)
    nothing_left(over)


def test_silence_answers_a_request(order_at: OrderAt):
    order = pause(order_at(Status.IN_PROGRESS))
    over = instant(order, "proposal_by")
    assert process_due(now=over) == {"proposal": 1}
    order.refresh_from_db()
    assert order.paused_at == over
    assert order.proposals.get().state == Proposal.State.ACCEPTED
    nothing_left(over)


def test_a_dispute_moves_on_and_is_never_ruled(order_at: OrderAt):
    order = disputed(order_at(Status.IN_PROGRESS), order_at(Status.IN_PROGRESS).client)
    seen = []
    for _ in range(6):
        order.refresh_from_db()
        assert process_due(now=instant(order, "next_clock_at"))["dispute"] == 1
        seen.append(order.disputes.get().state)
    assert seen[-1] == Dispute.State.UNDER_REVIEW
    order.refresh_from_db()
    assert (order.status, order.payment_status) == (Status.DISPUTED, PaymentStatus.DISPUTED)
    assert holdings(order)["escrow"] == 240


# --- Reminders ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "column", "before", "clock", "who"),
    [
        (Status.PENDING_PAYMENT, "pay_by", 0 * HOUR, "pay_by", ["amara"]),
        (Status.PAYMENT_SUBMITTED, "review_due_at", 12 * HOUR, "review_soon", ["ingrid"]),
        (Status.PAYMENT_SUBMITTED, "review_due_at", 0 * HOUR, "review_overdue", ["amara", "ingrid"]),
        (Status.PAYMENT_CONFIRMED, "accept_by", 12 * HOUR, "accept_soon", ["jose"]),
        (Status.PAYMENT_CONFIRMED, "accept_by", 0 * HOUR, "accept_overdue", ["amara", "jose"]),
        (Status.IN_PROGRESS, "due_at", DAY, "due_soon", ["jose"]),
        (Status.IN_PROGRESS, "due_at", 0 * HOUR, "overdue", ["amara", "jose"]),
        (Status.COMPLETED, "hold_until", 0 * HOUR, "hold_over", ["jose"]),
    ],
)
def test_each_reminder_reaches_its_people_once(
    status: Status, column: str, before: timedelta, clock: str, who: list[str], order_at: OrderAt, moderator: User
):
    order = order_at(status)
    at, since = instant(order, column) - before, Notification.objects.count()
    changed(order, reminded_until=at - MINUTE, next_clock_at=at)
    assert process_due(now=at - MINUTE) == {}
    assert process_due(now=at) == {clock: 1}
    cast = {"amara", "jose", "ingrid"}
    assert sorted({handle for handle, _kind in told(since)} & cast) == who
    reminder = order.reminders.get()
    assert (reminder.clock, reminder.clock_at, reminder.sent_at) == (clock, at, at)
    order.refresh_from_db()
    assert (order.status, order.version) == (status, order.events.count())
    nothing_left(at)


def test_a_late_order_tells_the_client_that_they_may_leave(order_at: OrderAt):
    order = order_at(Status.IN_PROGRESS)
    at, since = instant(order, "due_at") + DAY, Notification.objects.count()
    changed(order, reminded_until=at - MINUTE, next_clock_at=at)
    assert process_due(now=at) == {"late": 1}
    assert told(since) == [("amara", "orders.late")]


def test_after_a_standstill_of_the_machine_only_what_is_still_true_is_sent(order_at: OrderAt):
    order = order_at(Status.IN_PROGRESS)
    since = Notification.objects.count()
    assert process_due(now=instant(order, "due_at") + 7 * DAY) == {"overdue": 1, "late": 1}
    assert {kind for _handle, kind in told(since)} == {"orders.overdue", "orders.late"}


def test_a_reminder_that_was_sent_is_not_sent_again_when_the_clock_is_set_back(order_at: OrderAt):
    order = order_at(Status.IN_PROGRESS)
    at = instant(order, "due_at")
    process_due(now=at)
    changed(order, reminded_until=at - 2 * DAY, next_clock_at=at - DAY)
    before = Notification.objects.count()
    assert process_due(now=at) == {}
    assert Notification.objects.count() == before


# --- One bad row, dry runs, many workers ----------------------------------------------------------------------------
def plant_a_fault(order: Order) -> None:
    """An order whose money is not there: releasing it fails."""
    changed(order, funded_amount=order.expected_amount - 1)


def warned(order: Order) -> datetime:
    due = instant(order, "auto_approve_at")
    process_due(now=due - DAY)
    return due


def test_a_bad_row_stops_no_other_and_is_tried_again_after_growing_pauses(order_at: OrderAt):
    bad, good = order_at(Status.SUBMITTED), order_at(Status.SUBMITTED)
    due = instant(good, "auto_approve_at")
    process_due(now=due - DAY)
    plant_a_fault(bad)
    assert process_due(now=due) == {"failed": 1, "auto_approve": 1}
    good.refresh_from_db()
    assert good.status == Status.COMPLETED
    at = due
    for failures, pause_ in enumerate([*PAUSES, PAUSES[-1]], 1):
        bad.refresh_from_db()
        assert (bad.status, bad.clock_failures, bad.next_clock_at) == (Status.SUBMITTED, failures, at + pause_)
        assert bad.clock_error.startswith("ValueError: ")
        assert process_due(now=at + pause_ - MINUTE / 2) == {}
        at += pause_
        assert process_due(now=at) == {"failed": 1}
    assert bad.transfers.count() == 1
    changed(bad, funded_amount=bad.expected_amount)
    assert process_due(now=at + PAUSES[-1]) == {"auto_approve": 1}
    bad.refresh_from_db()
    assert (bad.status, bad.clock_failures, bad.clock_error) == (Status.COMPLETED, 0, "")


def test_a_clock_that_does_not_move_is_a_failure_and_no_endless_loop(order_at: OrderAt, settings):
    order = order_at(Status.PENDING_PAYMENT)
    at = order.pay_by + 2 * DAY
    changed(order, next_clock_at=at - DAY)
    Order.objects.filter(pk=order.pk).update(status=Status.IN_PROGRESS, payment_status=PaymentStatus.FUNDS_HELD, paused_until=at)
    assert process_due(now=at) == {"failed": 1}
    order.refresh_from_db()
    assert (order.clock_failures, order.next_clock_at) == (1, at + PAUSES[0])


def test_a_dry_run_says_what_would_happen_and_changes_nothing(order_at: OrderAt):
    bad, delivered = order_at(Status.SUBMITTED), order_at(Status.SUBMITTED)
    now = warned(delivered)
    plant_a_fault(bad)
    unpaid = order_at(Status.PENDING_PAYMENT)
    changed(unpaid, pay_by=now - 2 * DAY, next_clock_at=now - 2 * DAY)
    before = world()
    assert process_due(now=now, dry_run=True) == {"expire": 1, "auto_approve": 1, "failed": 1}
    assert world() == before
    assert process_due(now=now) == {"expire": 1, "auto_approve": 1, "failed": 1}


def test_a_limit_leaves_the_rest_for_the_next_run(order_at: OrderAt):
    orders = [order_at(Status.PENDING_PAYMENT) for _ in range(3)]
    now = orders[-1].pay_by + 10 * DAY
    assert process_due(now=now, limit=2) == {"expire": 2}
    assert process_due(now=now, limit=2) == {"expire": 1}


def test_more_orders_than_a_batch_all_fire(db: None):
    cast, now = Cast(size=3), timezone.now()
    copy_order(due_order(cast, "expire", now), 449, cast)
    assert process_due(now=now) == {"expire": 450}
    assert Order.objects.filter(status=Status.EXPIRED, version=2).count() == 450
    assert process_due(now=now) == {}


def test_orders_that_approve_themselves_by_the_thousand_take_few_statements_each(db: None):
    cast, now = Cast(size=1), timezone.now()
    copy_order(due_order(cast, "auto_approve", now), 3, cast)
    process_due(now=now, limit=1)  # opens the freelancer's account and the counters
    asked = []
    for limit in (1, 2):
        with CaptureQueriesContext(connection) as captured:
            assert process_due(now=now, limit=limit) == {"auto_approve": limit}
        asked.append(len(captured))
    assert asked[1] - asked[0] <= 17


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_fire_every_clock_once():
    cast, now = Cast(size=3), timezone.now()
    for clock in ("auto_approve", "expire", "overdue"):
        copy_order(due_order(cast, clock, now), 19, cast)
    counts = at_once(*[lambda: process_due(now=now)] * 2)
    total = counts[0] + counts[1]
    while more := process_due(now=now):  # what one of them held while the other passed by
        total += more
    assert total == {"auto_approve": 20, "expire": 20, "overdue": 20}
    assert LedgerTransfer.objects.filter(kind="release").count() == 20
    assert Reminder.objects.filter(clock="overdue").count() == 20
    assert cast.freelancer.stats.orders_completed == 7
    assert Order.objects.filter(clock_failures__gt=0).count() == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_clock_against_the_client_exactly_one_approves():
    cast, now = Cast(size=1), timezone.now()
    order = due_order(cast, "auto_approve", now)
    step = {"actor": order.client, "order_id": order.pk, "seen": order.version}
    at_once(lambda: process_due(now=now), lambda: lifecycle.approve(**step))
    assert OrderEvent.objects.filter(order=order, to_status=Status.COMPLETED).count() == 1
    assert LedgerTransfer.objects.filter(order=order, kind="release").count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_number_receipts_without_gaps():
    cast = Cast(size=3)
    copy_order(cast.order_in(Status.PAYMENT_CONFIRMED), 49, cast)
    at_once(*[lambda: issue_receipts(now=timezone.now())] * 3)
    assert list(Receipt.objects.values_list("number", flat=True)) == list(range(1, 51))


# --- The command ----------------------------------------------------------------------------------------------------
def run(*arguments: str) -> str:
    out = StringIO()
    call_command("process_deadlines", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_fires_for_the_instant_it_is_given(order_at: OrderAt):
    order = order_at(Status.PENDING_PAYMENT)
    now = (order.pay_by + 10 * DAY).isoformat()
    assert run() == "nothing due\n"
    assert run("--now", now, "--dry-run") == f"{order.payment_reference}: expire\nwould fire: 1 expire\n"
    assert run("--now", now) == "1 expire\n"
    order.refresh_from_db()
    assert order.status == Status.EXPIRED


def test_the_command_names_the_orders_that_failed(order_at: OrderAt):
    order = order_at(Status.SUBMITTED)
    due = warned(order)
    plant_a_fault(order)
    assert run("--now", due.isoformat()).startswith(f"{order.payment_reference}: ValueError: ")


@pytest.mark.parametrize("now", ["2026-11-21T12:00:00", "tomorrow", "2026-13-01T00:00:00Z"])
def test_the_command_takes_only_instants_with_a_time_zone(now: str, db: None):
    with pytest.raises(CommandError, match="argument --now"):
        run("--now", now)


def test_the_command_issues_receipts(order_at: OrderAt):
    order = order_at(Status.PAYMENT_CONFIRMED)
    out = StringIO()
    call_command("issue_receipts", stdout=out)
    assert out.getvalue() == "1 issued\n"
    assert order.receipt.number == 1


# --- What moderators see of it --------------------------------------------------------------------------------------
def test_moderators_find_the_orders_whose_clock_went_wrong(order_at: OrderAt):
    bad, _good = order_at(Status.SUBMITTED), order_at(Status.SUBMITTED)
    due = warned(bad)
    plant_a_fault(bad)
    process_due(now=due)
    for chosen, found in (("stuck", [bad]), (None, list(Order.objects.all()))):
        wanted = StuckClockFilter(RequestFactory().get("/"), {"clock": [chosen]} if chosen else {}, Order, site._registry[Order])
        assert list(wanted.queryset(RequestFactory().get("/"), Order.objects.all())) == found
