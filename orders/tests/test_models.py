"""What the database itself refuses, whoever writes."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders.models import Delivery, Order, OrderEvent, PaymentMethod, PaymentProof, RequirementAnswer, RevisionRequest
from orders.states import ALLOWED_PAYMENT_STATUS, DIRECT_ONLY, PLATFORM_ONLY, Custody, PaymentStatus, Status
from orders.tests.factories import DirectMethodFactory, PlatformMethodFactory, hand_in_proof, order_in


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(client=buyer, freelancer=freelancer)


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """The named constraint refuses (SQLite names the columns of a unique one), and the test's own transaction goes on."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        yield
    assert constraint in str(refusal.value) or "UNIQUE constraint failed" in str(refusal.value)


@pytest.mark.parametrize("custody", Custody)
@pytest.mark.parametrize(("status", "payment"), list(itertools.product(Status, PaymentStatus)))
def test_the_database_knows_the_allowed_pairs(status: Status, payment: PaymentStatus, custody: Custody, order: Order):
    foreign = DIRECT_ONLY if custody == Custody.PLATFORM else PLATFORM_ONLY
    change = Order.objects.filter(pk=order.pk)
    if payment in ALLOWED_PAYMENT_STATUS[status] - foreign:
        assert change.update(status=status, payment_status=payment, custody=custody) == 1
        return
    with refused("orders_order_"):
        change.update(status=status, payment_status=payment, custody=custody)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"expected_amount": Decimal(0)}, "orders_order_amounts_positive"),
        ({"price": Decimal(-1)}, "orders_order_amounts_positive"),
        ({"escrow_fee_pct": Decimal("100.01")}, "orders_order_fee_percent"),
        ({"escrow_fee_pct": Decimal("-0.01")}, "orders_order_fee_percent"),
        ({"custody": "ELSEWHERE"}, "orders_order_custody_money"),
    ],
)
def test_an_order_refuses(change: dict[str, object], constraint: str, order: Order):
    with refused(constraint):
        Order.objects.filter(pk=order.pk).update(**change)


def test_nobody_orders_from_themselves(order: Order):
    with refused("orders_order_two_people"):
        Order.objects.filter(pk=order.pk).update(client=order.freelancer)


def copy_of(row, **changes):
    """The same row once more, as a new one."""
    columns = {f.attname: getattr(row, f.attname) for f in type(row)._meta.concrete_fields if not f.primary_key}
    return type(row)(**{**columns, **changes})


def test_two_orders_never_share_a_payment_reference(order: Order):
    with refused("payment_reference"):
        copy_of(order, placement_key=UserFactory().pk).save()


def test_one_form_places_one_order(order: Order):
    with refused("orders_order_placed_once"):
        copy_of(order, payment_reference="2222-2222").save()


def test_one_proof_of_an_order_is_checked_at_a_time(order: Order):
    proof = hand_in_proof(order).proofs.get()
    with refused("orders_paymentproof_one_checked"):
        copy_of(proof, attempt=2, normalized_reference="OTHER").save()
    rejected = {"state": "rejected", "decided_at": timezone.now(), "rejection_reason": "not_found"}
    copy_of(proof, attempt=2, **rejected).save()
    assert order.proofs.count() == 2


@pytest.mark.parametrize("column", ["receipt", "receipt_sha256"])
def test_a_receipt_is_kept_with_its_digest(column: str, order: Order):
    proof = hand_in_proof(order).proofs.get()
    with refused("orders_paymentproof_receipt_whole"):
        PaymentProof.objects.filter(pk=proof.pk).update(**{column: ""})


def test_an_order_is_never_funded_beyond_its_price(order: Order):
    with refused("orders_order_funded_amount"):
        Order.objects.filter(pk=order.pk).update(funded_amount=order.expected_amount + 1)


def test_attempts_are_numbered_once(order: Order):
    proof = hand_in_proof(order).proofs.get()
    with refused("orders_paymentproof_attempt"):
        copy_of(proof, state="rejected", decided_at=timezone.now(), rejection_reason="not_found").save()


def test_a_live_reference_stands_once_in_a_method(order: Order, buyer: User, freelancer: User):
    proof = hand_in_proof(order, transaction_reference="TX 1").proofs.get()
    other = order_in(client=buyer, freelancer=freelancer)
    with refused("orders_paymentproof_reference_once"):
        copy_of(proof, order_id=other.pk).save()
    copy_of(proof, order_id=other.pk, payment_method_id=other.payment_method_id).save()
    assert PaymentProof.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"amount": Decimal(0)}, "orders_paymentproof_amount_positive"),
        ({"state": "verified"}, "orders_paymentproof_decided"),
        ({"state": "rejected"}, "orders_paymentproof_decided"),
        ({"state": "rejected", "decided_at": timezone.now()}, "orders_paymentproof_decided"),
        ({"state": "verified", "decided_at": timezone.now()}, "orders_paymentproof_decided"),
        ({"decided_at": timezone.now()}, "orders_paymentproof_decided"),
        ({"state": "forgotten"}, "orders_paymentproof_decided"),
    ],
)
def test_a_proof_refuses(change: dict[str, object], constraint: str, order: Order):
    proof = hand_in_proof(order).proofs.get()
    with refused(constraint):
        PaymentProof.objects.filter(pk=proof.pk).update(**change)


def test_a_verified_proof_names_who_and_how_much(order: Order):
    proof = hand_in_proof(order).proofs.get()
    with refused("orders_paymentproof_decided"):
        PaymentProof.objects.filter(pk=proof.pk).update(state="verified", decided_at=timezone.now(), decided_by=order.client)


@pytest.mark.parametrize("hours", [0, 721])
def test_a_pay_window_is_1_to_720_hours(hours: int, db: None):
    with refused("orders_paymentmethod_window"):
        PlatformMethodFactory(pay_window_hours=hours)


def test_a_platform_account_has_no_owner_and_a_direct_one_has(freelancer: User):
    with refused("orders_paymentmethod_custody_owner"):
        PlatformMethodFactory(owner=freelancer)
    with refused("orders_paymentmethod_custody_owner"):
        DirectMethodFactory(owner=None, account_holder="Nobody")
    assert PaymentMethod.objects.count() == 0


def test_numbers_within_an_order_stand_once(order: Order):
    now = timezone.now()
    with refused("orders_orderevent_number"):
        OrderEvent.objects.create(order=order, number=1, action="x", to_status="x", payment_status="x", role="C", created_at=now)
    first = Delivery.objects.create(order=order, number=1, note="Here.", created_at=now)
    with refused("orders_delivery_number"):
        Delivery.objects.create(order=order, number=1, note="Again.", created_at=now)
    second = Delivery.objects.create(order=order, number=2, note="Here.", created_at=now)
    RevisionRequest.objects.create(order=order, delivery=first, number=1, items=["x"], created_at=now)
    with refused("orders_revisionrequest_number"):
        RevisionRequest.objects.create(order=order, delivery=second, number=1, items=["x"], created_at=now)
    with refused("delivery_id"):
        RevisionRequest.objects.create(order=order, delivery=first, number=2, items=["x"], created_at=now)
    RequirementAnswer.objects.create(order=order, position=0, question="Q", answer="A")
    with refused("orders_requirementanswer_once"):
        RequirementAnswer.objects.create(order=order, position=0, question="Q", answer="A")


def test_nothing_on_the_money_path_goes_with_what_it_hangs_on(order: Order):
    proof = hand_in_proof(order).proofs.get()
    for row in (order, order.client, order.freelancer, order.gig, order.payment_method, proof):
        with pytest.raises(ProtectedError):
            row.delete()
