"""From placing to approval: every guard of docs/orders.md, and what each step leaves behind."""

import uuid
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings as site
from django.utils import timezone

from accounts.exceptions import CannotClose
from accounts.models import User
from accounts.services import deactivate_account
from gigs.models import Gig, Requirement
from gigs.services import archive_gig, pause_gig
from gigs.tests.factories import GigFactory, RequirementFactory
from messaging.models import Notification
from orders.exceptions import (
    ActionNotAllowed,
    AnswersIncomplete,
    DeliveryIncomplete,
    GigChanged,
    GigNotOrderable,
    NoRevisionsLeft,
    OrderMoved,
    PaymentMethodNotUsable,
)
from orders.models import Order, PaymentMethod
from orders.references import is_reference
from orders.selectors import gig_terms, list_visible_orders, reason_to_stay, roles_for
from orders.services import lifecycle
from orders.states import Custody, PaymentStatus, Status
from orders.tests.factories import (
    DirectMethodFactory,
    PlatformMethodFactory,
    a_file,
    deliver,
    hand_in_proof,
    order_in,
    place,
)
from orders.tests.test_states import trace


@pytest.fixture
def gig(freelancer: User) -> Gig:
    return GigFactory(freelancer=freelancer, price=Decimal("120"), delivery_days=6, revisions_included=1, auto_approve_days=5)


@pytest.fixture
def method(db: None) -> PaymentMethod:
    return PlatformMethodFactory(instructions="Write the **reference**.", pay_window_hours=48)


def nothing_placed() -> bool:
    return not Order.objects.exists() and not Notification.objects.exists()


def kept_deliveries() -> set[Path]:
    folder = Path(site.STORAGES["private"]["OPTIONS"]["location"], "deliveries")
    return set(folder.glob("*")) if folder.is_dir() else set()


# --- Placing --------------------------------------------------------------------------------------------------------
def test_an_order_copies_every_promise(buyer: User, gig: Gig, method: PaymentMethod):
    order = place(buyer, gig, method)
    assert (order.client, order.freelancer, order.gig) == (buyer, gig.freelancer, gig)
    assert (order.status, order.payment_status, order.version) == (Status.PENDING_PAYMENT, PaymentStatus.AWAIT_DEPOSIT, 1)
    assert (order.gig_title, order.price, order.expected_amount, order.currency) == (gig.title, gig.price, gig.price, "EUR")
    assert (order.delivery_days, order.revisions_included, order.auto_approve_days) == (6, 1, 5)
    assert (order.custody, order.payment_method, order.escrow_fee_pct) == (Custody.PLATFORM, method, Decimal(10))
    assert (order.pay_to_kind, order.pay_to_label, order.pay_to_holder) == ("bank", method.label, method.account_holder)
    assert (order.deposit_address, order.pay_to_routing) == (method.account_number, method.routing)
    assert (order.payment_instructions, order.is_reversible) == (method.instructions, False)
    assert order.hold_days == site.HOLD_DAYS
    assert order.pay_by == order.created_at + timedelta(hours=48)
    assert is_reference(order.payment_reference)


def test_an_event_tells_of_the_placing(buyer: User, gig: Gig, method: PaymentMethod):
    event = place(buyer, gig, method).events.get()
    assert (event.number, event.action, event.from_status, event.to_status) == (1, "place_order", "", "PENDING_PAYMENT")
    assert (event.actor, event.role) == (buyer, "C")


def test_the_snapshot_does_not_follow_later_edits(buyer: User, gig: Gig, method: PaymentMethod):
    order = place(buyer, gig, method)
    before = trace(order)
    Gig.objects.update(title="Dearer", price=999, currency="USD", delivery_days=99, revisions_included=9, auto_approve_days=14)
    PaymentMethod.objects.update(
        label="Elsewhere", account_holder="Thief", account_number="X", routing="Y", instructions="Z", is_active=False
    )
    Requirement.objects.all().delete()
    assert trace(order) == before
    assert hand_in_proof(order).status == Status.PAYMENT_SUBMITTED


def test_direct_orders_pay_no_fee(buyer: User, gig: Gig):
    order = place(buyer, gig, DirectMethodFactory(owner=gig.freelancer))
    assert (order.custody, order.escrow_fee_pct) == (Custody.DIRECT, Decimal(0))
    assert order.pay_by == order.created_at + timedelta(hours=2)


def test_reversible_ways_to_pay_are_held_longer(buyer: User, gig: Gig):
    assert place(buyer, gig, PlatformMethodFactory(is_reversible=True)).hold_days == site.HOLD_DAYS_REVERSIBLE


def test_nobody_orders_their_own_gig(gig: Gig, method: PaymentMethod):
    with pytest.raises(GigNotOrderable):
        place(gig.freelancer, gig, method)
    assert nothing_placed()


