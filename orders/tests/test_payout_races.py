"""Two people at once about the same money: exactly one wins, the other is told why, and the ledger says the same."""

from decimal import Decimal

import pytest

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders import ledger
from orders.exceptions import DisbursementRefused
from orders.models import Disbursement, LedgerTransfer
from orders.services import payouts
from orders.services.payout_batches import create_batch
from orders.tests.test_payouts import account_of, asked, released, staff, take
from orders.tests.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
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
    assert names(results) == ["Disbursement", "DisbursementRefused", "DisbursementRefused"]
    assert Disbursement.objects.count() == 1


def test_a_row_stands_in_one_batch(cast: tuple[User, User, User]):
    freelancer, one, two = cast
    take(payouts.approve, one, asked(freelancer))
    results = at_once(*(lambda by=by: create_batch(actor=by, currency="EUR") for by in (one, two)))
    assert sorted(isinstance(result, DisbursementRefused) for result in results) == [False, True]
    assert Disbursement.objects.get().batch is not None
