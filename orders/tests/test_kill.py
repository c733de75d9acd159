"""A process killed (SIGKILL) between any two statements leaves nothing half done, and repeating what it did finishes the rest."""

import io
import random
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders.models import (
    Disbursement,
    DisbursementEvent,
    LedgerEntry,
    LedgerTransfer,
    Order,
    OrderEvent,
    PaymentMethod,
    PaymentProof,
    UnreadableLine,
)
from orders.selectors.reconciliation import reconcile
from orders.services import lifecycle, payments, payouts, statements
from orders.states import DisbursementState, Status
from orders.tests.bank_files.make import OWN_ACCOUNT, Deposit, make_mt940
from orders.tests.crash import killed_after, killed_at
from orders.tests.factories import hand_in_proof, order_in
from orders.tests.test_races import Scene

pytestmark = pytest.mark.django_db(transaction=True)
Step = Callable[[], object]


def nothing_is_wrong() -> None:
    breaches = {result.check.name: result.rows for result in reconcile(now=timezone.now()) if result.rows}
    assert not breaches


def books() -> tuple[object, ...]:
    """Every row on the money path, as it stands."""
    kept = (Order, PaymentProof, Disbursement, OrderEvent, DisbursementEvent, LedgerTransfer, LedgerEntry)
    return tuple(list(model.objects.order_by("pk").values()) for model in kept)


def confirming(scene: Scene) -> Step:
    order = scene.at(Status.PAYMENT_SUBMITTED)
    step = {"actor": scene.staff[0], "order_id": order.pk, "seen": order.version}
    return lambda: payments.confirm_payment(**step, received_amount=order.expected_amount + 1, more_arrived=True)


def approving(scene: Scene) -> Step:
    order = scene.at(Status.SUBMITTED)
    return lambda: lifecycle.approve(actor=order.client, order_id=order.pk, seen=order.version)


def declining(scene: Scene) -> Step:
    order = scene.at(Status.PAYMENT_CONFIRMED)
    return lambda: lifecycle.decline(actor=order.freelancer, order_id=order.pk, seen=order.version)


def sending(scene: Scene) -> Step:
    row = scene.approved_payout()
    return lambda: payouts.send(actor=scene.staff[0], row_id=row.pk, seen=row.version, reference="BANK 1")


@pytest.mark.parametrize(("prepare", "at_least"), [(confirming, 15), (approving, 15), (declining, 12), (sending, 10)])
def test_a_step_killed_at_any_moment_is_wholly_done_or_not_at_all(prepare: Callable[[Scene], Step], at_least: int):
    step = prepare(Scene())
    seen = [books()]
    kills = 0
    while killed_at(step, kills + 1):
        kills += 1
        nothing_is_wrong()
        if (now := books()) != seen[-1]:
            seen.append(now)
    assert kills >= at_least
    assert len(seen) == 2, "before and after, and nothing between"
    assert books() == seen[1], "and repeating it adds nothing"


def entries_for(order: Order) -> bytes:
    """A statement of five entries, one of them the order's payment."""
    PaymentMethod.objects.filter(pk=order.payment_method_id).update(account_number=OWN_ACCOUNT)
    order.payment_method.refresh_from_db()
    today = timezone.now().date()
    deposits = [Deposit(f"REF{n:06}", Decimal(10 + n), "Li Wei", today, f"B{n:06}") for n in range(4)]
    return make_mt940([Deposit(order.payment_reference, Decimal(120), order.client.full_name, today, "B999999"), *deposits])


def importing(method: PaymentMethod, data: bytes) -> Step:
    return lambda: statements.import_statement(actor=None, method=method, file=io.BytesIO(data), name="1.sta", size=len(data))


def test_an_import_killed_at_any_moment_is_finished_by_repeating_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(statements, "BATCH", 2)  # so that five entries are three transactions
    client, freelancer = UserFactory(), UserFactory()
    kills = 0
    while True:
        order = order_in(client=client, freelancer=freelancer)
        method, data = order.payment_method, entries_for(order)
        if not killed_at(importing(method, data), kills + 1):
            break
        kills += 1
        nothing_is_wrong()
        assert_whole_batches(method)
        importing(method, data)()
        assert_imported(method, order)
    assert kills >= 20
    assert_imported(method, order)


def assert_whole_batches(method: PaymentMethod) -> None:
    kept = method.statement_lines.count()
    assert kept in (0, 2, 4, 5)
    assert sum(method.statements.values_list("lines_read", flat=True)) == kept


def assert_imported(method: PaymentMethod, order: Order) -> None:
    """All five entries once, every statement finished (a file read again after its end is one more, of no new entries)."""
    assert sorted(method.statement_lines.values_list("position", flat=True)) == [1, 2, 3, 4, 5]
    assert set(method.statements.values_list("is_complete", "percent_read")) == {(True, 100)}
    assert sum(method.statements.values_list("lines_new", flat=True)) == 5
    assert not UnreadableLine.objects.exists()
    assert method.statement_lines.get(order=order).amount == order.expected_amount


def carry_on(scene: Scene, orders: list[Order], data: bytes) -> None:
    """From wherever things stand: take every order to its end, send the payout that waits, import the statement."""
    importing(orders[0].payment_method, data)()
    for pk in [order.pk for order in orders]:
        order = Order.objects.select_related("client", "freelancer").get(pk=pk)
        while order.status != Status.COMPLETED:
            order = NEXT[Status(order.status)](scene, order)
    row = Disbursement.objects.get()
    if row.state == DisbursementState.APPROVED:
        payouts.send(actor=scene.staff[1], row_id=row.pk, seen=row.version, reference="BANK 1")


def by(actor: User, order: Order) -> dict[str, object]:
    return {"actor": actor, "order_id": order.pk, "seen": order.version}


NEXT: dict[Status, Callable[[Scene, Order], Order]] = {
    Status.PENDING_PAYMENT: lambda scene, order: hand_in_proof(order),
    Status.PAYMENT_SUBMITTED: lambda scene, order: payments.confirm_payment(
        **by(scene.staff[0], order), received_amount=order.expected_amount
    ),
    Status.PAYMENT_CONFIRMED: lambda scene, order: lifecycle.start_work(**by(order.freelancer, order)),
    Status.IN_PROGRESS: lambda scene, order: lifecycle.submit_work(
        **by(order.freelancer, order), note="Here.", links=["https://example.com/"], files=[]
    ),
    Status.SUBMITTED: lambda scene, order: lifecycle.approve(**by(order.client, order)),
}


def test_work_killed_from_outside_again_and_again_comes_to_its_end():
    chance = random.Random(3)
    scene = Scene()
    scene.approved_payout()
    orders = [scene.at(Status.PENDING_PAYMENT) for _n in range(4)]
    data = entries_for(orders[0])
    kills = 0
    while killed_after(lambda: carry_on(scene, orders, data), chance.uniform(0.01, 0.02 * (kills + 2))):
        kills += 1
        nothing_is_wrong()
    assert kills >= 5
    assert set(Order.objects.values_list("status", flat=True)) == {Status.COMPLETED}
    assert Disbursement.objects.get().state == DisbursementState.SENT
    assert_imported(orders[0].payment_method, orders[0])
