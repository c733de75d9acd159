"""What `manage.py reconcile` finds: nothing in books that the services wrote, and every fault that is planted into them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders import ledger
from orders.models import (
    BankStatement,
    Disbursement,
    Dispute,
    LedgerAccount,
    LedgerEntry,
    LedgerTransfer,
    Order,
    OrderEvent,
    PaymentProof,
    PayoutAccount,
    Receipt,
    StatementLine,
)
from orders.selectors.invariants import CHECKS
from orders.selectors.reconciliation import reconcile
from orders.services import lifecycle, payments, payouts, proposals, statement_lines
from orders.services.receipts import issue_receipts
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import disputed, reviewed, ruled, taken
from orders.tests.factories import REACHABLE, PlatformMethodFactory, hand_in_proof, order_in
from orders.tests.many import Cast, copy_order
from orders.tests.test_proposals import cancellation

DAY = timedelta(days=1)
Kind = LedgerTransfer.Kind
FROZEN = ["orders_ledgertransfer", "orders_ledgerentry", "orders_orderevent", "orders_receipt"]


def breached() -> set[str]:
    """The names of the checks that find something."""
    return {result.check.name for result in reconcile(now=timezone.now()) if result.rows}


@contextmanager
def unguarded() -> Iterator[None]:
    """Inside it the database lets history be changed, as only somebody with a shell on it could."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in FROZEN:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            yield
            for table in FROZEN:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _sql in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _name, sql in triggers:
            cursor.execute(sql)


# --- Books that are right -------------------------------------------------------------------------------------------
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


# --- Faults ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def books(buyer: User, freelancer: User, moderator: User) -> None:
    """One order of each sort of money, and a line of a statement that nobody has looked at."""
    order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    for custody in Custody:
        order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, custody=custody)
        lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version)
    disputed(order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer), buyer)
    a_line("12.34")
    issue_receipts(now=timezone.now())
    assert breached() == set()


def orders(payment_status: PaymentStatus) -> QuerySet[Order]:
    return Order.objects.filter(payment_status=payment_status)


def transfers(kind: Kind) -> QuerySet[LedgerTransfer]:
    return LedgerTransfer.objects.filter(kind=kind)


def refund(custody: Custody) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(order__custody=custody)


def raw_transfer(key: str, lines: dict[str, int], **columns: object) -> None:
    """A transfer past all services, that leaves the kept balances as they were."""
    wishes = {"kind": Kind.REFUND, "currency": "EUR", "created_at": timezone.now(), **columns}
    transfer = LedgerTransfer.objects.create(key=key, **wishes)
    for kind, units in lines.items():
        account = LedgerAccount.objects.filter(kind=kind).first() or LedgerAccount.objects.create(kind=kind, currency="EUR")
        LedgerEntry.objects.create(transfer=transfer, account=account, amount=units)


def off_by_one_minor_unit() -> None:
    entry = LedgerEntry.objects.filter(transfer__kind="release", account__kind="fees")
    entry.update(amount=F("amount") + 1)


def an_account_changes_its_currency() -> None:
    LedgerAccount.objects.filter(kind="fees").update(currency="USD")


def a_kept_balance_is_off() -> None:
    LedgerAccount.objects.filter(kind="balance").update(balance=F("balance") + 1)


def more_fees_are_taken_than_there_are() -> None:
    raw_transfer("fees", {"fees": -5000, "outside": 5000})


def a_release_is_posted_twice() -> None:
    release = transfers(Kind.RELEASE).get()
    again = LedgerTransfer.objects.create(
        kind=release.kind, key="again", currency="EUR", order=release.order, created_at=timezone.now()
    )
    for entry in release.entries.all():
        LedgerEntry.objects.create(transfer=again, account=entry.account, amount=entry.amount)


def a_transfer_gets_another_order() -> None:
    transfers(Kind.RELEASE).update(order=orders(PaymentStatus.FUNDS_HELD).get())


