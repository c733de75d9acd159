"""What each step of an order does to the money, to the last cent of the ledger."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from gigs.tests.factories import GigFactory
from orders import ledger
from orders.exceptions import ActionNotAllowed, AmountMismatch, NotEnoughMoney, TooEarly
from orders.models import Disbursement, LedgerAccount, LedgerEntry, LedgerTransfer, Order, OrderEvent
from orders.services import lifecycle, payments
from orders.services.change import Detail, change_order_status
from orders.services.escrow import finish_escrow, reclaim_escrow
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.factories import deliver, hand_in_proof, order_in

HELD = [Status.PAYMENT_CONFIRMED, Status.IN_PROGRESS, Status.SUBMITTED, Status.REVISION_REQUESTED]


@pytest.fixture
def submitted(buyer: User, freelancer: User) -> Order:
    return order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)


def holdings(order: Order) -> dict[str, Decimal]:
    """What every account holds in the order's currency, the empty ones left out."""
    units: dict[str, int] = {}
    for entry in LedgerEntry.objects.filter(account__currency=order.currency).select_related("account"):
        units[entry.account.kind] = units.get(entry.account.kind, 0) + entry.amount
    for account in LedgerAccount.objects.exclude(balance=None):
        assert account.balance == sum(account.entries.values_list("amount", flat=True)), account
    return {kind: Decimal(amount) / 100 for kind, amount in units.items() if amount}


def refunds(order: Order) -> list[tuple[str, Decimal]]:
    return [(row.reason, row.amount) for row in order.disbursements.all()]


def seen(order: Order) -> dict[str, object]:
    return {"order_id": order.pk, "seen": order.version}


def with_fee(order: Order, percent: str) -> Order:
    Order.objects.filter(pk=order.pk).update(escrow_fee_pct=Decimal(percent))
    order.refresh_from_db()
    return order


def test_a_confirmed_payment_is_a_deposit_with_its_proof(submitted: Order, moderator: User):
    order = payments.confirm_payment(actor=moderator, **seen(submitted), received_amount=Decimal(120))
    assert holdings(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}
    transfer = order.transfers.get()
    assert (transfer.kind, transfer.proof, transfer.actor) == ("deposit", order.proofs.get(), moderator)
    assert transfer.event_number == order.version == OrderEvent.objects.get(order=order, action="confirm_payment").number
    assert (order.funded_amount, order.amount_due) == (Decimal(120), Decimal(0))


def test_a_part_is_held_and_the_rest_completes_it(submitted: Order, moderator: User):
    part = payments.record_partial(actor=moderator, **seen(submitted), received_amount=Decimal("45.50"))
    assert (part.status, part.payment_status) == (Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED)
    assert (part.amount_due, holdings(part)["escrow"]) == (Decimal("74.50"), Decimal("45.50"))
    assert part.pay_by > timezone.now() + timedelta(hours=71)
    second = hand_in_proof(part, amount=Decimal("74.50"))
    whole = payments.confirm_payment(actor=moderator, **seen(second), received_amount=Decimal("74.50"))
    assert (whole.payment_status, holdings(whole)["escrow"]) == (PaymentStatus.FUNDS_HELD, Decimal(120))
    assert list(whole.proofs.values_list("state", "verified_amount")) == [
        ("verified", Decimal("45.5")),
        ("verified", Decimal("74.5")),
    ]


@pytest.mark.parametrize("amount", ["120", "120.01", "0"])
def test_what_is_no_part_is_not_recorded_as_one(amount: str, submitted: Order, moderator: User):
    with pytest.raises(AmountMismatch):
        payments.record_partial(actor=moderator, **seen(submitted), received_amount=Decimal(amount))
    assert not LedgerTransfer.objects.exists()
    assert Order.objects.get().version == submitted.version


