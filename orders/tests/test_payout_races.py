"""Two people at once about the same money: exactly one wins, the other is told why, and the ledger says the same."""

import threading
import time
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from orders import ledger
from orders.exceptions import DisbursementRefused
from orders.models import Disbursement, LedgerTransfer, Order, PayoutBatch
from orders.services import payouts
from orders.services.payout_batches import create_batch
from orders.states import Status
from orders.tests.factories import order_in
from orders.tests.test_payouts import account_of, asked, released, staff, take
from orders.tests.test_races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_worker")]
ROUNDS = 3


@pytest.fixture
def cast() -> tuple[User, User, User]:
    """A freelancer with 108.00 available, and two who pay out."""
    freelancer = UserFactory()
    released(UserFactory(), freelancer)
    return freelancer, staff("one@example.com"), staff("two@example.com")


def names(results: list[object]) -> list[str]:
    return sorted(type(result).__name__ for result in results)


def test_two_send_at_once(cast: tuple[User, User, User]):
    freelancer, one, two = cast
    row = take(payouts.approve, one, asked(freelancer))
    results = at_once(
        *(lambda by=by: payouts.send(actor=by, row_id=row.pk, seen=row.version, reference="B-1") for by in (one, two))
    )
    assert names(results) == ["Disbursement", "DisbursementRefused"]
    assert LedgerTransfer.objects.filter(kind="payout").count() == 1
    assert ledger.amount_in(ledger.balance(freelancer.pk, "EUR")) == Decimal(8)


def test_approving_and_withdrawing_at_once(cast: tuple[User, User, User]):
    freelancer, one, _two = cast
    for _n in range(ROUNDS):
        row = asked(freelancer)
        results = at_once(
            lambda row=row: payouts.approve(actor=one, row_id=row.pk, seen=row.version),
            lambda row=row: payouts.withdraw(actor=freelancer, row_id=row.pk, seen=row.version),
        )
        assert names(results) == ["Disbursement", "DisbursementRefused"]
        row.refresh_from_db()
        assert row.version == 2 and row.events.count() == 2
        if row.state == "approved":
            take(payouts.fail, one, row, note="Again.")
            take(payouts.withdraw, freelancer, row)


def test_a_balance_is_asked_for_once(cast: tuple[User, User, User]):
    freelancer, _one, _two = cast
    account = account_of(freelancer)
    results = at_once(
        *(lambda: payouts.request_payout(actor=freelancer, account_id=account.pk, amount=Decimal(108)) for _n in range(3))
    )
    assert names(results) == ["Disbursement", "PayoutOpen", "PayoutOpen"]
    assert Disbursement.objects.count() == 1


def test_a_row_stands_in_one_batch(cast: tuple[User, User, User]):
    freelancer, one, two = cast
    take(payouts.approve, one, asked(freelancer))
    results = at_once(*(lambda by=by: create_batch(actor=by, currency="EUR") for by in (one, two)))
    assert sorted(isinstance(result, DisbursementRefused) for result in results) == [False, True]
    assert Disbursement.objects.get().batch is not None


def test_the_first_batches_of_two_currencies_are_numbered_one_after_the_other(cast: tuple[User, User, User]):
    """The second begins while the first is not committed: it waits, instead of taking the same number."""
    freelancer, one, two = cast
    take(payouts.approve, one, asked(freelancer))
    gig = GigFactory(freelancer=freelancer, price=Decimal(5000), currency="KES")
    order_in(Status.COMPLETED, client=UserFactory(), freelancer=freelancer, gig=gig)
    Order.objects.update(hold_until=timezone.now())
    wallet = account_of(freelancer, "+254 712 345 678", "KES", "mobile")
    take(payouts.approve, one, payouts.request_payout(actor=freelancer, account_id=wallet.pk, amount=Decimal(100)))
    begun = threading.Event()

    def first() -> PayoutBatch:
        with transaction.atomic():
            batch = create_batch(actor=one, currency="EUR")
            begun.set()
            time.sleep(0.5)
            return batch

    def second() -> PayoutBatch:
        begun.wait()
        return create_batch(actor=two, currency="KES")

    numbers = [batch.number for batch in at_once(first, second)]
    assert numbers == [1, 2]
