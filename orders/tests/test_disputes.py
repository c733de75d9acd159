"""Disputes from the opening to the withdrawal: who may what when, the clocks, and what each side may read."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from messaging.models import Notification
from orders.exceptions import ActionNotAllowed, DisputeRefused, OrderMoved, TooEarly
from orders.models import Dispute, Order
from orders.selectors.disputes import action_to_open, list_statements_for
from orders.services import disputes, lifecycle
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.disputing import STATEMENT, advanced, answered, disputed, everything, money, reviewed
from orders.tests.factories import order_in

State = Dispute.State


@pytest.fixture
def working(buyer: User, freelancer: User) -> Order:
    return order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)


@pytest.fixture
def delivered(buyer: User, freelancer: User) -> Order:
    return order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)


@pytest.fixture
def completed(buyer: User, freelancer: User) -> Order:
    return order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)


def the_case(order: Order) -> Dispute:
    return Dispute.objects.select_related("order").get(order=order)


def dispute_it(order: Order, by: User, **changes: object) -> Order:
    wishes = {"reason": "fraud", "statement": STATEMENT, **changes}
    return disputes.dispute_completed(actor=by, order_id=order.pk, seen=order.version, **wishes)


def refused(order: Order, error: type[Exception], call, **wishes: object) -> None:
    """The call is refused, and nothing has changed."""
    before = everything()
    with pytest.raises(error):
        call(order_id=order.pk, seen=order.version, **wishes)
    assert everything() == before


# --- Opening --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.SUBMITTED, Status.REVISION_REQUESTED])
@pytest.mark.parametrize("opener", ["client", "freelancer"])
@pytest.mark.parametrize("custody", Custody)
def test_either_side_opens_a_dispute_of_a_running_order(
    buyer: User, freelancer: User, status: Status, opener: str, custody: Custody
):
    order = order_in(status, client=buyer, freelancer=freelancer, custody=custody)
    before, funds = order.payment_status, money(order)
    order = disputed(order, getattr(order, opener), wanted_amount=Decimal("40"))
    assert (order.status, order.payment_status) == (Status.DISPUTED, PaymentStatus.DISPUTED)
    case = the_case(order)
    assert (case.number, case.state, case.reason) == (1, State.AWAITING_RESPONSE, "not_as_agreed")
    assert (case.status_before, case.payment_status_before) == (status, before)
    assert case.answer_by == order.dispute_by == order.next_clock_at == case.opened_at + timedelta(hours=72)
    statement = case.statements.get()
    assert (statement.author, statement.text, statement.wanted_amount) == (getattr(order, opener), STATEMENT, Decimal("40"))
    assert money(order) == funds
    event = order.events.latest("number")
    assert (event.action, event.note, event.data["reason"]) == (Action.OPEN_DISPUTE, "", "not_as_agreed")


def test_all_clocks_of_the_order_stand_still(working: Order, buyer: User):
    due = working.due_at
    order = disputed(working, buyer)
    assert order.due_at is None
    assert the_case(order).frozen == {"due_at": (due - the_case(order).opened_at).total_seconds()}


def test_a_running_pause_ends_and_its_time_is_given_back(working: Order, buyer: User):
    paused = timezone.now() - timedelta(days=1)
    Order.objects.filter(pk=working.pk).update(paused_at=paused, paused_until=paused + timedelta(days=3))
    order = disputed(working, buyer)
    assert (order.paused_at, order.paused_until) == (None, None)
    case = the_case(order)
    given_back = working.due_at + (case.opened_at - paused)
    assert case.frozen["due_at"] == pytest.approx((given_back - case.opened_at).total_seconds())


@pytest.mark.parametrize("status", [Status.PENDING_PAYMENT, Status.PAYMENT_SUBMITTED, Status.PAYMENT_CONFIRMED, Status.COMPLETED])
def test_an_order_that_is_not_running_is_not_disputed(buyer: User, freelancer: User, status: Status):
    order = order_in(status, client=buyer, freelancer=freelancer)
    wishes = {"actor": buyer, "reason": "other", "statement": STATEMENT}
    refused(order, ActionNotAllowed, disputes.open_dispute, **wishes)


def test_strangers_and_moderators_open_no_dispute_of_a_running_order(delivered: Order, stranger: User, moderator: User):
    for person in (stranger, moderator):
        refused(delivered, ActionNotAllowed, disputes.open_dispute, actor=person, reason="other", statement=STATEMENT)


@pytest.mark.parametrize(
    "wrong", [{"statement": "x" * 49}, {"statement": " " * 80}, {"reason": "bored"}, {"wanted_amount": Decimal("120.01")}]
)
def test_an_opening_without_reason_words_or_sense_is_refused(delivered: Order, buyer: User, wrong: dict[str, object]):
    wishes = {"reason": "other", "statement": STATEMENT, **wrong}
    refused(delivered, DisputeRefused, disputes.open_dispute, actor=buyer, **wishes)


def test_a_double_click_opens_one_dispute(delivered: Order, buyer: User):
    disputed(delivered, buyer)
    disputed(delivered, buyer)
    assert Dispute.objects.count() == 1


def test_whoever_has_not_seen_the_dispute_is_told(delivered: Order, buyer: User, freelancer: User):
    disputed(delivered, buyer)
    with pytest.raises(OrderMoved):
        disputed(delivered, freelancer)
    with pytest.raises(OrderMoved):
        lifecycle.approve(actor=buyer, order_id=delivered.pk, seen=delivered.version)
    assert Dispute.objects.count() == 1


def test_a_direct_payment_is_disputed_only_after_its_check_is_overdue(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    wishes = {"actor": buyer, "reason": "payment", "statement": STATEMENT}
    refused(order, TooEarly, disputes.open_dispute, **wishes)
    assert action_to_open(buyer, order) is None
    Order.objects.filter(pk=order.pk).update(review_due_at=timezone.now() - timedelta(hours=1))
    order.refresh_from_db()
    assert action_to_open(buyer, order) == Action.OPEN_DISPUTE
    assert disputed(order, buyer, reason="payment").status == Status.DISPUTED
    assert the_case(order).frozen["review_due_at"] < 0


# --- A completed order ------------------------------------------------------------------------------------------------
def test_a_completed_order_is_disputed_while_the_hold_runs(completed: Order, buyer: User, freelancer: User):
    assert money(completed) == {"balance": Decimal("108"), "fees": Decimal("12")}
    hold = completed.hold_until
    order = dispute_it(completed, buyer)
    assert (order.status, order.payment_status, order.hold_until) == (Status.COMPLETED, PaymentStatus.DISPUTED, None)
    assert money(order) == {"escrow": Decimal("120")}
    case = the_case(order)
    assert case.state == State.AWAITING_RESPONSE
    assert case.frozen == {"hold_until": (hold - case.opened_at).total_seconds()}


def test_after_the_hold_it_is_too_late(completed: Order, buyer: User):
    Order.objects.filter(pk=completed.pk).update(hold_until=timezone.now() - timedelta(seconds=1))
    completed.refresh_from_db()
    refused(completed, DisputeRefused, disputes.dispute_completed, actor=buyer, reason="fraud", statement=STATEMENT)
    assert action_to_open(buyer, completed) is None


def test_taste_is_no_reason_after_the_approval(completed: Order, buyer: User):
    refused(completed, DisputeRefused, disputes.dispute_completed, actor=buyer, reason="not_as_agreed", statement=STATEMENT)


def test_the_freelancer_does_not_dispute_a_completed_order(completed: Order, freelancer: User):
    refused(completed, ActionNotAllowed, disputes.dispute_completed, actor=freelancer, reason="fraud", statement=STATEMENT)


def test_a_moderator_opens_it_and_asks_both_sides(completed: Order, buyer: User, freelancer: User, moderator: User):
    order = dispute_it(completed, moderator, reason="reversal")
    case = the_case(order)
    assert (case.state, case.opened_by) == (State.OPEN, moderator)
    assert [s.author for s in list_statements_for(buyer, case)] == [moderator]
    order = answered(order, buyer)
    assert the_case(order).state == State.AWAITING_RESPONSE
    assert [s.author for s in list_statements_for(freelancer, case)] == [moderator]
    order = answered(order, freelancer)
    assert the_case(order).state == State.EVIDENCE
    assert list_statements_for(buyer, the_case(order)).count() == 3


def test_a_direct_order_is_disputed_without_any_ledger_line(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    order = dispute_it(order, buyer)
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.DISPUTED)
    assert not order.transfers.exists()


def test_money_that_is_not_there_any_more_is_not_disputed(completed: Order, buyer: User, monkeypatch: pytest.MonkeyPatch):
    dispute_it(completed, buyer)
    with pytest.raises(OrderMoved):
        dispute_it(completed, buyer, statement=STATEMENT + " Again.")
    assert money(completed) == {"escrow": Decimal("120")}


# --- Statements -------------------------------------------------------------------------------------------------------
def test_nobody_reads_the_other_side_before_both_have_written(delivered: Order, buyer: User, freelancer: User, moderator: User):
    order = disputed(delivered, buyer)
    case = the_case(order)
    assert [s.author for s in list_statements_for(buyer, case)] == [buyer]
    assert list(list_statements_for(freelancer, case)) == []
    assert [s.author for s in list_statements_for(moderator, case)] == [buyer]
    order = answered(order, freelancer, wanted_amount=Decimal("120"))
    case = the_case(order)
    assert case.state == State.EVIDENCE
    assert case.evidence_until == order.dispute_by
    for person in (buyer, freelancer):
        assert [s.author for s in list_statements_for(person, case)] == [buyer, freelancer]


def test_a_stranger_reads_nothing(delivered: Order, buyer: User, freelancer: User, stranger: User):
    order = answered(disputed(delivered, buyer), freelancer)
    assert list(list_statements_for(stranger, the_case(order))) == []


def test_a_dispute_withdrawn_before_the_answer_shows_its_statement_to_nobody(delivered: Order, buyer: User, freelancer: User):
    order = disputed(delivered, buyer)
    disputes.withdraw_dispute(actor=buyer, order_id=order.pk, seen=order.version)
    assert list(list_statements_for(freelancer, the_case(order))) == []


def test_a_side_writes_one_statement(delivered: Order, buyer: User, freelancer: User):
    order = disputed(delivered, buyer)
    refused(order, DisputeRefused, disputes.answer_dispute, actor=buyer, statement="And another thing.")
    refused(order, DisputeRefused, disputes.answer_dispute, actor=freelancer, statement="  ")


def test_after_the_time_to_answer_there_is_only_evidence(delivered: Order, buyer: User, freelancer: User):
    order = advanced(advanced(disputed(delivered, buyer)))
    assert the_case(order).state == State.EVIDENCE
    refused(order, DisputeRefused, disputes.answer_dispute, actor=freelancer, statement="I was away.")
    assert [s.author for s in list_statements_for(freelancer, the_case(order))] == [buyer]


# --- The clock ----------------------------------------------------------------------------------------------------------
def test_the_clock_reminds_then_goes_on_then_hands_over_and_never_rules(delivered: Order, buyer: User, freelancer: User):
    order = disputed(delivered, buyer)
    opened = the_case(order).opened_at
    Notification.objects.all().delete()
    order = advanced(order)
    assert (the_case(order).state, the_case(order).answer_reminded_at) == (State.AWAITING_RESPONSE, opened + timedelta(hours=72))
    reminded = Notification.objects.filter(kind="orders.dispute_answer_missing")
    assert [row.user for row in reminded] == [freelancer]
    assert order.dispute_by == opened + timedelta(days=5)
    order = advanced(order)
    assert (the_case(order).state, the_case(order).evidence_until) == (State.EVIDENCE, opened + timedelta(days=12))
    order = advanced(order)
    assert (the_case(order).state, the_case(order).rule_by) == (State.UNDER_REVIEW, opened + timedelta(days=26))
    for day in range(1, 4):
        order = advanced(order)
        assert order.dispute_by == opened + timedelta(days=26 + day)
    assert (the_case(order).state, order.status) == (State.UNDER_REVIEW, Status.DISPUTED)
    assert money(order) == {"escrow": Decimal("120")}


def test_the_clock_does_nothing_early(delivered: Order, buyer: User):
    order = disputed(delivered, buyer)
    refused(order, TooEarly, disputes.advance_dispute, now=order.dispute_by - timedelta(seconds=1))


def test_a_late_reminder_still_leaves_a_day(delivered: Order, buyer: User):
    order = disputed(delivered, buyer)
    late = the_case(order).opened_at + timedelta(days=9)
    order = disputes.advance_dispute(order_id=order.pk, seen=order.version, now=late)
    assert (the_case(order).state, order.dispute_by) == (State.AWAITING_RESPONSE, late + timedelta(hours=24))


# --- Withdrawing --------------------------------------------------------------------------------------------------------
def clocks(order: Order) -> dict[str, datetime | None]:
    return {name: getattr(order, name) for name in disputes.FROZEN}


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.SUBMITTED, Status.REVISION_REQUESTED])
@pytest.mark.parametrize("custody", Custody)
def test_after_a_withdrawal_all_is_as_before_with_the_time_that_was_left(
    buyer: User, freelancer: User, status: Status, custody: Custody
):
    order = order_in(status, client=buyer, freelancer=freelancer, custody=custody)
    before, funds, left = (order.status, order.payment_status), money(order), clocks(order)
    opened = disputed(order, buyer)
    order = disputes.withdraw_dispute(actor=buyer, order_id=order.pk, seen=opened.version, note="We talked.")
    case = the_case(order)
    assert (order.status, order.payment_status) == before
    assert money(order) == funds
    assert (case.state, order.dispute_by) == (State.WITHDRAWN, None)
    stood_still = case.closed_at - case.opened_at
    assert clocks(order) == {name: at and at + stood_still for name, at in left.items()}
    assert order.events.latest("number").note == "We talked."


def test_a_withdrawn_dispute_of_a_completed_order_releases_the_money_again(completed: Order, buyer: User, moderator: User):
    hold = completed.hold_until
    order = dispute_it(completed, moderator)
    refused(order, DisputeRefused, disputes.withdraw_dispute, actor=buyer)
    order = disputes.withdraw_dispute(actor=moderator, order_id=order.pk, seen=order.version)
    case = the_case(order)
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.RELEASED)
    assert money(order) == {"balance": Decimal("108"), "fees": Decimal("12")}
    assert order.hold_until == hold + (case.closed_at - case.opened_at)
    assert dispute_it(order, buyer).payment_status == PaymentStatus.DISPUTED


def test_only_the_opener_withdraws(delivered: Order, buyer: User, freelancer: User, moderator: User, stranger: User):
    order = disputed(delivered, buyer)
    refused(order, DisputeRefused, disputes.withdraw_dispute, actor=freelancer)
    refused(order, DisputeRefused, disputes.withdraw_dispute, actor=moderator)
    refused(order, ActionNotAllowed, disputes.withdraw_dispute, actor=stranger)


def test_a_direct_payment_goes_back_to_its_check(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    Order.objects.filter(pk=order.pk).update(review_due_at=timezone.now() - timedelta(hours=1))
    order = disputed(order, buyer, reason="payment")
    order = disputes.withdraw_dispute(actor=buyer, order_id=order.pk, seen=order.version)
    assert (order.status, order.payment_status) == (Status.PAYMENT_SUBMITTED, PaymentStatus.AWAIT_DEPOSIT)
    assert order.review_due_at < timezone.now()


def test_another_dispute_gets_its_own_number(delivered: Order, buyer: User, freelancer: User):
    order = disputed(delivered, buyer)
    order = disputes.withdraw_dispute(actor=buyer, order_id=order.pk, seen=order.version)
    order = disputed(order, freelancer)
    assert [case.number for case in order.disputes.order_by("number")] == [1, 2]
    assert reviewed(order).disputes.latest("number").state == State.UNDER_REVIEW


def test_the_fee_an_order_names_is_the_one_it_is_released_with(completed: Order):
    assert money(completed)["fees"] == completed.fee_on(Decimal("120")) == Decimal("12.00")