def test_a_paused_gig_is_not_ordered(buyer: User, gig: Gig, method: PaymentMethod):
    pause_gig(actor=gig.freelancer, gig=gig)
    with pytest.raises(GigNotOrderable):
        place(buyer, gig, method)
    assert nothing_placed()


def test_an_archived_gig_is_not_ordered(buyer: User, gig: Gig, method: PaymentMethod):
    archive_gig(actor=gig.freelancer, gig=gig)
    with pytest.raises(GigNotOrderable):
        place(buyer, gig, method)
    assert nothing_placed()


def test_a_freelancer_who_is_gone_sells_nothing(buyer: User, gig: Gig, method: PaymentMethod):
    User.objects.filter(pk=gig.freelancer_id).update(is_active=False)
    with pytest.raises(GigNotOrderable):
        place(buyer, gig, method)
    assert nothing_placed()


def test_a_gig_that_does_not_exist_is_not_ordered(buyer: User, method: PaymentMethod):
    with pytest.raises(GigNotOrderable):
        lifecycle.place_order(
            actor=buyer,
            gig_id=uuid.uuid4(),
            payment_method_id=method.pk,
            answers={},
            terms="",
            placement_key=uuid.uuid4(),
        )
    assert nothing_placed()


@pytest.mark.parametrize(
    "change",
    [{"price": 121}, {"currency": "USD"}, {"delivery_days": 7}, {"revisions_included": 0}, {"auto_approve_days": 3}],
)
def test_terms_that_changed_since_the_page_was_read_are_refused(change: dict, buyer: User, gig: Gig, method: PaymentMethod):
    Gig.objects.filter(pk=gig.pk).update(**change)
    with pytest.raises(GigChanged):
        place(buyer, gig, method)
    assert nothing_placed()


def test_an_account_no_longer_offered_is_refused(buyer: User, gig: Gig):
    with pytest.raises(PaymentMethodNotUsable):
        place(buyer, gig, PlatformMethodFactory(is_active=False))
    assert nothing_placed()


def test_an_account_in_another_currency_is_refused(buyer: User, gig: Gig):
    with pytest.raises(PaymentMethodNotUsable):
        place(buyer, gig, PlatformMethodFactory(currency="USD"))
    assert nothing_placed()


def test_another_freelancers_account_is_refused(buyer: User, gig: Gig, stranger: User):
    with pytest.raises(PaymentMethodNotUsable):
        place(buyer, gig, DirectMethodFactory(owner=stranger))
    assert nothing_placed()


def test_the_clients_own_account_is_refused(buyer: User, gig: Gig):
    with pytest.raises(PaymentMethodNotUsable):
        place(buyer, gig, DirectMethodFactory(owner=buyer))
    assert nothing_placed()


def test_the_same_form_sent_twice_places_one_order(buyer: User, gig: Gig, method: PaymentMethod):
    key = uuid.uuid4()
    first, second = place(buyer, gig, method, placement_key=key), place(buyer, gig, method, placement_key=key)
    assert first == second
    assert Order.objects.count() == 1
    assert Notification.objects.count() == 1


def test_the_same_key_of_somebody_else_is_another_order(buyer: User, stranger: User, gig: Gig, method: PaymentMethod):
    key = uuid.uuid4()
    assert place(buyer, gig, method, placement_key=key) != place(stranger, gig, method, placement_key=key)


def test_answers_are_kept_with_their_questions(buyer: User, gig: Gig, method: PaymentMethod):
    name = RequirementFactory(gig=gig, position=0, question="Which name?")
    colour = RequirementFactory(gig=gig, position=1, question="Which colour?", kind="choice", choices=["Red", "Blue"])
    extra = RequirementFactory(gig=gig, position=2, question="Anything else?", is_required=False)
    order = place(buyer, gig, method, answers={name.pk: "  Okafor & Daughters ", colour.pk: "Blue"})
    Requirement.objects.filter(pk=extra.pk).update(question="Changed?")
    assert list(order.answers.values_list("question", "answer")) == [
        ("Which name?", "Okafor & Daughters"),
        ("Which colour?", "Blue"),
        ("Anything else?", ""),
    ]


@pytest.mark.parametrize("answer", ["", "   ", None])
def test_a_required_question_must_be_answered(answer: str | None, buyer: User, gig: Gig, method: PaymentMethod):
    question = RequirementFactory(gig=gig, question="Which name?")
    with pytest.raises(AnswersIncomplete) as refusal:
        place(buyer, gig, method, answers={} if answer is None else {question.pk: answer})
    assert "Which name?" in refusal.value.message
    assert nothing_placed()


@pytest.mark.parametrize("required", [True, False])
def test_an_answer_that_is_no_choice_is_refused(required: bool, buyer: User, gig: Gig, method: PaymentMethod):
    question = RequirementFactory(gig=gig, kind="choice", choices=["Red", "Blue"], is_required=required)
    with pytest.raises(AnswersIncomplete):
        place(buyer, gig, method, answers={question.pk: "Green"})
    assert nothing_placed()


