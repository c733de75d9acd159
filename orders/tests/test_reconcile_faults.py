"""Every fault that is planted into right books is found by `manage.py reconcile`, which says so in words or in JSON."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.tests.factories import UserFactory
from orders.models import (
    Disbursement,
    Dispute,
    LedgerAccount,
    LedgerEntry,
    LedgerTransfer,
    Order,
    OrderEvent,
    PaymentProof,
    Receipt,
    StatementLine,
)
from orders.selectors.invariants import CHECKS
from orders.services import lifecycle, statement_lines
from orders.services.receipts import issue_receipts
from orders.states import Custody, PaymentStatus, Status
from orders.tests.disputing import disputed
from orders.tests.factories import order_in
from orders.tests.test_reconcile import a_line, breached

DAY = timedelta(days=1)
Kind = LedgerTransfer.Kind
FROZEN = ["orders_ledgertransfer", "orders_ledgerentry", "orders_orderevent", "orders_receipt"]


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
# --- Faults ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def written_books(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One order of each sort of money, and a line of a statement that nobody has looked at; written once for all tests here."""
    with django_db_blocker.unblock(), transaction.atomic():
        buyer, freelancer = UserFactory(full_name="Amara Okafor"), UserFactory(full_name="José Ñíguez")
        order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
        order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
        for custody in Custody:
            order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, custody=custody)
            lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version)
        disputed(order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer), buyer)
        a_line("12.34")
        issue_receipts(now=timezone.now())
        assert breached() == set()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def books(written_books: None, db: None) -> None:
    """The savepoint of `db` undoes what the test does to them."""


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


def a_line_is_linked_to_a_payment_of_another_amount() -> None:
    PaymentProof.objects.filter(order__payment_status=PaymentStatus.FUNDS_HELD).update(statement_line=StatementLine.objects.get())
    StatementLine.objects.update(state="confirmed", decided_at=timezone.now())


def a_line_is_booked_by_hand_and_again_out_of_suspense() -> None:
    line = StatementLine.objects.get()
    statement_lines.suspend_line(actor=UserFactory(is_staff=True, is_superuser=True), line_id=line.pk)
    PaymentProof.objects.filter(order__payment_status=PaymentStatus.FUNDS_HELD).update(statement_line=line)
    StatementLine.objects.update(state="assigned")


def a_reference_is_booked_by_hand_and_again_into_suspense() -> None:
    proof = PaymentProof.objects.get(order__payment_status=PaymentStatus.FUNDS_HELD)
    written = f"{proof.transaction_reference[:6]} {proof.transaction_reference[6:].lower()}"
    StatementLine.objects.update(payment_method=proof.payment_method, bank_id=written)
    line = StatementLine.objects.get()
    statement_lines.suspend_line(actor=UserFactory(is_staff=True, is_superuser=True), line_id=line.pk)


def a_clock_is_forgotten() -> None:
    orders(PaymentStatus.FUNDS_HELD).update(next_clock_at=None)


def a_clock_is_wound_too_far() -> None:
    orders(PaymentStatus.FUNDS_HELD).update(next_clock_at=F("auto_approve_at") + timedelta(seconds=1))


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
    (a_line_is_put_into_suspense_by_hand, {"line_is_booked", "line_comes_in_once", "suspense_is_explained"}),
    (a_line_is_linked_to_a_payment_of_another_amount, {"line_comes_in_once"}),
    (a_line_is_booked_by_hand_and_again_out_of_suspense, {"line_comes_in_once", "suspense_is_explained"}),
    (a_reference_is_booked_by_hand_and_again_into_suspense, {"reference_is_booked_once"}),
    (a_clock_is_forgotten, {"clock_is_wound"}),
    (a_clock_is_wound_too_far, {"clock_is_wound"}),
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