def test_a_part_is_never_recorded_under_direct_custody(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    with pytest.raises(ActionNotAllowed):
        payments.record_partial(actor=freelancer, **seen(order), received_amount=Decimal(1))


def test_more_than_was_due_is_refused_until_the_verifier_says_so(submitted: Order, moderator: User):
    with pytest.raises(AmountMismatch):
        payments.confirm_payment(actor=moderator, **seen(submitted), received_amount=Decimal(150))
    assert not LedgerTransfer.objects.exists()
    order = payments.confirm_payment(actor=moderator, **seen(submitted), received_amount=Decimal(150), more_arrived=True)
    assert holdings(order) == {"outside": Decimal(-150), "escrow": Decimal(120), "refundable": Decimal(30)}
    assert refunds(order) == [("surplus", Decimal(30))]


def test_the_surplus_of_a_direct_payment_is_owed_by_the_freelancer_and_on_no_ledger(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    order = payments.confirm_payment(actor=freelancer, **seen(order), received_amount=Decimal(150), more_arrived=True)
    refund = order.disbursements.get()
    assert (refund.amount, refund.person, refund.payer) == (Decimal(30), buyer, freelancer)
    assert not LedgerTransfer.objects.exists()


def test_an_order_paid_in_part_is_left_with_the_part_back(submitted: Order, buyer: User, moderator: User):
    part = payments.record_partial(actor=moderator, **seen(submitted), received_amount=Decimal(20))
    with pytest.raises(ActionNotAllowed):
        lifecycle.cancel(actor=buyer, **seen(part))
    order = lifecycle.cancel_partial(actor=buyer, **seen(part))
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.REFUNDED)
    assert holdings(order) == {"outside": Decimal(-20), "refundable": Decimal(20)}
    assert refunds(order) == [("partial", Decimal(20))]


@pytest.mark.parametrize(
    ("percent", "fee", "rest"),
    [("0", "0", "120"), ("10", "12", "108"), ("12.35", "14.82", "105.18"), ("0.01", "0.01", "119.99"), ("100", "120", "0")],
)
def test_an_approved_order_pays_the_freelancer_less_the_fee(percent: str, fee: str, rest: str, buyer: User, freelancer: User):
    order = with_fee(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer), percent)
    order = lifecycle.approve(actor=buyer, **seen(order))
    expected = {"outside": Decimal(-120), "balance": Decimal(rest), "fees": Decimal(fee)}
    assert holdings(order) == {kind: amount for kind, amount in expected.items() if amount}
    assert order.payment_status == PaymentStatus.RELEASED


@pytest.mark.parametrize("price", ["0.01", "0.05", "1.05", "33.33", "99.99"])
def test_no_cent_is_lost_to_rounding(price: str, buyer: User, freelancer: User):
    gig = GigFactory(freelancer=freelancer, price=Decimal(price), currency="EUR")
    order = with_fee(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer, gig=gig), "10")
    order = lifecycle.approve(actor=buyer, **seen(order))
    held = holdings(order)
    assert held.get("balance", 0) + held.get("fees", 0) == Decimal(price)
    assert "escrow" not in held


def test_a_declined_order_is_refunded_whole(buyer: User, freelancer: User):
    order = with_fee(order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer), "10")
    order = lifecycle.decline(actor=freelancer, **seen(order), note="I am ill.")
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.REFUNDED)
    assert holdings(order) == {"outside": Decimal(-120), "refundable": Decimal(120)}
    assert refunds(order) == [("declined", Decimal(120))]


