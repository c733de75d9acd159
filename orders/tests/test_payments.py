"""Proofs of payment: every guard of docs/orders.md, references, four eyes, files."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from gigs.tests.factories import GigFactory
from marketplace.money import AmountError
from orders.exceptions import (
    ActionNotAllowed,
    AmountMismatch,
    OrderMoved,
    ProofRefused,
    ReferenceUsed,
    SecondModeratorNeeded,
)
from orders.models import Order, PaymentMethod, PaymentProof
from orders.selectors import list_actions_for, list_earlier_uses, list_verification_queue, with_earlier_uses
from orders.services import lifecycle, methods, payments
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.factories import (
    DirectMethodFactory,
    PlatformMethodFactory,
    a_receipt,
    hand_in_proof,
    order_in,
    place,
)
from orders.tests.test_states import trace


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(client=buyer, freelancer=freelancer)


@pytest.fixture
def other(stranger: User, freelancer: User, order: Order) -> Order:
    """Another client's order into the same account."""
    return place(stranger, GigFactory(freelancer=freelancer), order.payment_method)


@pytest.fixture
def submitted(order: Order) -> Order:
    return hand_in_proof(order, transaction_reference="FT 2308-1777")


def confirm(order: Order, by: User, amount: str | Decimal | None = None) -> Order:
    received = order.expected_amount if amount is None else Decimal(amount)
    return payments.confirm_payment(actor=by, order_id=order.pk, seen=order.version, received_amount=received)


def reject(order: Order, by: User, reason: str = "not_found", note: str = "It has not arrived.") -> Order:
    return payments.reject_payment(actor=by, order_id=order.pk, seen=order.version, reason=reason, note=note)


def kept_receipts() -> set[Path]:
    folder = Path(settings.STORAGES["private"]["OPTIONS"]["location"], "receipts")
    return set(folder.glob("*")) if folder.is_dir() else set()


# --- Handing in -----------------------------------------------------------------------------------------------------
def test_a_proof_is_kept_with_all_it_says(order: Order):
    paid_at = timezone.now() - timedelta(hours=1)
    fresh = hand_in_proof(order, transaction_reference="FT 2308-1777", payer_name="A. Okafor", paid_at=paid_at)
    proof = fresh.proofs.get()
    assert (proof.attempt, proof.state, proof.payment_method) == (1, "submitted", order.payment_method)
    assert (proof.transaction_reference, proof.normalized_reference) == ("FT 2308-1777", "FT23081777")
    assert (proof.payer_name, proof.amount, proof.paid_at) == ("A. Okafor", Decimal(120), paid_at)
    assert proof.receipt_sha256 == a_receipt().sha256
    assert fresh.review_due_at == fresh.proof_submitted_at + timedelta(hours=24)
    assert fresh.ever_submitted_proof
    assert fresh.events.last().proof == proof


@pytest.mark.parametrize("reference", ["", " ", "--", "…"])
def test_a_proof_needs_a_reference_with_letters_or_digits(reference: str, order: Order):
    before = trace(order)
    with pytest.raises(ProofRefused):
        hand_in_proof(order, transaction_reference=reference)
    assert trace(order) == before


def test_nobody_pays_in_the_future(order: Order):
    before = trace(order)
    with pytest.raises(ProofRefused):
        hand_in_proof(order, paid_at=timezone.now() + timedelta(hours=1))
    assert trace(order) == before


def test_a_clock_that_runs_ahead_a_little_is_forgiven(order: Order):
    assert hand_in_proof(order, paid_at=timezone.now() + timedelta(minutes=5)).status == Status.PAYMENT_SUBMITTED


@pytest.mark.parametrize("amount", ["0", "-120", "NaN", "Infinity", "1000000000", "120.001"])
def test_an_unpayable_amount_is_refused(amount: str, order: Order):
    before, files = trace(order), kept_receipts()
    with pytest.raises(AmountError):
        hand_in_proof(order, amount=Decimal(amount))
    assert trace(order) == before
    assert kept_receipts() == files