# --- Cancelling -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["client", "freelancer"])
def test_either_side_cancels_while_nothing_is_paid(who: str, buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    fresh = lifecycle.cancel(actor=getattr(order, who), order_id=order.pk, seen=order.version, note="Sorry.")
    event = fresh.events.last()
    assert (fresh.status, fresh.payment_status) == (Status.CANCELLED, PaymentStatus.AWAIT_DEPOSIT)
    assert (event.note, fresh.cancelled_at) == ("Sorry.", event.created_at)


def test_a_partly_paid_order_is_not_simply_cancelled(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    Order.objects.filter(pk=order.pk).update(payment_status=PaymentStatus.PARTIALLY_FUNDED)
    before = trace(order)
    with pytest.raises(ActionNotAllowed):
        lifecycle.cancel(actor=buyer, order_id=order.pk, seen=order.version)
    assert trace(order) == before


# --- Working --------------------------------------------------------------------------------------------------------
def test_starting_starts_the_delivery_clock(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    assert order.due_at == order.started_at + timedelta(days=6)
    assert order.accept_by is None


@pytest.mark.parametrize("work", [{"note": ""}, {"note": " \n"}, {"files": [], "links": []}])
def test_a_delivery_needs_a_note_and_something(work: dict, buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    before, files = trace(order), kept_deliveries()
    with pytest.raises(DeliveryIncomplete):
        deliver(order, **work)
    assert trace(order) == before
    assert kept_deliveries() == files


def test_a_link_alone_is_a_delivery(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    delivery = deliver(order, files=[], links=["https://example.com/work"]).deliveries.get()
    assert (delivery.number, delivery.links, delivery.files.count()) == (1, ["https://example.com/work"], 0)


def test_a_delivery_starts_the_time_to_check(buyer: User, freelancer: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    assert order.auto_approve_at == order.submitted_at + timedelta(days=order.auto_approve_days)
    assert order.due_at is None
    assert order.ever_delivered


def test_files_of_a_delivery_that_fails_are_deleted_again(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    before, files = trace(order), kept_deliveries()

    class Vanished:
        display_name, content_type, size, sha256, stored_name = "b.zip", "application/zip", 1, "0" * 64, "b.zip"

        @property
        def content(self):
            assert len(kept_deliveries() - files) == 1
            raise OSError("the upload is gone")

    with pytest.raises(OSError, match="gone"):
        deliver(order, files=[a_file(), Vanished()])
    assert trace(order) == before
    assert kept_deliveries() == files


def test_a_stale_delivery_leaves_no_file(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    order.version -= 1
    before, files = trace(order), kept_deliveries()
    with pytest.raises(OrderMoved):
        deliver(order)
    assert trace(order) == before
    assert kept_deliveries() == files


# --- Checking -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("days", "given"), [(1, timedelta(days=2)), (4, timedelta(days=2)), (7, timedelta(days=3.5))])
def test_a_revision_gets_half_the_time_and_two_days_at_least(days: int, given: timedelta, buyer: User, freelancer: User):
    gig = GigFactory(freelancer=freelancer, delivery_days=days, revisions_included=1)
    order = order_in(Status.REVISION_REQUESTED, client=buyer, freelancer=freelancer, gig=gig)
    request = order.revision_requests.get()
    assert order.due_at == request.created_at + given
    assert (request.number, request.delivery.number, request.items) == (1, 1, ["Make it rounder."])
    assert order.auto_approve_at is None


def test_included_revisions_run_out(buyer: User, freelancer: User):
    order = deliver(order_in(Status.REVISION_REQUESTED, client=buyer, freelancer=freelancer))
    before = trace(order)
    with pytest.raises(NoRevisionsLeft):
        lifecycle.request_revision(actor=buyer, order_id=order.pk, seen=order.version, items=["Once more."])
    assert trace(order) == before


def test_a_gig_without_revisions_has_none(buyer: User, freelancer: User):
    gig = GigFactory(freelancer=freelancer, revisions_included=0)
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer, gig=gig)
    with pytest.raises(NoRevisionsLeft):
        lifecycle.request_revision(actor=buyer, order_id=order.pk, seen=order.version, items=["Rounder."])


def test_a_revision_says_what_is_to_be_changed(buyer: User, freelancer: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    before = trace(order)
    with pytest.raises(DeliveryIncomplete):
        lifecycle.request_revision(actor=buyer, order_id=order.pk, seen=order.version, items=[])
    assert trace(order) == before


def test_approval_under_platform_custody_starts_the_hold(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    assert order.payment_status == PaymentStatus.RELEASED
    assert order.hold_until == order.completed_at + timedelta(days=order.hold_days)


def test_approval_under_direct_custody_leaves_the_money_where_it_is(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    assert order.payment_status == PaymentStatus.PAID_DIRECT
    assert order.hold_until == order.completed_at + timedelta(days=order.hold_days)  # so long the client may still dispute it
    assert not order.transfers.exists()


def test_approval_counts_once_for_freelancer_and_gig(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    lifecycle.approve(actor=buyer, order_id=order.pk, seen=order.version - 1)
    assert freelancer.stats.orders_completed == 1
    order.gig.stats.refresh_from_db()
    assert order.gig.stats.orders_completed == 1


# --- Twice, and too late --------------------------------------------------------------------------------------------
STEPS = {
    Status.PENDING_PAYMENT: lambda o: lifecycle.cancel(actor=o.client, order_id=o.pk, seen=o.version),
    Status.PAYMENT_CONFIRMED: lambda o: lifecycle.start_work(actor=o.freelancer, order_id=o.pk, seen=o.version),
    Status.IN_PROGRESS: deliver,
    Status.SUBMITTED: lambda o: lifecycle.approve(actor=o.client, order_id=o.pk, seen=o.version),
}


@pytest.mark.parametrize("status", STEPS)
def test_the_same_click_twice_is_one_step(status: Status, buyer: User, freelancer: User):
    order = order_in(status, client=buyer, freelancer=freelancer)
    stale = Order.objects.select_related("client", "freelancer").get(pk=order.pk)
    first = STEPS[status](order)
    before, files = trace(first), kept_deliveries()
    assert STEPS[status](stale).version == first.version
    assert trace(first) == before
    assert kept_deliveries() == files


@pytest.mark.parametrize("status", STEPS)
def test_a_step_from_a_stale_page_is_refused(status: Status, buyer: User, freelancer: User):
    order = order_in(status, client=buyer, freelancer=freelancer)
    before, files = trace(order), kept_deliveries()
    order.version -= 1
    with pytest.raises(OrderMoved):
        STEPS[status](order)
    assert trace(order) == before
    assert kept_deliveries() == files


def test_events_are_numbered_without_gaps(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    assert list(order.events.values_list("number", flat=True)) == list(range(1, order.version + 1))
    assert order.events.last().created_at <= timezone.now()


@pytest.mark.django_db
def test_nobody_closes_their_account_while_an_order_of_theirs_runs(buyer, freelancer):
    order = order_in(client=buyer, freelancer=freelancer)
    for person in (buyer, freelancer):
        with pytest.raises(CannotClose, match="1 order is not over yet"):
            deactivate_account(actor=person, user=person)
    lifecycle.cancel(actor=buyer, order_id=order.pk, seen=order.version)
    deactivate_account(actor=buyer, user=buyer)
    buyer.refresh_from_db()
    assert not buyer.is_active


@pytest.mark.parametrize("change", [{"title": "Something else"}, {"description": "Less than before."}])
def test_other_words_of_the_gig_are_other_terms(buyer: User, freelancer: User, change: dict[str, str]):
    gig = GigFactory(freelancer=freelancer)
    method, terms = PlatformMethodFactory(), gig_terms(gig)
    Gig.objects.filter(pk=gig.pk).update(**change)
    with pytest.raises(GigChanged):
        place(buyer, gig, method, terms=terms)
    assert Order.objects.count() == 0


def test_the_order_keeps_the_description_it_was_bought_by(buyer: User, freelancer: User):
    order = order_in(client=buyer, freelancer=freelancer)
    promised = order.gig.description
    Gig.objects.filter(pk=order.gig_id).update(description="Nothing at all.")
    assert Order.objects.get(pk=order.pk).gig_description == promised


def test_a_moderator_without_the_factor_staff_need_sees_no_orders(buyer: User, freelancer: User, moderator: User, settings):
    order = order_in(client=buyer, freelancer=freelancer)
    assert list_visible_orders(moderator).get() == order
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    assert not list_visible_orders(moderator).exists()
    assert roles_for(moderator, order) == frozenset()


@pytest.mark.parametrize("status", [Status.COMPLETED])
def test_nobody_leaves_while_money_of_theirs_is_here(status: Status, buyer: User, freelancer: User):
    order_in(status, client=buyer, freelancer=freelancer)
    assert reason_to_stay(freelancer).startswith("Money of yours is still here")
    assert reason_to_stay(buyer) == ""


def test_nobody_leaves_who_owes_or_waits_for_a_refund(buyer: User, freelancer: User):
    order = order_in(Status.PAYMENT_CONFIRMED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    order = lifecycle.decline(actor=freelancer, order_id=order.pk, seen=order.version)
    assert reason_to_stay(freelancer) and reason_to_stay(buyer)
    assert reason_to_stay(freelancer) == reason_to_stay(buyer)
