"""What `manage.py reconcile` finds in books that the services wrote: nothing (faults are planted in test_reconcile_faults)."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders import ledger
from orders.clocks import next_clock
from orders.models import (
    BankStatement,
    Disbursement,
    Order,
    PayoutAccount,
    StatementLine,
)
from orders.selectors.reconciliation import reconcile
from orders.services import lifecycle, payments, payouts, proposals, statement_lines
from orders.services.receipts import issue_receipts
from orders.states import Custody, Status
from orders.tests.disputing import disputed, reviewed, ruled, taken
from orders.tests.factories import REACHABLE, PlatformMethodFactory, hand_in_proof, order_in
from orders.tests.many import Cast, copy_order
from orders.tests.test_proposals import cancellation

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def breached() -> set[str]:
    """The names of the checks that find something."""
    return {result.check.name for result in reconcile(now=timezone.now()) if result.rows}


def a_line(amount: str, **columns: object) -> StatementLine:
    method = PlatformMethodFactory(currency="EUR")
    statement = BankStatement.objects.create(
        payment_method=method, file_name="november.csv", sha256="0" * 64, imported_at=timezone.now()
    )
    return StatementLine.objects.create(
        **{
            "statement": statement,
            "payment_method": method,
            "key": f"{statement.pk}",
            "position": 1,
            "currency": "EUR",
            "booked_on": date(2026, 11, 20),
            "amount": Decimal(amount),
            "kind": "credit",
            "payer_name": "Amara Okafor",
            **columns,
        }
    )


def paid_out(freelancer: User, moderator: User) -> Disbursement:
    Order.objects.filter(freelancer=freelancer, hold_until__isnull=False).update(hold_until=timezone.now() - DAY)
    account = PayoutAccount.objects.create(
        owner=freelancer, kind="bank", currency="EUR", holder="José", account="DE89", masked="…89", created_at=timezone.now()
    )
    row = payouts.request_payout(actor=freelancer, account_id=account.pk, amount=Decimal(50))
    row = payouts.approve(actor=moderator, row_id=row.pk, seen=row.version)
    return payouts.send(actor=moderator, row_id=row.pk, seen=row.version, reference="OUT-1", proof=None)


def test_empty_books_are_right(db: None):
    assert breached() == set()


@pytest.mark.parametrize("custody", Custody)
def test_books_written_by_the_services_are_right(custody: Custody, buyer: User, freelancer: User, moderator: User):
    for status in REACHABLE:
        order_in(status, client=buyer, freelancer=freelancer, verifier=None, custody=custody)
    running = [order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, custody=custody) for _ in range(4)]
    declined = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, custody=custody)
    lifecycle.decline(actor=freelancer, order_id=declined.pk, seen=declined.version)
    asked = cancellation(running[0], buyer, "30.50")
    proposals.accept_cancellation(actor=freelancer, order_id=asked.pk, seen=asked.version)
    disputed(running[1], buyer)
    case = taken(reviewed(disputed(running[2], freelancer)), moderator)
    ruled(case, moderator, freelancer="40.10", client="79.90")
    issue_receipts(now=timezone.now())
    assert breached() == set()


def test_books_with_parts_surplus_payouts_and_suspense_are_right(buyer: User, freelancer: User, moderator: User):
    submitted = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    step = {"actor": moderator, "order_id": submitted.pk, "seen": submitted.version}
    part = payments.record_partial(**step, received_amount=Decimal("45.50"))
    rest = hand_in_proof(part, amount=part.amount_due)
    step["seen"] = rest.version
    payments.confirm_payment(**step, received_amount=Decimal("100"), more_arrived=True)
    order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    payout = paid_out(freelancer, moderator)
    payouts.fail(actor=moderator, row_id=payout.pk, seen=payout.version, note="Account closed.")
    statement_lines.suspend_line(actor=moderator, line_id=a_line("12.34").pk)
    unpaid = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    statement_lines.confirm_line(actor=moderator, line_id=a_line("200", bank_id="FT99").pk, order_id=unpaid.pk)
    late = a_line("120", bank_id="FT98")
    statement_lines.suspend_line(actor=moderator, line_id=late.pk)
    unpaid = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    statement_lines.assign_suspense(actor=moderator, line_id=late.pk, order_id=unpaid.pk)
    issue_receipts(now=timezone.now())
    assert breached() == set()


def test_copied_orders_are_right(db: None):
    cast = Cast(size=3)
    for status in (Status.PENDING_PAYMENT, Status.SUBMITTED, Status.COMPLETED):
        copy_order(cast.order_in(status), 20, cast)
    issue_receipts(now=timezone.now())
    assert Order.objects.count() == 63
    assert breached() == set()


# --- Clocks ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("custody", Custody)
def test_every_order_that_has_a_clock_is_missed_when_nothing_winds_it(
    custody: Custody, buyer: User, freelancer: User, moderator: User
):
    """The query knows the clocks of `orders.clocks` without having them: each order of each status is found, and no other."""
    for status in REACHABLE:
        order_in(status, client=buyer, freelancer=freelancer, custody=custody)
    running = [order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer, custody=custody) for _ in range(4)]
    cancellation(running[0], buyer, "30.50")
    disputed(running[1], buyer)
    ruled(taken(reviewed(disputed(running[2], freelancer)), moderator), moderator, freelancer="40.10", client="79.90")
    paused = proposals.ask_pause(
        actor=freelancer, order_id=running[3].pk, seen=running[3].version, days=3, question="Which blue?"
    )
    proposals.grant_pause(actor=buyer, order_id=paused.pk, seen=paused.version)
    overdue = order_in(client=buyer, freelancer=freelancer, custody=custody)  # the client was reminded: it expires next
    Order.objects.filter(pk=overdue.pk).update(pay_by=timezone.now() - HOUR, reminded_until=timezone.now())
    issue_receipts(now=timezone.now())
    assert breached() == set()
    Order.objects.update(next_clock_at=None)
    with_a_clock = {order.pk for order in Order.objects.all() if next_clock(order)}
    (found,) = (result for result in reconcile(now=timezone.now()) if result.rows)
    assert found.check.name == "clock_is_wound"
    assert {UUID(str(row["id"])) for row in found.rows} == with_a_clock


# --- Amounts of other currencies ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", "12345"), ("KWD", "12.345"), ("BTC", "0.12345678"), ("EUR", "9999999.99")]
)
def test_amounts_are_compared_in_the_minor_units_of_their_currency(currency: str, amount: str, buyer: User, freelancer: User):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    Order.objects.update(currency=currency, price=Decimal(amount), expected_amount=Decimal(amount))
    order.refresh_from_db()
    order = hand_in_proof(order)
    moderator = UserFactory(is_staff=True, is_superuser=True)
    order = payments.confirm_payment(
        actor=moderator, order_id=order.pk, seen=order.version, received_amount=order.expected_amount
    )
    lifecycle.start_work(actor=freelancer, order_id=order.pk, seen=order.version)
    assert ledger.amount_in(ledger.escrow(order)) == Decimal(amount)
    assert breached() == set()
    Order.objects.update(funded_amount=order.funded_amount - ledger.from_minor(1, currency))
    assert breached() == {"funded_amount_agrees"}