def test_the_client_cancels_a_paid_order_only_after_the_time_to_start(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    with pytest.raises(TooEarly):
        lifecycle.decline(actor=buyer, **seen(order))
    assert not order.disbursements.exists()
    Order.objects.update(accept_by=timezone.now() - timedelta(seconds=1))
    assert lifecycle.decline(actor=buyer, **seen(order)).payment_status == PaymentStatus.REFUNDED


def test_a_declined_direct_order_leaves_a_debt_of_the_freelancer(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    order = lifecycle.decline(actor=freelancer, **seen(order))
    assert order.payment_status == PaymentStatus.REFUND_DUE
    refund = order.disbursements.get()
    assert (refund.amount, refund.payer, refund.state) == (Decimal(120), freelancer, "requested")
    assert not LedgerTransfer.objects.exists()


def late(order: Order, **by: int) -> Order:
    Order.objects.filter(pk=order.pk).update(due_at=timezone.now() - timedelta(**by))
    order.refresh_from_db()
    return order


def test_a_day_late_and_nothing_delivered_the_client_may_leave(buyer: User, freelancer: User):
    order = late(order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer), hours=25)
    order = lifecycle.cancel_late(actor=buyer, **seen(order))
    assert holdings(order) == {"outside": Decimal(-120), "refundable": Decimal(120)}
    assert refunds(order) == [("late", Decimal(120))]


def test_late_by_less_than_a_day_or_paused_the_client_stays(buyer: User, freelancer: User):
    order = late(order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer), hours=23)
    with pytest.raises(TooEarly):
        lifecycle.cancel_late(actor=buyer, **seen(order))
    Order.objects.update(due_at=timezone.now() - timedelta(days=3), paused_at=timezone.now())
    with pytest.raises(TooEarly):
        lifecycle.cancel_late(actor=buyer, **seen(order))
    assert holdings(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


def test_once_delivered_lateness_refunds_nothing(buyer: User, freelancer: User):
    order = late(order_in(Status.REVISION_REQUESTED, client=buyer, freelancer=freelancer), days=9)
    with pytest.raises(ActionNotAllowed):
        lifecycle.cancel_late(actor=buyer, **seen(order))


def test_the_clock_expires_only_what_nobody_paid(buyer: User, freelancer: User, settings):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    grace = timedelta(hours=settings.EXPIRE_GRACE_HOURS)
    with pytest.raises(TooEarly):
        lifecycle.expire(**seen(order), now=order.pay_by + grace - timedelta(seconds=1))
    order = lifecycle.expire(**seen(order), now=order.pay_by + grace)
    assert (order.status, order.expired_at) == (Status.EXPIRED, order.pay_by + grace)
    event = order.events.latest("number")
    assert (event.actor, event.role) == (None, "T")


def test_an_order_paid_in_part_never_expires(submitted: Order, moderator: User):
    part = payments.record_partial(actor=moderator, **seen(submitted), received_amount=Decimal(20))
    with pytest.raises(ActionNotAllowed):
        lifecycle.expire(**seen(part), now=part.pay_by + timedelta(days=99))
    assert Order.objects.get().status == Status.PENDING_PAYMENT


def test_late_money_reopens_an_expired_order(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    order = lifecycle.expire(**seen(order), now=order.pay_by + timedelta(days=2))
    found = {"transaction_reference": "LATE 1", "payer_name": "A Okafor", "amount": Decimal(120), "paid_at": timezone.now()}
    with pytest.raises(ActionNotAllowed):
        payments.enter_payment(action=Action.REOPEN, actor=buyer, **seen(order), **found)
    order = payments.enter_payment(action=Action.REOPEN, actor=moderator, **seen(order), **found, note="Came a week late.")
    assert (order.status, order.expired_at) == (Status.PAYMENT_SUBMITTED, None)
    order = payments.confirm_payment(actor=moderator, **seen(order), received_amount=Decimal(120))
    order = lifecycle.decline(actor=freelancer, **seen(order))
    assert holdings(order) == {"outside": Decimal(-120), "refundable": Decimal(120)}


def test_a_moderator_enters_the_payment_a_client_forgot_to_show(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    found = {"transaction_reference": "FT 77", "payer_name": "A Okafor", "amount": Decimal(120), "paid_at": timezone.now()}
    order = payments.enter_payment(action=Action.RECORD_PAYMENT, actor=moderator, **seen(order), **found)
    proof = order.proofs.get()
    assert (order.status, proof.entered_by, proof.receipt.name) == (Status.PAYMENT_SUBMITTED, moderator, "")


def test_the_clock_approves_only_after_the_client_was_warned(buyer: User, freelancer: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    due = order.auto_approve_at
    with pytest.raises(TooEarly):
        lifecycle.auto_approve(**seen(order), now=due)
    order.reminders.create(clock="approval_soon", clock_at=due - timedelta(hours=24), sent_at=due - timedelta(hours=24))
    with pytest.raises(TooEarly):
        lifecycle.auto_approve(**seen(order), now=due - timedelta(seconds=1))
    order = lifecycle.auto_approve(**seen(order), now=due)
    assert (order.status, order.payment_status, order.completed_at) == (Status.COMPLETED, PaymentStatus.RELEASED, due)


def test_a_warning_about_an_earlier_delivery_does_not_count(buyer: User, freelancer: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    before = order.submitted_at - timedelta(days=2)
    order.reminders.create(clock="approval_soon", clock_at=before, sent_at=before)
    with pytest.raises(TooEarly):
        lifecycle.auto_approve(**seen(order), now=order.auto_approve_at)


@pytest.mark.parametrize("status", HELD)
@pytest.mark.parametrize(("part", "leads"), [("0", "REFUNDED"), ("0.01", "SPLIT"), ("50.05", "SPLIT"), ("120", "RELEASED")])
def test_dividing_and_taking_back_leaves_the_escrow_whole(status: Status, part: str, leads: str, buyer: User, freelancer: User):
    order = with_fee(order_in(status, client=buyer, freelancer=freelancer), "10")
    freelancer_amount, now = Decimal(part), timezone.now()
    payment_status = finish_escrow(
        order=order, freelancer_amount=freelancer_amount, reason=Disbursement.Reason.RULED, actor=None, now=now
    )
    assert payment_status == leads
    held = holdings(order)
    fee = Decimal("5.00") if part == "50.05" else Decimal("12") if part == "120" else Decimal(0)  # half of a cent goes to even
    assert held.get("fees", 0) == fee
    assert held.get("balance", 0) == freelancer_amount - fee
    assert held.get("refundable", 0) == Decimal(120) - freelancer_amount
    order.version += 1  # the next step
    reclaim_escrow(order=order, actor=buyer, now=now)
    assert holdings(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}
    assert not order.disbursements.exclude(state="withdrawn").exists()


def test_what_has_left_the_balance_cannot_be_taken_back(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    place = ledger.balance(freelancer.pk, "EUR")
    held = ledger.amount_in(place)
    payout = Disbursement.objects.create(
        kind="payout", reason="payout", person=freelancer, amount=held, currency="EUR", created_at=timezone.now()
    )
    lines = {place: -held, ledger.outside("EUR"): held}
    ledger.post(kind=LedgerTransfer.Kind.PAYOUT, key="x", lines=lines, now=timezone.now(), disbursement=payout)
    with pytest.raises(NotEnoughMoney):
        reclaim_escrow(order=order, actor=buyer, now=timezone.now())


def test_a_step_that_breaks_moves_no_money(submitted: Order, moderator: User):
    def effect(order: Order, now: object) -> Detail:
        raise RuntimeError("the power fails")

    before = Order.objects.values().get()
    with pytest.raises(RuntimeError):
        change_order_status(
            order_id=submitted.pk, action=Action.CONFIRM_PAYMENT, actor=moderator, seen=submitted.version, effect=effect
        )
    assert Order.objects.values().get() == before
    assert not LedgerTransfer.objects.exists()


def test_a_delivery_ends_a_pause(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    Order.objects.update(paused_at=timezone.now(), paused_until=timezone.now() + timedelta(days=1))
    order = deliver(order)
    assert (order.paused_at, order.paused_until) == (None, None)


def test_a_freelancer_leaves_an_order_whose_rest_never_came(submitted: Order, freelancer: User, moderator: User):
    part = payments.record_partial(actor=moderator, **seen(submitted), received_amount=Decimal("0.01"))
    with pytest.raises(TooEarly):
        lifecycle.cancel_partial(actor=freelancer, **seen(part))
    Order.objects.update(pay_by=timezone.now() - timedelta(seconds=1))
    order = lifecycle.cancel_partial(actor=freelancer, **seen(part))
    assert refunds(order) == [("partial", Decimal("0.01"))]
