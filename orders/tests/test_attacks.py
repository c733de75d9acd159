"""What a thief would try: each of these moved money, or stopped it for good, before there was a rule against it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import SignIn
from marketplace.exceptions import DomainError
from orders.exceptions import DisputeRefused, LineRefused, ProofRefused
from orders.models import LedgerTransfer, Order, StatementLine
from orders.selectors.payout_desk import list_batchable
from orders.selectors.payouts import list_purses
from orders.services import disputes, payments, payouts, proposals, settlements, statement_lines
from orders.services.payout_accounts import save_payout_account
from orders.statements import StatementError, detect_format
from orders.states import Action, Custody, Status
from orders.tests.factories import order_in
from orders.tests.situations import STORY, seen
from orders.tests.test_statements_import import imported, row, table


@pytest.fixture
def second(db: None) -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def signed_line(buyer: User, freelancer: User, moderator: User, settings) -> tuple[Order, StatementLine]:
    """An entry with which the first of two moderators has signed the payment of an order."""
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    imported(order.payment_method, table(row(order.payment_reference)))
    line = StatementLine.objects.get()
    statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    order.refresh_from_db()
    assert order.status == Status.PAYMENT_SUBMITTED
    return order, line


def test_a_signed_entry_is_not_confirmed_beside_its_statement(signed_line, second: User):
    order, line = signed_line
    with pytest.raises(ProofRefused):
        payments.confirm_payment(actor=second, **seen(order), received_amount=Decimal(120))
    assert not LedgerTransfer.objects.exists()
    statement_lines.confirm_line(actor=second, line_id=line.pk)
    assert LedgerTransfer.objects.get().statement_line == line


def test_a_signed_entry_is_not_put_into_suspense_as_well(signed_line, second: User):
    _order, line = signed_line
    with pytest.raises(LineRefused):
        statement_lines.suspend_line(actor=second, line_id=line.pk)
    with pytest.raises(LineRefused):
        statement_lines.ignore_line(actor=second, line_id=line.pk, note="No payment.")
    assert not LedgerTransfer.objects.exists()


def test_who_took_back_a_dispute_opens_no_other_one(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    opening = {"reason": "fraud", "statement": STORY}
    order = disputes.dispute_completed(actor=buyer, **seen(order), **opening)
    order = disputes.withdraw_dispute(actor=buyer, **seen(order))
    with pytest.raises(DisputeRefused):
        disputes.dispute_completed(actor=buyer, **seen(order), **opening)
    assert Order.objects.get().payment_status == "RELEASED"


def test_the_freelancers_part_of_a_cancellation_is_held_like_any_other(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    order = proposals.propose_cancellation(actor=buyer, **seen(order), freelancer_amount=Decimal(110), reason="Enough.")
    order = proposals.accept_cancellation(actor=freelancer, **seen(order))
    (purse,) = list_purses(freelancer, timezone.now())
    assert (purse.available, purse.clearing_total) == (Decimal(0), purse.balance)
    (later,) = list_purses(freelancer, order.hold_until + timedelta(seconds=1))
    assert later.available == purse.balance > 0


def test_who_approved_a_large_refund_puts_it_into_no_batch(buyer: User, freelancer: User, second: User, settings):
    payer = UserFactory(is_staff=True, is_superuser=True)
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    order = proposals.propose_cancellation(actor=buyer, **seen(order), freelancer_amount=Decimal(0), reason="Enough.")
    order = proposals.accept_cancellation(actor=freelancer, **seen(order))
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    account = save_payout_account(
        actor=buyer, kind="bank", currency="EUR", holder="Amara Okafor", account="DE89370400440532013000", routing=""
    )
    refund = order.disbursements.get()
    refund = payouts.set_refund_account(actor=buyer, row_id=refund.pk, seen=refund.version, account_id=account.pk)
    payouts.approve(actor=payer, row_id=refund.pk, seen=refund.version)
    assert not list_batchable(payer, timezone.now()).exists()
    assert list_batchable(second, timezone.now()).get() == refund


def test_a_freelancer_who_saw_no_payment_cannot_be_made_to_owe_it(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    Order.objects.update(review_due_at=timezone.now() - timedelta(hours=1))
    order = disputes.open_dispute(actor=buyer, **seen(order), reason="payment", statement=STORY)
    with pytest.raises(DisputeRefused):
        settlements.offer_settlement(actor=freelancer, **seen(order), freelancer_amount=Decimal(0))
    assert not order.disbursements.exists()


def test_a_payment_confirmed_by_hand_is_not_booked_again_from_its_entry(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, verifier=moderator)
    imported(order.payment_method, table(row(order.payment_reference)))
    line = StatementLine.objects.get()
    with pytest.raises(LineRefused):
        statement_lines.suspend_line(actor=moderator, line_id=line.pk)
    assert LedgerTransfer.objects.count() == 1
    assert statement_lines.link_line(actor=moderator, line_id=line.pk).state == StatementLine.State.CONFIRMED


def test_a_second_entry_is_no_repeat_of_the_first(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    imported(order.payment_method, table(row(order.payment_reference, bank_id="B1"), row(order.payment_reference, bank_id="B2")))
    first, second = StatementLine.objects.order_by("position")
    step = {"actor": moderator, **seen(order), "received_amount": Decimal(120)}
    payments.confirm_payment(**step, statement_line=first)
    with pytest.raises(DomainError):
        payments.confirm_payment(**step, statement_line=second)


def test_a_receipt_that_nobody_handed_in_is_404(buyer: User, freelancer: User, moderator: User, sign_in: SignIn):
    order = order_in(Status.PENDING_PAYMENT, client=buyer, freelancer=freelancer)
    found = {"transaction_reference": "FT 7", "payer_name": "A Okafor", "amount": Decimal(120), "paid_at": timezone.now()}
    order = payments.enter_payment(action=Action.RECORD_PAYMENT, actor=moderator, **seen(order), **found)
    assert sign_in(buyer).get(f"/orders/proofs/{order.proofs.get().pk}/receipt/").status_code == 404


@pytest.mark.parametrize("month", ["9" * 5000 + "-1", "1-1", "2026-99", "0000-01", "-"])
def test_an_absurd_month_is_no_error(month: str, buyer: User, sign_in: SignIn):
    assert sign_in(buyer).get("/balance/statement.csv", {"month": month}).status_code in (200, 404)


@pytest.mark.parametrize("hostile", [b"A" * 65_536, b"x\n" + b" " * 65_536, b"{1:" * 20_000])
def test_a_file_that_is_nothing_is_refused_without_much_ado(hostile: bytes):
    with pytest.raises(StatementError):  # each took half a minute once
        detect_format(hostile)