def test_a_claim_of_another_amount_is_accepted_and_stays_a_claim(order: Order):
    fresh = hand_in_proof(order, amount=Decimal("90.50"))
    assert fresh.proofs.get().amount == Decimal("90.50")
    assert fresh.expected_amount == Decimal(120)


# --- References -----------------------------------------------------------------------------------------------------
SAME = ["FT 2308-1777", "FT23081777", "ft 2308 1777", " ft/2308.1777 ", "ＦＴ２３０８１７７７"]


@pytest.mark.parametrize("reference", SAME)
def test_a_reference_under_review_is_refused_however_it_is_written(reference: str, submitted: Order, other: Order):
    before, files = trace(other), kept_receipts()
    with pytest.raises(ReferenceUsed) as refusal:
        hand_in_proof(other, transaction_reference=reference)
    assert refusal.value.code == "reference_used"
    assert trace(other) == before
    assert kept_receipts() == files


def test_a_verified_reference_is_burned_for_ever(submitted: Order, other: Order, moderator: User):
    confirm(submitted, moderator)
    before = trace(other)
    with pytest.raises(ReferenceUsed):
        hand_in_proof(other, transaction_reference="ft23081777")
    assert trace(other) == before


def test_after_a_rejection_the_reference_is_free_again(submitted: Order, other: Order, moderator: User):
    reject(submitted, moderator)
    assert hand_in_proof(other, transaction_reference="FT23081777").status == Status.PAYMENT_SUBMITTED


def test_the_same_client_may_hand_in_the_same_reference_after_a_rejection(submitted: Order, moderator: User):
    again = hand_in_proof(reject(submitted, moderator, "unreadable"), transaction_reference="FT23081777")
    assert [proof.state for proof in again.proofs.all()] == ["rejected", "submitted"]
    assert [proof.attempt for proof in again.proofs.all()] == [1, 2]


def test_another_account_may_know_the_same_reference(submitted: Order, stranger: User, freelancer: User):
    elsewhere = place(stranger, GigFactory(freelancer=freelancer), PlatformMethodFactory())
    fresh = hand_in_proof(elsewhere, transaction_reference="FT23081777")
    assert fresh.status == Status.PAYMENT_SUBMITTED
    [use] = list_earlier_uses(fresh.proofs.get())
    assert (use.proof, use.same_reference) == (submitted.proofs.get(), True)


def test_a_reference_taken_in_between_is_still_refused_in_words(submitted: Order, other: Order, monkeypatch):
    """The database's own refusal, met when the check came a moment too early."""
    asked = []
    check = payments._refuse_used_reference

    def too_early(proof: PaymentProof) -> None:
        asked.append(proof)
        if len(asked) > 1:
            check(proof)

    monkeypatch.setattr(payments, "_refuse_used_reference", too_early)
    before, files = trace(other), kept_receipts()
    with pytest.raises(ReferenceUsed):
        hand_in_proof(other, transaction_reference="FT23081777")
    assert len(asked) == 2
    assert trace(other) == before
    assert kept_receipts() == files


# --- Files ----------------------------------------------------------------------------------------------------------
def test_the_same_receipt_file_is_accepted_and_shown_to_the_verifier(order: Order, other: Order):
    first = hand_in_proof(order, receipt=a_receipt("tan"), transaction_reference="A1").proofs.get()
    second = hand_in_proof(other, receipt=a_receipt("tan"), transaction_reference="B2").proofs.get()
    [use] = list_earlier_uses(second)
    assert (use.proof, use.same_file, use.same_reference) == (first, True, False)
    flagged = with_earlier_uses(PaymentProof.objects.all()).get(pk=second.pk)
    assert (flagged.file_seen, flagged.reference_seen) == (True, False)