def a_status_is_set_behind_the_services_back() -> None:
    orders(PaymentStatus.FUNDS_HELD).update(status=Status.CANCELLED, payment_status=PaymentStatus.REFUNDED)


def a_deposit_is_forgotten() -> None:
    order = orders(PaymentStatus.FUNDS_HELD).get()
    LedgerEntry.objects.filter(transfer__order=order).delete()
    order.transfers.all().delete()
    LedgerAccount.objects.filter(order=order).delete()


def an_order_says_that_less_was_paid() -> None:
    orders(PaymentStatus.FUNDS_HELD).update(funded_amount=F("funded_amount") - Decimal("0.01"))


def the_fee_is_changed_afterwards() -> None:
    orders(PaymentStatus.RELEASED).update(escrow_fee_pct=F("escrow_fee_pct") + 1)


def a_proof_is_rejected_afterwards() -> None:
    proofs = PaymentProof.objects.filter(order__payment_status=PaymentStatus.FUNDS_HELD)
    proofs.update(state="rejected", rejection_reason="not_found")


def a_proof_says_another_amount() -> None:
    proofs = PaymentProof.objects.filter(order__payment_status=PaymentStatus.FUNDS_HELD)
    proofs.update(verified_amount=F("verified_amount") + Decimal("0.01"))


def an_event_is_gone() -> None:
    OrderEvent.objects.filter(order__in=orders(PaymentStatus.FUNDS_HELD), number=2).delete()


def a_version_is_ahead() -> None:
    orders(PaymentStatus.FUNDS_HELD).update(version=F("version") + 1)


def a_dispute_is_closed_by_hand() -> None:
    Dispute.objects.update(state="withdrawn", closed_at=timezone.now())


def a_refund_is_too_high() -> None:
    refund(Custody.PLATFORM).update(amount=F("amount") + Decimal("0.01"))


def a_direct_refund_is_forgotten() -> None:
    refund(Custody.DIRECT).update(state="withdrawn")


def a_refund_leaves_the_ledger_before_it_is_sent() -> None:
    row = refund(Custody.PLATFORM).get()
    raw_transfer("early", {"refundable": -12000, "outside": 12000}, kind=Kind.REPAYMENT, disbursement=row, order=row.order)


def a_disbursement_skips_a_version() -> None:
    refund(Custody.PLATFORM).update(version=F("version") + 1)


def a_refund_is_withdrawn_by_hand() -> None:
    refund(Custody.PLATFORM).update(state="withdrawn")


def a_payout_of_money_that_is_not_there() -> None:
    person = UserFactory()
    Disbursement.objects.create(
        kind="payout", reason="payout", person=person, amount=1, currency="EUR", created_at=timezone.now()
    )


def suspense_that_no_line_explains() -> None:
    raw_transfer("suspense", {"suspense": 100, "outside": -100})


def a_line_is_put_into_suspense_by_hand() -> None:
    StatementLine.objects.update(state="suspense", decided_at=timezone.now())


def a_receipt_number_is_skipped() -> None:
    Receipt.objects.filter(number=Receipt.objects.count()).update(number=F("number") + 1)


def a_receipt_is_gone() -> None:
    last = Receipt.objects.filter(number=Receipt.objects.count())
    Order.objects.filter(receipt__in=list(last)).update(confirmed_at=timezone.now() - DAY)
    last.delete()


