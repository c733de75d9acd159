"""The double-entry ledger: what `post` takes, and what the database itself refuses."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.utils import DatabaseError
from django.utils import timezone

from accounts.models import User
from orders import ledger
from orders.exceptions import NotEnoughMoney
from orders.models import (
    DisbursementEvent,
    Dispute,
    LedgerAccount,
    LedgerEntry,
    LedgerTransfer,
    Order,
    OrderEvent,
    Receipt,
    Ruling,
)
from orders.selectors.reconciliation import reconcile
from orders.services import lifecycle, payments
from orders.services.receipts import issue_receipts
from orders.states import Status
from orders.tests.factories import order_in

Kind = LedgerTransfer.Kind
FROZEN = {
    "orders_ledgertransfer",
    "orders_ledgerentry",
    "orders_orderevent",
    "orders_disbursementevent",
    "orders_ruling",
    "orders_receipt",
}


@pytest.fixture
def paid(buyer: User, freelancer: User) -> Order:
    return order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)


def post(order: Order, lines: dict[ledger.Place, Decimal], **changes: object) -> LedgerTransfer:
    return ledger.post(
        **{"kind": Kind.REFUND, "key": str(uuid4()), "lines": lines, "now": timezone.now(), "order": order, **changes}
    )


def refund_of(order: Order, amount: str) -> dict[ledger.Place, Decimal]:
    part = Decimal(amount)
    return {ledger.escrow(order): -part, ledger.refundable(order.client_id, order.currency): part}


def books() -> list[object]:
    return [
        LedgerTransfer.objects.count(),
        sorted(LedgerEntry.objects.values_list("account_id", "amount")),
        sorted(LedgerAccount.objects.values_list("pk", "balance")),
    ]


# --- What is posted -------------------------------------------------------------------------------------------------
def test_money_moves_in_whole_minor_units(paid: Order):
    transfer = post(paid, refund_of(paid, "0.01"))
    assert sorted(transfer.entries.values_list("account__kind", "amount")) == [("escrow", -1), ("refundable", 1)]
    assert ledger.amount_in(ledger.escrow(paid)) == Decimal("119.99")
    assert ledger.amount_in(ledger.refundable(paid.client_id, "EUR")) == Decimal("0.01")
    assert ledger.amount_in(ledger.outside("EUR")) == Decimal(-120)


@pytest.mark.parametrize("price", ["21474836.48", "42949672.97", "60000000.00", "999999999.00"])
def test_amounts_beyond_32_bits_are_kept_whole(price: str, buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, price=Decimal(price))
    earned = order.expected_amount - order.fee_on(order.expected_amount)
    assert ledger.amount_in(ledger.balance(freelancer.pk, "EUR")) == earned
    assert (ledger.amount_in(ledger.escrow(order)), ledger.amount_in(ledger.outside("EUR"))) == (0, -Decimal(price))
    assert [result.check.name for result in reconcile(now=timezone.now()) if result.rows] == []


def test_lines_of_nothing_are_left_out(paid: Order):
    transfer = post(paid, {**refund_of(paid, "5"), ledger.fees("EUR"): Decimal(0)})
    assert transfer.entries.count() == 2


@pytest.mark.parametrize("second", ["4.99", "5.01", "-5"])
def test_lines_that_do_not_sum_to_zero_are_refused(second: str, paid: Order):
    before = books()
    with pytest.raises(ValueError, match="do not add up"):
        post(paid, {ledger.escrow(paid): Decimal(-5), ledger.fees("EUR"): Decimal(second)})
    assert books() == before


def test_lines_of_two_currencies_are_refused(paid: Order):
    before = books()
    with pytest.raises(ValueError, match="do not add up"):
        post(paid, {ledger.escrow(paid): Decimal(-5), ledger.fees("USD"): Decimal(5)})
    assert books() == before


def test_no_lines_are_refused(paid: Order):
    with pytest.raises(ValueError, match="do not add up"):
        post(paid, {ledger.escrow(paid): Decimal(0), ledger.fees("EUR"): Decimal(0)})


def test_a_fraction_of_a_minor_unit_is_refused(paid: Order):
    before = books()
    with pytest.raises(ValueError, match="minor units"):
        post(paid, refund_of(paid, "0.005"))
    assert books() == before


def test_the_same_key_is_posted_once(paid: Order):
    post(paid, refund_of(paid, "5"), key="twice")
    before = books()
    with pytest.raises(IntegrityError), transaction.atomic():
        post(paid, refund_of(paid, "5"), key="twice")
    assert books() == before


def test_an_escrow_never_gives_more_than_it_holds(paid: Order):
    before = books()
    with pytest.raises(NotEnoughMoney), transaction.atomic():
        post(paid, refund_of(paid, "120.01"))
    assert books() == before


def test_suspense_never_gives_more_than_it_holds(paid: Order):
    before = books()
    lines = {ledger.suspense("EUR"): Decimal(-1), ledger.outside("EUR"): Decimal(1)}
    with pytest.raises(NotEnoughMoney), transaction.atomic():
        post(paid, lines, kind=Kind.ASSIGN)
    assert books() == before


def test_a_deposit_without_proof_is_refused_by_the_database(paid: Order):
    with pytest.raises(IntegrityError), transaction.atomic():
        post(paid, {ledger.outside("EUR"): Decimal(-1), ledger.escrow(paid): Decimal(1)}, kind=Kind.DEPOSIT)


def test_a_payout_without_its_row_is_refused_by_the_database(paid: Order):
    with pytest.raises(IntegrityError), transaction.atomic():
        post(paid, {ledger.outside("EUR"): Decimal(1), ledger.escrow(paid): Decimal(-1)}, kind=Kind.PAYOUT)


def test_an_account_that_nobody_has_used_holds_nothing(paid: Order):
    assert ledger.amount_in(ledger.balance(paid.freelancer_id, "JPY"), lock=True) == 0


# --- What never changes ---------------------------------------------------------------------------------------------
@pytest.fixture
def history(paid: Order, moderator: User) -> Order:
    """An order with a row in each of the tables that only ever grow."""
    issue_receipts(now=timezone.now())
    order = lifecycle.decline(actor=paid.freelancer, order_id=paid.pk, seen=paid.version)
    now = timezone.now()
    dispute = Dispute.objects.create(
        order=order,
        number=1,
        opened_by=order.client,
        reason="other",
        state="withdrawn",
        opened_at=now,
        answer_by=now,
        closed_at=now,
    )
    Ruling.objects.create(
        dispute=dispute, number=1, moderator=moderator, freelancer_amount=0, client_amount=120, reason="-", created_at=now
    )
    return order


@pytest.mark.parametrize("model", [LedgerTransfer, LedgerEntry, OrderEvent, DisbursementEvent, Ruling, Receipt])
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_the_database_refuses_to_change_or_delete_history(model, verb: str, history: Order):
    row = model.objects.order_by("pk").first()
    before = list(model.objects.order_by("pk").values())
    rows = model.objects.filter(pk=row.pk)
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        rows.update(id=F("id")) if verb == "UPDATE" else rows._raw_delete("default")
    assert list(model.objects.order_by("pk").values()) == before


def test_every_frozen_table_has_its_triggers(db: None):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'")
            wanted = {(table, f"{table}_only_ever_added") for table in FROZEN}
            wanted |= {(table, f"{table}_adds_up") for table in ("orders_ledgertransfer", "orders_ledgerentry")}
        else:
            cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'")
            wanted = {(table, f"{table}_no_{verb}") for table in FROZEN for verb in ("UPDATE", "DELETE")}
        assert wanted <= set(cursor.fetchall())


def check_constraints_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def raw_transfer(order: Order, lines: list[tuple[LedgerAccount, int]]) -> LedgerTransfer:
    transfer = LedgerTransfer.objects.create(kind=Kind.REFUND, key="raw", currency="EUR", order=order, created_at=timezone.now())
    LedgerEntry.objects.bulk_create(LedgerEntry(transfer=transfer, account=account, amount=units) for account, units in lines)
    return transfer


@pytest.mark.postgres
@pytest.mark.parametrize("units", [[-500, 499], [-500], []])
def test_postgresql_refuses_at_commit_what_does_not_sum_to_zero(units: list[int], paid: Order):
    accounts = [LedgerAccount.objects.get(kind="escrow"), LedgerAccount.objects.get(kind="outside")]
    with pytest.raises(DatabaseError, match="does not add up"), transaction.atomic():
        raw_transfer(paid, list(zip(accounts, units, strict=False)))
        check_constraints_now()
    assert not LedgerTransfer.objects.filter(key="raw").exists()


@pytest.mark.postgres
def test_postgresql_refuses_at_commit_an_account_of_another_currency(paid: Order):
    dollars = LedgerAccount.objects.create(kind="outside", currency="USD")
    with pytest.raises(DatabaseError, match="does not add up"), transaction.atomic():
        raw_transfer(paid, [(LedgerAccount.objects.get(kind="escrow"), -500), (dollars, 500)])
        check_constraints_now()
    assert not LedgerTransfer.objects.filter(key="raw").exists()


def test_what_a_refused_step_posted_is_gone(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    before = books()
    step = {"actor": moderator, "order_id": order.pk, "seen": order.version, "received_amount": order.expected_amount}
    with pytest.raises(RuntimeError), transaction.atomic():
        payments.confirm_payment(**step)
        raise RuntimeError
    assert books() == before
    assert Order.objects.get().status == Status.PAYMENT_SUBMITTED


# --- Receipts -------------------------------------------------------------------------------------------------------
def test_receipts_are_numbered_as_payments_were_confirmed_without_gaps(buyer: User, freelancer: User):
    orders = [order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer) for _ in range(3)]
    order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    assert issue_receipts(now=timezone.now()) == 3
    orders.append(order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer))
    assert issue_receipts(now=timezone.now()) == 1
    assert issue_receipts(now=timezone.now()) == 0
    assert list(Receipt.objects.values_list("number", "order_id")) == [(n, order.pk) for n, order in enumerate(orders, 1)]