def test_a_first_use_has_no_earlier_uses(submitted: Order):
    proof = with_earlier_uses(PaymentProof.objects.all()).get(order=submitted)
    assert list_earlier_uses(proof) == []
    assert (proof.file_seen, proof.reference_seen) == (False, False)


def test_a_refused_step_leaves_no_file_behind(order: Order, stranger: User):
    files = kept_receipts()
    order.client = stranger
    with pytest.raises(ActionNotAllowed):
        hand_in_proof(order)
    assert kept_receipts() == files


def test_a_step_that_breaks_after_the_file_was_written_takes_it_back(order: Order, monkeypatch):
    def broken(proof: PaymentProof) -> None:
        assert Path(proof.receipt.path).exists()
        raise RuntimeError("the database went away")

    monkeypatch.setattr(payments, "_save_live", broken)
    before, files = trace(order), kept_receipts()
    with pytest.raises(RuntimeError):
        hand_in_proof(order)
    assert trace(order) == before
    assert kept_receipts() == files


def test_a_kept_file_stands_under_a_name_nobody_chose(order: Order):
    files = kept_receipts()
    proof = hand_in_proof(order).proofs.get()
    assert len(kept_receipts() - files) == 1
    assert proof.receipt_name == "receipt.png"
    assert "receipt.png" not in proof.receipt.name


# --- Deciding -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", ["119.99", "120.01", "1200", "12"])
def test_another_amount_than_due_does_not_confirm(amount: str, submitted: Order, moderator: User):
    before = trace(submitted)
    with pytest.raises(AmountMismatch) as refusal:
        confirm(submitted, moderator, amount)
    assert "120.00\u00a0EUR" in refusal.value.message
    assert trace(submitted) == before


def test_a_confirmation_verifies_the_proof_and_starts_the_freelancers_clock(submitted: Order, moderator: User):
    fresh = confirm(submitted, moderator)
    proof = fresh.proofs.get()
    assert (fresh.status, fresh.payment_status) == (Status.PAYMENT_CONFIRMED, PaymentStatus.FUNDS_HELD)
    assert (proof.state, proof.decided_by, proof.verified_amount) == ("verified", moderator, Decimal(120))
    assert proof.decided_at == fresh.confirmed_at
    assert (fresh.txid, fresh.review_due_at) == ("FT 2308-1777", None)
    assert fresh.accept_by == fresh.confirmed_at + timedelta(hours=24)


@pytest.mark.parametrize(("reason", "note"), [("", "Words."), ("because", "Words."), ("not_found", ""), ("not_found", "  \n")])
def test_a_rejection_needs_a_reason_and_words(reason: str, note: str, submitted: Order, moderator: User):
    before = trace(submitted)
    with pytest.raises(ProofRefused):
        reject(submitted, moderator, reason, note)
    assert trace(submitted) == before


def test_a_rejection_keeps_the_proof_and_gives_a_day(submitted: Order, moderator: User):
    Order.objects.filter(pk=submitted.pk).update(pay_by=timezone.now() - timedelta(days=2))
    fresh = reject(submitted, moderator, "wrong_amount", "Only 12 arrived.")
    proof = fresh.proofs.get()
    assert (fresh.status, fresh.payment_status) == (Status.PENDING_PAYMENT, PaymentStatus.AWAIT_DEPOSIT)
    assert (proof.state, proof.rejection_reason, proof.rejection_note) == ("rejected", "wrong_amount", "Only 12 arrived.")
    assert fresh.pay_by == proof.decided_at + timedelta(hours=24)
    assert Path(proof.receipt.path).exists()
    assert fresh.events.last().proof == proof


def test_a_rejection_never_shortens_the_time_to_pay(submitted: Order, moderator: User):
    assert reject(submitted, moderator).pay_by == submitted.pay_by


# --- Twice, and too late --------------------------------------------------------------------------------------------
def test_repeating_a_step_is_quiet_success(submitted: Order, moderator: User):
    first = confirm(submitted, moderator)
    before = trace(first)
    again = confirm(submitted, moderator)
    assert (again.pk, again.version) == (first.pk, first.version)
    assert trace(first) == before


