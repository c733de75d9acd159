"""Two moderators, two tabs, two importers at once, with real threads: exactly one wins, and money comes in once."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connections

from accounts.models import User
from accounts.tests.factories import UserFactory
from marketplace.exceptions import DomainError
from orders import ledger
from orders.models import LedgerTransfer, Order, StatementLine
from orders.services import payments, statement_lines, statements
from orders.states import Status
from orders.tests.factories import hand_in_proof, order_in
from orders.tests.test_statements_import import row, table

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]
State = StatementLine.State
ROUNDS = range(3)


def at_once(*steps: Callable[[], object]) -> list[object]:
    """What each step returned, or the DomainError it met; anything else is a failure of the test."""
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], object]) -> object:
        start.wait()
        try:
            return step()
        except DomainError as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def a_moderator() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


def read(order: Order, *rows: str) -> list[StatementLine]:
    data = table(*rows)
    method = order.payment_method
    statement = statements.import_statement(actor=None, method=method, file=io.BytesIO(data), name="a.csv", size=len(data))
    return list(statement.lines.all())


@pytest.fixture
def order() -> Order:
    return order_in(client=UserFactory(), freelancer=UserFactory())


def confirm(line: StatementLine) -> Callable[[], object]:
    actor = a_moderator()
    return lambda: statement_lines.confirm_line(actor=actor, line_id=line.pk)


def suspend(line: StatementLine) -> Callable[[], object]:
    actor = a_moderator()
    return lambda: statement_lines.suspend_line(actor=actor, line_id=line.pk)


def one_refused(results: list[object]) -> None:
    assert sorted(isinstance(result, DomainError) for result in results) == [False, True]


def came_in_once(order: Order) -> None:
    order.refresh_from_db()
    assert (order.status, order.funded_amount) == (Status.PAYMENT_CONFIRMED, Decimal(120))
    assert ledger.amount_in(ledger.escrow(order)) == 120
    assert ledger.amount_in(ledger.outside("EUR")) == -120
    assert LedgerTransfer.objects.count() == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_moderators_confirm_the_same_entry(_round: int, order: Order):
    (line,) = read(order, row(order.payment_reference))
    one_refused(at_once(confirm(line), confirm(line)))
    came_in_once(order)


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_entries_are_confirmed_for_the_same_order(_round: int, order: Order):
    first, second = read(order, *(row(order.payment_reference, bank_id=one) for one in ("A1", "A2")))
    one_refused(at_once(confirm(first), confirm(second)))
    came_in_once(order)
    assert sorted(StatementLine.objects.values_list("state", flat=True)) == [State.CONFIRMED, State.OPEN]


@pytest.mark.parametrize("_round", ROUNDS)
def test_an_entry_is_confirmed_while_its_proof_is_confirmed_at_the_payment_desk(_round: int, order: Order):
    waiting = hand_in_proof(order)
    (line,) = read(order, row(order.payment_reference))
    actor = a_moderator()

    def at_the_desk() -> object:
        return payments.confirm_payment(actor=actor, order_id=order.pk, seen=waiting.version, received_amount=Decimal(120))

    one_refused(at_once(confirm(line), at_the_desk))
    came_in_once(order)


@pytest.mark.parametrize("_round", ROUNDS)
def test_an_entry_is_confirmed_and_suspended(_round: int, order: Order):
    (line,) = read(order, row(order.payment_reference))
    one_refused(at_once(confirm(line), suspend(line)))
    assert ledger.amount_in(ledger.outside("EUR")) == -120
    assert LedgerTransfer.objects.count() == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_an_entry_is_suspended_twice(_round: int, order: Order):
    (line,) = read(order, row("nothing", payer="Nobody"))
    one_refused(at_once(suspend(line), suspend(line)))
    assert ledger.amount_in(ledger.suspense("EUR")) == 120


@pytest.mark.parametrize("_round", ROUNDS)
def test_suspended_money_is_assigned_and_sent_back(_round: int, order: Order):
    (line,) = read(order, row("nothing", payer="Nobody"))
    suspend(line)()
    actor, other = a_moderator(), a_moderator()
    results = at_once(
        lambda: statement_lines.assign_suspense(actor=actor, line_id=line.pk, order_id=order.pk),
        lambda: statement_lines.return_line(actor=other, line_id=line.pk, kind="bank", holder="N", account="12345678"),
    )
    one_refused(results)
    assert ledger.amount_in(ledger.escrow(order)) + ledger.amount_in(ledger.suspense("EUR")) == 120


@pytest.mark.parametrize("_round", ROUNDS)
def test_the_same_file_is_imported_twice_at_once(_round: int, order: Order, monkeypatch):
    monkeypatch.setattr(statements, "BATCH", 5)
    rows = [row(f"Gift {n // 2}") for n in range(40)]
    at_once(lambda: read(order, *rows), lambda: read(order, *rows))
    assert StatementLine.objects.count() == 40