FAULTS: list[tuple[Callable[[], None], set[str]]] = [
    (off_by_one_minor_unit, {"transfer_sums_to_zero", "currency_sums_to_zero", "fee_is_right"}),
    (an_account_changes_its_currency, {"one_currency", "currency_sums_to_zero"}),
    (a_kept_balance_is_off, {"balance_kept"}),
    (more_fees_are_taken_than_there_are, {"not_negative"}),
    (a_release_is_posted_twice, {"ended_once", "not_negative", "balance_kept"}),
    (a_transfer_gets_another_order, {"escrow_moves", "ended_once"}),
    (
        a_status_is_set_behind_the_services_back,
        {"escrow_agrees", "final_order_is_empty", "ended_once", "order_agrees_with_history"},
    ),
    (a_deposit_is_forgotten, {"escrow_agrees", "funded_amount_agrees", "proof_is_booked"}),
    (an_order_says_that_less_was_paid, {"funded_amount_agrees"}),
    (the_fee_is_changed_afterwards, {"fee_is_right"}),
    (a_proof_is_rejected_afterwards, {"deposit_is_proven"}),
    (a_proof_says_another_amount, {"proof_is_booked"}),
    (an_event_is_gone, {"history_is_whole"}),
    (a_version_is_ahead, {"history_is_whole", "order_agrees_with_history"}),
    (a_dispute_is_closed_by_hand, {"dispute_is_open"}),
    (a_refund_is_too_high, {"refunds_add_up", "refundable_is_owed"}),
    (a_direct_refund_is_forgotten, {"direct_refund_is_owed", "disbursement_agrees_with_history"}),
    (a_refund_leaves_the_ledger_before_it_is_sent, {"sent_is_booked", "balance_kept"}),
    (a_disbursement_skips_a_version, {"disbursement_agrees_with_history"}),
    (a_refund_is_withdrawn_by_hand, {"refunds_add_up", "refundable_is_owed", "disbursement_agrees_with_history"}),
    (a_payout_of_money_that_is_not_there, {"payouts_are_covered", "disbursement_agrees_with_history"}),
    (suspense_that_no_line_explains, {"suspense_is_explained"}),
    (a_line_is_put_into_suspense_by_hand, {"line_is_booked", "suspense_is_explained"}),
    (a_receipt_number_is_skipped, {"receipts_have_no_gaps"}),
    (a_receipt_is_gone, {"payment_has_receipt"}),
]


@pytest.mark.parametrize(("plant", "found"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_fault_is_found(plant: Callable[[], None], found: set[str], books: None):
    with unguarded():
        plant()
    assert breached() == found


@pytest.mark.once
def test_a_fault_is_planted_for_every_check():
    assert {check.name for check in CHECKS} == set().union(*(found for _plant, found in FAULTS))
    assert len({check.name for check in CHECKS}) == len(CHECKS)


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


# --- The command ----------------------------------------------------------------------------------------------------
def run(*arguments: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("reconcile", *arguments, stdout=out)
    except SystemExit as left:
        return out.getvalue(), int(str(left.code))
    return out.getvalue(), 0


def test_the_command_says_ok_for_every_check(books: None):
    text, code = run()
    assert code == 0
    assert text.splitlines() == [*(f"{check.name}: ok" for check in CHECKS), f"{len(CHECKS)} checks, 0 breaches"]


def test_the_command_names_the_breach_and_its_rows_and_exits_with_1(books: None):
    an_order_says_that_less_was_paid()
    text, code = run()
    reference = orders(PaymentStatus.FUNDS_HELD).get().payment_reference
    assert code == 1
    assert "funded_amount_agrees: 1 breaches: What an order says was paid" in text
    assert f"payment_reference={reference}" in text
    assert "funded=11999 deposits=12000" in text


def test_the_command_speaks_json(books: None):
    text, code = run("--json")
    assert (json.loads(text)["ok"], code) == (True, 0)
    an_order_says_that_less_was_paid()
    text, code = run("--json")
    report = json.loads(text)
    assert (report["ok"], report["breaches"], code) == (False, 1, 1)
    (check,) = (check for check in report["checks"] if check["rows"])
    assert (check["name"], check["rows"][0]["funded"]) == ("funded_amount_agrees", 11999)


def test_since_looks_only_at_what_has_changed_from_then_on(books: None):
    an_order_says_that_less_was_paid()
    orders(PaymentStatus.FUNDS_HELD).update(updated_at=timezone.now() - 10 * DAY)
    day = (timezone.now() - 5 * DAY).date().isoformat()
    assert run("--since", day)[1] == 0
    assert run()[1] == 1
    with pytest.raises(CommandError, match="argument --since"):
        run("--since", "yesterday")