def test_handing_in_twice_keeps_one_proof_and_one_file(order: Order):
    files = kept_receipts()
    paid_at = timezone.now()
    first = hand_in_proof(order, transaction_reference="A1", paid_at=paid_at)
    before = trace(first)
    hand_in_proof(order, transaction_reference="A1", paid_at=paid_at)
    assert trace(first) == before
    assert len(kept_receipts() - files) == 1


def test_a_stale_page_changes_nothing(submitted: Order, moderator: User):
    stale = Order.objects.get(pk=submitted.pk)
    fresh = hand_in_proof(reject(submitted, moderator))
    before = trace(fresh)
    other_moderator = UserFactory(is_staff=True, is_superuser=True)
    with pytest.raises(OrderMoved) as refusal:
        confirm(stale, other_moderator)
    assert refusal.value.code == "order_moved"
    assert "Payment being checked" in refusal.value.message
    assert trace(fresh) == before


def test_a_stranger_learns_nothing_from_a_stale_page(submitted: Order, stranger: User):
    submitted.version = 99
    with pytest.raises(ActionNotAllowed):
        confirm(submitted, stranger)


# --- Four eyes ------------------------------------------------------------------------------------------------------
@pytest.fixture
def four_eyes(settings) -> None:
    settings.FOUR_EYES_OVER = {"EUR": "100"}


@pytest.fixture
def second(db: None) -> User:
    return UserFactory(full_name="Second Moderator", is_staff=True, is_superuser=True)


def test_over_the_limit_one_signature_confirms_nothing(four_eyes: None, submitted: Order, moderator: User, second: User):
    signed = confirm(submitted, moderator)
    assert (signed.status, signed.payment_status) == (Status.PAYMENT_SUBMITTED, PaymentStatus.AWAIT_DEPOSIT)
    assert signed.proofs.get().first_confirmed_by == moderator
    assert signed.events.last().action == "sign_payment"
    confirmed = confirm(signed, second)
    proof = confirmed.proofs.get()
    assert (confirmed.status, proof.first_confirmed_by, proof.decided_by) == (Status.PAYMENT_CONFIRMED, moderator, second)


def test_the_first_signer_cannot_be_the_second(four_eyes: None, submitted: Order, moderator: User):
    signed = confirm(submitted, moderator)
    before = trace(signed)
    with pytest.raises(SecondModeratorNeeded):
        confirm(signed, moderator)
    assert trace(signed) == before


def test_a_double_click_on_the_first_signature_is_quiet(four_eyes: None, submitted: Order, moderator: User):
    signed = confirm(submitted, moderator)
    before = trace(signed)
    assert confirm(submitted, moderator).version == signed.version
    assert trace(signed) == before


def test_a_signature_of_a_wrong_amount_is_refused(four_eyes: None, submitted: Order, moderator: User):
    before = trace(submitted)
    with pytest.raises(AmountMismatch):
        confirm(submitted, moderator, "12")
    assert trace(submitted) == before


def test_two_first_signatures_at_once_are_one(four_eyes: None, submitted: Order, moderator: User, second: User):
    signed = confirm(submitted, moderator)
    before = trace(signed)
    with pytest.raises(OrderMoved):
        confirm(submitted, second)
    assert trace(signed) == before


def test_a_signed_proof_can_still_be_rejected_and_the_next_starts_unsigned(
    four_eyes: None, submitted: Order, moderator: User, second: User
):
    again = hand_in_proof(reject(confirm(submitted, moderator), second))
    assert again.proofs.get(state="submitted").first_confirmed_by is None
    assert confirm(again, second).status == Status.PAYMENT_SUBMITTED


