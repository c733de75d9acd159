"""Which orders wait for the number of their receipt, and that PostgreSQL finds them without looking at those that have one."""

import pytest
from django.utils import timezone

from accounts.models import User
from orders.selectors.receipts import list_without_receipt
from orders.services.receipts import issue_receipts
from orders.states import Status
from orders.tests.factories import order_in


def test_only_what_is_confirmed_and_not_numbered_waits(buyer: User, freelancer: User):
    first = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    second = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    assert list(list_without_receipt()) == [first, second]
    issue_receipts(now=timezone.now())
    third = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    assert list(list_without_receipt()) == [third]


@pytest.mark.postgres
def test_postgresql_joins_only_what_has_no_receipt(db: None):
    assert "Anti Join" in list_without_receipt()[:1000].explain()
