"""The list of payments that wait for moderators: who reads it, what stands in it, and at which cost."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.api import bearer, with_key
from accounts.tests.factories import UserFactory
from orders.models import Order, PaymentProof
from orders.references import normalize_reference
from orders.services import payments
from orders.states import Custody, Status
from orders.tests.factories import order_in
from orders.tests.programs import step

pytestmark = pytest.mark.django_db
URL = "/api/payments-to-check"


def waiting(custody: Custody = Custody.PLATFORM, **people: User) -> Order:
    people = {"client": UserFactory(), "freelancer": UserFactory()} | people
    return order_in(Status.PAYMENT_SUBMITTED, custody=custody, **people)


def listed(program: Client, query: str = "") -> list[Any]:
    answer = program.get(URL + query)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["items"])


def may_only(permission: str) -> User:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="orders", codename=permission))
    return user


def test_a_payment_is_listed_with_all_that_is_compared(buyer: User, freelancer: User, moderator: User, settings):
    order = waiting(client=buyer, freelancer=freelancer)
    (row,) = listed(bearer(moderator))
    proof = order.proofs.get()
    at = f"{settings.SITE_URL}/api/orders/{order.pk}"
    assert row.pop("proof")["id"] == str(proof.pk)
    assert row.pop("client")["id"] == str(buyer.pk)
    assert row.pop("freelancer")["id"] == str(freelancer.pk)
    assert [(action["action"], action["method"], action["url"]) for action in row.pop("actions")] == [
        ("confirm_payment", "PATCH", f"{at}/confirm-payment"),
        ("reject_payment", "PATCH", f"{at}/reject-payment"),
        ("record_partial", "PATCH", f"{at}/record-partial"),
    ]
    assert row.pop("check_by") is not None
    assert row == {
        "order_id": str(order.pk),
        "order_url": at,
        "version": order.version,
        "title": order.gig_title,
        "custody": "PLATFORM",
        "paid_into": order.pay_to_label,
        "payment_reference": order.payment_reference,
        "due": "120.00",
        "currency": "EUR",
        "reference_seen": False,
        "receipt_seen": False,
        "needs_two": False,
        "signed": False,
        "signed_by_you": False,
    }


def test_what_is_listed_is_decided_and_is_gone(moderator: User):
    order, other = waiting(), waiting()
    program = bearer(moderator)
    first, second = listed(program)
    assert [first["order_id"], second["order_id"]] == [str(order.pk), str(other.pk)]  # longest waiting first
    assert step(program, order, "confirm-payment", amount=first["due"], version=first["version"]).status_code == 200
    assert [row["order_id"] for row in listed(program)] == [str(other.pk)]


def test_it_says_what_was_seen_before_and_who_has_signed(moderator: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    order = waiting()
    again = waiting()
    seen = order.proofs.get().transaction_reference.upper()
    PaymentProof.objects.filter(order=again).update(normalized_reference=normalize_reference(seen))
    second = UserFactory(is_staff=True, is_superuser=True)
    payments.confirm_payment(actor=second, order_id=again.pk, seen=again.version, received_amount=Decimal(120))
    mine, theirs = listed(bearer(moderator)), listed(bearer(second))
    assert [(row["reference_seen"], row["needs_two"], row["signed"], row["signed_by_you"]) for row in mine] == [
        (True, True, False, False),
        (True, True, True, False),
    ]
    assert [row["signed_by_you"] for row in theirs] == [False, True]


def test_payments_to_freelancers_come_when_they_have_not_decided_in_time(moderator: User):
    order = waiting(Custody.DIRECT)
    assert listed(bearer(moderator)) == []
    with time_machine.travel(order.review_due_at + timedelta(seconds=1), tick=False):
        (row,) = listed(bearer(moderator))
    assert (row["custody"], [action["action"] for action in row["actions"]]) == ("DIRECT", ["confirm_payment", "reject_payment"])


def test_only_who_may_check_payments_reads_it(moderator: User, buyer: User, freelancer: User, stranger: User, settings):
    waiting(client=buyer, freelancer=freelancer)
    for user in (buyer, freelancer, stranger, may_only("resolve_dispute"), may_only("pay_out")):
        assert bearer(user).get(URL).status_code == 404
    assert len(listed(bearer(may_only("verify_payment")))) == 1
    assert Client().get(URL).status_code == 401
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    assert bearer(moderator).get(URL).status_code == 404


def test_no_key_reads_it(moderator: User):
    answer = with_key(moderator, "read", "orders", "messages", "gigs").get(URL)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_moderators_do_not_see_the_payments_of_their_own_orders(moderator: User):
    waiting(client=moderator)
    waiting(freelancer=moderator)
    assert listed(bearer(moderator)) == []


def test_the_list_costs_the_same_at_one_and_at_thirty(moderator: User, settings, monkeypatch):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    monkeypatch.setattr("orders.selectors.orders.has_needed_factor", _asked_of_the_database)
    waiting()
    program = bearer(moderator)
    one = queries(program)
    for _number in range(29):
        waiting()
    assert len(listed(program, "?limit=100")) == 30
    assert queries(program) == one


def _asked_of_the_database(user: User) -> bool:
    return User.objects.filter(pk=user.pk).exists()


def queries(program: Client) -> int:
    with CaptureQueriesContext(connection) as asked:
        listed(program, "?limit=100")
    return len(asked)


def test_the_list_is_walked_once_through_while_payments_come(moderator: User):
    orders = [waiting() for _number in range(3)]
    program = bearer(moderator)
    first = program.get(f"{URL}?limit=2").json()
    later = waiting()
    second = program.get(f"{URL}?limit=2&cursor={first['next']}").json()
    found = [row["order_id"] for part in (first, second) for row in part["items"]]
    assert found == [str(order.pk) for order in (*orders, later)]
    assert second["next"] is None