@pytest.mark.parametrize(("limit", "status"), [("120", Status.PAYMENT_CONFIRMED), ("119.99", Status.PAYMENT_SUBMITTED)])
def test_the_limit_itself_needs_one(limit: str, status: Status, submitted: Order, moderator: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": limit}
    assert confirm(submitted, moderator).status == status


def test_limits_of_other_currencies_do_not_count(submitted: Order, moderator: User, settings):
    settings.FOUR_EYES_OVER = {"KES": "1"}
    assert confirm(submitted, moderator).status == Status.PAYMENT_CONFIRMED


def test_direct_payments_need_no_second_pair_of_eyes(four_eyes: None, buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    assert confirm(order, freelancer).payment_status == PaymentStatus.PAID_DIRECT


# --- DIRECT, and who may decide -------------------------------------------------------------------------------------
def test_after_three_rejections_only_staff_decides(buyer: User, freelancer: User, moderator: User):
    order = order_in(client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    for _ in range(3):
        order = reject(hand_in_proof(order), freelancer)
    order = hand_in_proof(order)
    before = trace(order)
    for decide in (confirm, reject):
        with pytest.raises(ActionNotAllowed):
            decide(order, freelancer)
    assert trace(order) == before
    assert list(list_verification_queue(moderator)) == [order.proofs.get(state="submitted")]
    assert confirm(order, moderator).payment_status == PaymentStatus.PAID_DIRECT


def test_under_platform_custody_the_freelancer_never_decides(submitted: Order, freelancer: User):
    before = trace(submitted)
    with pytest.raises(ActionNotAllowed):
        confirm(submitted, freelancer)
    assert trace(submitted) == before


def test_the_queue_is_by_waiting_time_and_without_ones_own_orders(buyer: User, freelancer: User, moderator: User):
    first = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    second = order_in(Status.PAYMENT_SUBMITTED, client=freelancer, freelancer=buyer)
    order_in(Status.PAYMENT_SUBMITTED, client=moderator, freelancer=freelancer)
    order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=moderator)
    order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer)
    assert [proof.order for proof in list_verification_queue(moderator)] == [first, second]


def test_direct_payments_come_to_the_queue_when_overdue(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    assert list(list_verification_queue(moderator)) == []
    Order.objects.filter(pk=order.pk).update(review_due_at=timezone.now() - timedelta(minutes=1))
    assert [proof.order for proof in list_verification_queue(moderator)] == [order]


def test_nobody_but_a_moderator_has_a_queue(submitted: Order, stranger: User):
    staff = UserFactory(is_staff=True)
    assert list(list_verification_queue(stranger)) == []
    assert list(list_verification_queue(staff)) == []


# --- Accounts -------------------------------------------------------------------------------------------------------
def test_a_freelancers_account_is_direct_and_theirs_whatever_was_typed(freelancer: User):
    method = PaymentMethod(
        custody=Custody.PLATFORM, kind="bank", label="Bank", account_holder="J", account_number="1", currency="EUR"
    )
    saved = methods.save_payment_method(actor=freelancer, method=method)
    assert (saved.custody, saved.owner) == (Custody.DIRECT, freelancer)


def test_only_the_owner_archives_an_account(freelancer: User, stranger: User):
    method = DirectMethodFactory(owner=freelancer)
    methods.archive_payment_method(actor=stranger, method=method)
    assert PaymentMethod.objects.get().is_active
    methods.archive_payment_method(actor=freelancer, method=method)
    assert not PaymentMethod.objects.get().is_active


def test_amounts_are_kept_to_the_last_digit(buyer: User, freelancer: User, moderator: User):
    gig = GigFactory(freelancer=freelancer, price=Decimal("0.12345678"), currency="BTC")
    order = hand_in_proof(place(buyer, gig, PlatformMethodFactory(currency="BTC", kind="coin")))
    with pytest.raises(AmountMismatch):
        confirm(order, moderator, "0.12345679")
    assert confirm(order, moderator, "0.12345678").proofs.get().verified_amount == Decimal("0.12345678")


@pytest.mark.parametrize("disguise", ["A1\u3164", "\uffa0A1", "A\u02bc1", "\u0410\u0031", "A\u06401", "\u200b\u3164"])
def test_a_reference_with_letters_that_look_like_others_or_like_nothing_is_refused(order: Order, disguise: str):
    before = trace(order)
    with pytest.raises(ProofRefused):
        hand_in_proof(order, transaction_reference=disguise)
    assert trace(order) == before


@pytest.mark.parametrize("spelling", ["TX-0042", "tx 0042", "TX００42", "ＴＸ0042", "Tx٠٠٤٢"])
def test_every_spelling_of_a_reference_is_the_same_reference(order: Order, buyer: User, freelancer: User, spelling: str):
    hand_in_proof(order, transaction_reference="TX0042")
    other = place(buyer, order.gig, order.payment_method)
    with pytest.raises(ReferenceUsed):
        hand_in_proof(other, transaction_reference=spelling)


@pytest.mark.parametrize("custody", Custody)
def test_a_freelancer_cannot_turn_a_proof_down_and_then_cancel(custody: Custody, buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer, custody=custody)
    verifier = freelancer if custody == Custody.DIRECT else moderator
    turned_down = reject(order, verifier)
    before = trace(turned_down)
    with pytest.raises(ActionNotAllowed):
        lifecycle.cancel(actor=freelancer, order_id=order.pk, seen=turned_down.version)
    assert trace(turned_down) == before
    assert Action.CANCEL not in list_actions_for(freelancer, turned_down)
    assert lifecycle.cancel(actor=buyer, order_id=order.pk, seen=turned_down.version).status == Status.CANCELLED


def test_the_proof_a_verifier_did_not_look_at_is_not_decided(submitted: Order, moderator: User):
    first = submitted.proofs.get()
    fresh = hand_in_proof(reject(submitted, moderator))
    before = trace(fresh)
    step = {"actor": moderator, "order_id": fresh.pk, "seen": fresh.version, "proof_id": first.pk}
    with pytest.raises(OrderMoved):
        payments.confirm_payment(**step, received_amount=fresh.expected_amount)
    with pytest.raises(OrderMoved):
        payments.reject_payment(**step, reason="not_found", note="No.")
    assert trace(fresh) == before


def test_other_words_on_the_same_page_are_no_repeat(submitted: Order, moderator: User):
    step = {"actor": moderator, "order_id": submitted.pk, "seen": submitted.version, "reason": "not_found"}
    payments.reject_payment(**step, note="Nothing arrived.")
    before = trace(submitted)
    payments.reject_payment(**step, note="Nothing arrived.")
    with pytest.raises(OrderMoved):
        payments.reject_payment(**step, note="Something else.")
    assert trace(submitted) == before


# --- Four eyes, whatever arrives -------------------------------------------------------------------------------------
def test_a_large_surplus_needs_two_even_on_a_small_order(submitted: Order, moderator: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "1000"}
    order = payments.confirm_payment(
        actor=moderator, order_id=submitted.pk, seen=submitted.version, received_amount=Decimal(5000), more_arrived=True
    )
    assert order.status == Status.PAYMENT_SUBMITTED  # signed, not confirmed
    assert not order.disbursements.exists()


def test_the_second_signature_is_for_the_amount_of_the_first(four_eyes: None, submitted: Order, moderator: User, second: User):
    step = {"order_id": submitted.pk, "received_amount": Decimal(120)}
    signed = payments.confirm_payment(actor=moderator, seen=submitted.version, **step)
    with pytest.raises(AmountMismatch):
        payments.confirm_payment(
            actor=second, order_id=signed.pk, seen=signed.version, received_amount=Decimal(9000), more_arrived=True
        )
    assert Order.objects.get(pk=signed.pk).version == signed.version
    assert payments.confirm_payment(actor=second, seen=signed.version, **step).status == Status.PAYMENT_CONFIRMED
