"""A proof that a program handed in without its receipt, and the receipt that comes afterwards."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from conftest import SignIn
from gigs.tests.factories import GigFactory
from marketplace.realtime import group_of
from marketplace.uploads import check_receipt
from messaging.models import Notification
from orders.exceptions import ActionNotAllowed, OrderMoved, ProofRefused, ReceiptRefused
from orders.models import Order, PaymentProof
from orders.selectors import get_order_page_for, list_actions_for, list_earlier_uses, with_earlier_uses
from orders.selectors.reconciliation import reconcile
from orders.services import disputes, payments
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.disputing import STATEMENT
from orders.tests.factories import PlatformMethodFactory, a_receipt, hand_in_proof, order_in, place
from orders.tests.test_races import at_once
from orders.tests.test_states import trace
from orders.timeline import timeline


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    """Its proof is being checked, and has no receipt."""
    return hand_in_proof(order_in(client=buyer, freelancer=freelancer), receipt=None)


def attach(order: Order, by: User | None = None, colour: str = "white") -> Order:
    return payments.attach_receipt(actor=by or order.client, order_id=order.pk, receipt=a_receipt(colour))


def confirm(order: Order, by: User) -> Order:
    return payments.confirm_payment(actor=by, order_id=order.pk, seen=order.version, received_amount=order.expected_amount)


def reject(order: Order, by: User) -> Order:
    return payments.reject_payment(actor=by, order_id=order.pk, seen=order.version, reason="unreadable", note="Show me more.")


def kept_receipts() -> set[Path]:
    folder = Path(settings.STORAGES["private"]["OPTIONS"]["location"], "receipts")
    return set(folder.glob("*")) if folder.is_dir() else set()


# --- Handed in without ----------------------------------------------------------------------------------------------
def test_a_proof_without_a_receipt_is_up_for_its_check(order: Order):
    proof = order.proofs.get()
    assert (order.status, proof.state, proof.attempt) == (Status.PAYMENT_SUBMITTED, "submitted", 1)
    assert [proof.receipt, proof.receipt_name, proof.receipt_type, proof.receipt_sha256] == [""] * 4
    assert proof.receipt_size == 0


def test_its_reference_is_judged_as_ever(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    before = trace(order)
    with pytest.raises(ProofRefused):
        hand_in_proof(order, receipt=None, transaction_reference="--")
    assert trace(order) == before


def test_handing_it_in_twice_is_one_proof(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    same = {"transaction_reference": "TX 1", "paid_at": timezone.now(), "receipt": None}
    first, again = hand_in_proof(order, **same), hand_in_proof(order, **same)
    assert (first.version, order.proofs.count()) == (again.version, 1)


def test_two_proofs_without_receipts_are_no_use_of_the_same_file(order: Order, stranger: User):
    hand_in_proof(place(stranger, GigFactory(), order.payment_method), receipt=None)
    assert list_earlier_uses(order.proofs.get()) == []
    assert [proof.file_seen for proof in with_earlier_uses(PaymentProof.objects.all())] == [False, False]


@pytest.mark.parametrize("custody", Custody)
def test_it_can_be_confirmed_as_it_is_and_the_books_agree(buyer: User, freelancer: User, moderator: User, custody: Custody):
    order = hand_in_proof(order_in(client=buyer, freelancer=freelancer, custody=custody), receipt=None)
    paid = confirm(order, moderator if custody == Custody.PLATFORM else freelancer)
    held = {Custody.PLATFORM: PaymentStatus.FUNDS_HELD, Custody.DIRECT: PaymentStatus.PAID_DIRECT}[custody]
    assert (paid.status, paid.payment_status) == (Status.PAYMENT_CONFIRMED, held)
    assert {result.check.name for result in reconcile(now=timezone.now()) if result.rows} == set()


# --- Added afterwards -----------------------------------------------------------------------------------------------
def test_the_receipt_stands_on_the_proof_and_moves_the_order_but_no_status_and_no_clock(order: Order):
    before = trace(order)
    fresh = attach(order)
    proof, event = fresh.proofs.get(), fresh.events.latest("number")
    with proof.receipt.open() as stored:
        assert stored.read() == a_receipt().content.read()
    assert (proof.receipt_name, proof.receipt_type, proof.receipt_size) == ("receipt.png", "image/png", proof.receipt.size)
    assert proof.receipt_sha256 == a_receipt().sha256
    assert (event.action, event.actor, event.role, event.proof, event.number) == (
        *("attach_receipt", order.client, "C", proof, order.version + 1),
    )
    moved = {"version": order.version + 1, "events": before["events"] + 1}
    changed = {name: value for name, value in trace(order).items() if value != before[name] and name != "updated_at"}
    assert {name: value for name, value in changed.items() if name != "proof"} == moved


def test_nobody_is_told_again_but_every_open_page_hears_it(order: Order, monkeypatch, django_capture_on_commit_callbacks):
    heard: list[tuple[set[str], str]] = []
    monkeypatch.setattr("orders.services.change.publish", lambda groups, event: heard.append((set(groups), event["type"])))
    told = Notification.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        attach(order)
    assert Notification.objects.count() == told
    assert heard == [({group_of(order.client_id), group_of(order.freelancer_id)}, "order.updated")]


def test_whoever_has_opened_the_proof_before_must_look_again(order: Order, moderator: User):
    attach(order)
    before = trace(order)
    for decide in (confirm, reject):
        with pytest.raises(OrderMoved):
            decide(order, moderator)
    assert trace(order) == before
    assert confirm(Order.objects.get(), moderator).status == Status.PAYMENT_CONFIRMED


def test_the_same_file_again_is_quiet_success(order: Order):
    first, files = attach(order), kept_receipts()
    before = trace(order)
    assert attach(order).version == first.version
    assert (trace(order), kept_receipts()) == (before, files)


def test_another_file_does_not_replace_it(order: Order):
    attach(order)
    before, files = trace(order), kept_receipts()
    with pytest.raises(ReceiptRefused) as refusal:
        attach(order, colour="tan")
    assert refusal.value.code == "receipt_refused"
    assert (trace(order), kept_receipts()) == (before, files)


def test_one_that_was_handed_in_at_once_is_not_replaced(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_SUBMITTED, client=buyer, freelancer=freelancer)
    before = trace(order)
    with pytest.raises(ReceiptRefused):
        attach(order, colour="tan")
    assert trace(order) == before


def test_a_receipt_used_before_is_accepted_and_shown_to_the_verifier(order: Order, stranger: User, freelancer: User):
    other = hand_in_proof(place(stranger, GigFactory(freelancer=freelancer), order.payment_method))
    attach(order)
    proof = order.proofs.get()
    assert [(use.proof, use.same_file) for use in list_earlier_uses(proof)] == [(other.proofs.get(), True)]
    assert with_earlier_uses(PaymentProof.objects.filter(pk=proof.pk)).get().file_seen


def test_a_signature_given_before_stays_and_the_second_sees_the_receipt(order: Order, moderator: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    signed = confirm(order, moderator)
    seconded = attach(signed)
    assert seconded.proofs.get().first_confirmed_by == moderator
    assert confirm(seconded, UserFactory(is_staff=True, is_superuser=True)).status == Status.PAYMENT_CONFIRMED


# --- Refused --------------------------------------------------------------------------------------------------------
def rejected(order: Order, moderator: User) -> None:
    reject(order, moderator)


def confirmed(order: Order, moderator: User) -> None:
    confirm(order, moderator)


@pytest.mark.parametrize("decide", [rejected, confirmed])
def test_once_it_is_decided_no_receipt_comes_any_more(order: Order, moderator: User, decide: Callable[[Order, User], None]):
    decide(order, moderator)
    before, files = trace(order), kept_receipts()
    with pytest.raises(ReceiptRefused):
        attach(order)
    assert (trace(order), kept_receipts()) == (before, files)


def test_before_a_proof_there_is_nothing_to_add_it_to(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    before = trace(order)
    with pytest.raises(ReceiptRefused):
        attach(order)
    assert trace(order) == before


def test_a_disputed_payment_takes_evidence_and_no_receipt(buyer: User, freelancer: User):
    order = hand_in_proof(order_in(client=buyer, freelancer=freelancer, custody=Custody.DIRECT), receipt=None)
    Order.objects.filter(pk=order.pk).update(review_due_at=timezone.now())
    disputes.open_dispute(actor=buyer, order_id=order.pk, seen=order.version, reason="other", statement=STATEMENT)
    before = trace(order)
    with pytest.raises(ReceiptRefused):
        attach(order)
    assert trace(order) == before


def test_what_a_moderator_found_takes_no_receipt_of_the_client(buyer: User, freelancer: User, moderator: User):
    order = order_in(client=buyer, freelancer=freelancer)
    found = {"transaction_reference": "TX 1", "payer_name": "Amara Okafor", "amount": Decimal(120), "paid_at": timezone.now()}
    step = {"action": Action.RECORD_PAYMENT, "actor": moderator, "order_id": order.pk, "seen": order.version}
    order = payments.enter_payment(**step, **found)
    before = trace(order)
    with pytest.raises(ReceiptRefused):
        attach(order)
    assert trace(order) == before


@pytest.mark.parametrize("who", ["freelancer", "moderator", "stranger"])
def test_it_is_the_clients_own_to_add(order: Order, who: str, request):
    before, files = trace(order), kept_receipts()
    with pytest.raises(ActionNotAllowed):
        attach(order, request.getfixturevalue(who))
    assert (trace(order), kept_receipts()) == (before, files)


def test_a_step_that_breaks_after_the_file_was_written_takes_it_back(order: Order, monkeypatch):
    def break_down(*args, **options):
        raise RuntimeError("The power fails.")

    monkeypatch.setattr("orders.services.change.record", break_down)
    before, files = trace(order), kept_receipts()
    with pytest.raises(RuntimeError, match="power"):
        attach(order)
    assert (trace(order), kept_receipts()) == (before, files)


# --- What people see ------------------------------------------------------------------------------------------------
def test_the_client_has_the_step_as_long_as_the_receipt_is_missing(order: Order, freelancer: User, moderator: User):
    assert [list_actions_for(person, order) == [Action.ATTACH_RECEIPT] for person in (order.client, freelancer)] == [True, False]
    assert Action.ATTACH_RECEIPT not in list_actions_for(moderator, order)
    assert list_actions_for(order.client, attach(order)) == []


def test_the_history_tells_it_with_a_link(order: Order):
    attach(order)
    entry = timeline(get_order_page_for(order.client, order.pk))[0]
    proof = order.proofs.get()
    assert (entry["title"], entry["who"], entry["role"]) == ("Receipt added to proof 1", str(order.client), "client")
    assert entry["href"] == reverse("orders:receipt", args=[proof.pk])


YET = "No receipt yet. It can be added until the payment is decided."
NEVER = "Handed in without a receipt."
FOUND = "Found on the account’s statement by a moderator."


@pytest.mark.parametrize("who", ["buyer", "freelancer", "moderator"])
def test_the_page_says_that_it_is_missing_and_may_come(order: Order, who: str, request, sign_in: SignIn):
    page = sign_in(request.getfixturevalue(who)).get(order.get_absolute_url()).text
    assert [words in page for words in (YET, NEVER, FOUND)] == [True, False, False]
    assert reverse("orders:receipt", args=[order.proofs.get().pk]) not in page


def test_the_page_says_so_of_a_decided_one_too(order: Order, moderator: User, sign_in: SignIn):
    reject(order, moderator)
    page = sign_in(order.client).get(order.get_absolute_url()).text
    assert [words in page for words in (YET, NEVER, FOUND)] == [False, True, False]


def test_a_receipt_that_is_not_there_is_404(order: Order, sign_in: SignIn):
    address = reverse("orders:receipt", args=[order.proofs.get().pk])
    assert [sign_in(person).get(address).status_code for person in (order.client, order.freelancer)] == [404, 404]


def desk(order: Order) -> str:
    return reverse("admin:orders_paymentproof_verify", args=[order.proofs.get().pk])


def test_the_desk_says_that_none_is_there_yet(order: Order, moderator: User, sign_in: SignIn):
    answer = sign_in(moderator).get(desk(order))
    assert "There is none yet." in answer.text
    assert "No receipt" in [flag.label for flag in answer.context["flags"]]
    attach(order)
    answer = sign_in(moderator).get(desk(order))
    assert "There is none yet." not in answer.text
    assert "No receipt" not in [flag.label for flag in answer.context["flags"]]
    assert f'src="{reverse("orders:receipt", args=[order.proofs.get().pk])}?inline=1"' in answer.text


def test_the_desk_says_that_none_came(order: Order, moderator: User, sign_in: SignIn):
    reject(order, moderator)
    page = sign_in(moderator).get(desk(order)).text
    assert "no receipt came before it was decided" in page
    assert "There is none yet." not in page


def test_a_desk_that_was_opened_before_is_out_of_date(order: Order, moderator: User, sign_in: SignIn):
    attach(order)
    before = trace(order)
    typed = {"confirm-seen": order.version, "confirm-received_amount": "120.00", "confirm-arrived": "exact"}
    address = reverse("admin:orders_paymentproof_confirm", args=[order.proofs.get().pk])
    answer = sign_in(moderator).post(address, typed)
    assert "Someone was faster" in answer.text
    assert trace(order) == before


def test_the_web_form_goes_on_asking_for_a_receipt(buyer: User, freelancer: User, sign_in: SignIn):
    order = order_in(client=buyer, freelancer=freelancer)
    before = trace(order)
    typed = {"transaction_reference": "TX 1", "payer_name": "A. Okafor", "amount": "120.00", "paid_at": "2026-01-02T03:04"}
    answer = sign_in(buyer).post(reverse("orders:submit_payment", args=[order.pk]), {"seen": order.version, **typed})
    assert (answer.status_code, list(answer.context["forms"]["submit_payment"].errors)) == (422, ["receipt"])
    assert trace(order) == before


def test_the_queue_costs_the_same_with_many_that_lack_it(buyer: User, freelancer: User, moderator: User, sign_in: SignIn):
    browser = sign_in(moderator)
    counts = []
    for more in (1, 5):
        for _ in range(more):
            hand_in_proof(order_in(client=buyer, freelancer=freelancer), receipt=None)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert browser.get("/admin/orders/paymentproof/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- At once --------------------------------------------------------------------------------------------------------
def staff() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize("_round", range(3))
def test_a_receipt_and_a_decision_at_once(_round: int):
    """Whichever is first, nobody confirms what they have not seen, and no receipt comes to a decided proof."""
    order, by = hand_in_proof(order_in(client=UserFactory(), freelancer=UserFactory()), receipt=None), staff()
    added, decided = at_once(lambda: attach(order), lambda: confirm(order, by))
    proof = PaymentProof.objects.get()
    if isinstance(added, Order):
        assert isinstance(decided, OrderMoved)
        assert (proof.state, bool(proof.receipt)) == ("submitted", True)
    else:
        assert isinstance(added, ReceiptRefused)
        assert isinstance(decided, Order)
        assert (proof.state, bool(proof.receipt)) == ("verified", False)
    assert Order.objects.get().version == order.version + 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize("_round", range(3))
def test_the_same_receipt_twice_at_once_is_one(_round: int):
    order = hand_in_proof(order_in(client=UserFactory(), freelancer=UserFactory()), receipt=None)
    results = at_once(lambda: attach(order), lambda: attach(order))
    assert [type(result) for result in results] == [Order, Order]
    assert Order.objects.get().version == order.version + 1


def test_a_pdf_can_come_afterwards_too(order: Order):
    pdf = check_receipt(SimpleUploadedFile("Beleg.pdf", b"%PDF-1.4\n%%EOF"))
    payments.attach_receipt(actor=order.client, order_id=order.pk, receipt=pdf)
    assert order.proofs.get().receipt_type == "application/pdf"


def test_the_next_proof_after_a_rejection_may_have_its_own(order: Order, moderator: User):
    again = hand_in_proof(reject(order, moderator), receipt=None)
    attach(again)
    assert [bool(proof.receipt) for proof in order.proofs.order_by("attempt")] == [False, True]


def test_money_methods_do_not_matter(stranger: User, freelancer: User):
    order = place(stranger, GigFactory(freelancer=freelancer), PlatformMethodFactory(kind="cash"))
    assert attach(hand_in_proof(order, receipt=None)).proofs.get().receipt_name == "receipt.png"
