"""How disputes end: settlements, rulings, appeals. Every cent of each way."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from orders.exceptions import ActionNotAllowed, AlreadyPaidOut, AmountMismatch, DisputeRefused
from orders.models import Disbursement, Dispute, LedgerTransfer, Order, PaymentProof, SettlementOffer, StaffNote
from orders.selectors.disputes import has_lost, may_appeal
from orders.services import disputes, rulings, settlements
from orders.states import Custody, DisbursementState, PaymentStatus, Status
from orders.tests.disputing import REASON, STATEMENT, answered, case_for, disputed, money, reviewed, ruled, taken
from orders.tests.factories import order_in
from orders.tests.test_disputes import refused

State = Dispute.State


@pytest.fixture
def second(db: None) -> User:
    user = UserFactory(full_name="Second Moderator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="resolve_dispute"))
    return user


@pytest.fixture
def delivered(buyer: User, freelancer: User) -> Order:
    return order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)


@pytest.fixture
def case(moderator: User, buyer: User, freelancer: User) -> Order:
    return case_for(moderator, buyer, freelancer)


def the_case(order: Order) -> Dispute:
    return Dispute.objects.select_related("order").filter(order=order).latest("number")


def the_refund(order: Order) -> tuple[Decimal, str, str]:
    row = order.disbursements.exclude(state=DisbursementState.WITHDRAWN).get()
    return row.amount, row.reason, row.state


def offer(order: Order, by: User, amount: str) -> Order:
    return settlements.offer_settlement(actor=by, order_id=order.pk, seen=order.version, freelancer_amount=Decimal(amount))


def accept(order: Order, by: User) -> Order:
    return settlements.accept_settlement(actor=by, order_id=order.pk, seen=order.version)


def appealed(order: Order, by: User) -> Order:
    return rulings.appeal(actor=by, order_id=order.pk, seen=order.version, reason="The second file was not opened.")


# --- Settling ---------------------------------------------------------------------------------------------------------
PLATFORM_ENDS = {
    "0": (Status.CANCELLED, PaymentStatus.REFUNDED, {"refundable": "120"}),
    "120": (Status.COMPLETED, PaymentStatus.RELEASED, {"balance": "108", "fees": "12"}),
    "33.33": (Status.COMPLETED, PaymentStatus.SPLIT, {"balance": "30", "fees": "3.33", "refundable": "86.67"}),
}


@pytest.mark.parametrize("amount", PLATFORM_ENDS)
def test_an_accepted_offer_divides_the_money(delivered: Order, buyer: User, freelancer: User, amount: str):
    status, payment, accounts = PLATFORM_ENDS[amount]
    order = accept(offer(disputed(delivered, buyer), freelancer, amount), buyer)
    assert (order.status, order.payment_status) == (status, payment)
    assert money(order) == {name: Decimal(value) for name, value in accounts.items()}
    case = the_case(order)
    assert (case.state, case.freelancer_amount, order.dispute_by) == (State.SETTLED, Decimal(amount), None)
    assert case.offers.get().state == "accepted"
    if "refundable" in accounts:
        assert the_refund(order) == (Decimal(accounts["refundable"]), "settled", "requested")
    else:
        assert not order.disbursements.exists()


DIRECT_ENDS = {
    "0": (Status.CANCELLED, PaymentStatus.REFUND_DUE, "120"),
    "120": (Status.COMPLETED, PaymentStatus.PAID_DIRECT, None),
    "50": (Status.CANCELLED, PaymentStatus.REFUND_DUE, "70"),
}


@pytest.mark.parametrize("amount", DIRECT_ENDS)
def test_a_direct_order_settles_without_the_ledger(buyer: User, freelancer: User, amount: str):
    status, payment, owed = DIRECT_ENDS[amount]
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer, custody=Custody.DIRECT)
    order = accept(offer(disputed(order, buyer), buyer, amount), freelancer)
    assert (order.status, order.payment_status) == (status, payment)
    assert not order.transfers.exists()
    refunds = [(row.amount, row.person, row.payer) for row in order.disbursements.all()]
    assert refunds == ([(Decimal(owed), buyer, freelancer)] if owed else [])


@pytest.mark.parametrize(
    ("asked", "offered", "midpoint"),
    [("60", "60", "60"), ("40.01", "40.02", "40.02"), ("40.01", "40.04", "40.02"), ("20", "100", "60")],
)
@pytest.mark.parametrize("first", ["client", "freelancer"])
def test_offers_that_cross_settle_at_the_midpoint(
    delivered: Order, buyer: User, freelancer: User, asked: str, offered: str, midpoint: str, first: str
):
    order = disputed(delivered, buyer)
    bids = [(freelancer, asked), (buyer, offered)]
    for person, amount in bids if first == "freelancer" else reversed(bids):
        order = offer(order, person, amount)
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.SPLIT)
    assert the_case(order).freelancer_amount == Decimal(midpoint)
    assert {row.state for row in the_case(order).offers.all()} == {"accepted"}
    assert the_refund(order)[0] == Decimal("120") - Decimal(midpoint)


def test_offers_that_do_not_meet_stand_side_by_side_and_a_new_one_replaces_the_old(
    delivered: Order, buyer: User, freelancer: User
):
    order = offer(offer(offer(disputed(delivered, buyer), freelancer, "100"), buyer, "20"), freelancer, "90")
    assert (order.status, order.payment_status) == (Status.DISPUTED, PaymentStatus.DISPUTED)
    rows = [(row.offered_by, row.freelancer_amount, row.state) for row in the_case(order).offers.all()]
    assert rows == [(freelancer, 100, "replaced"), (buyer, 20, "open"), (freelancer, 90, "open")]
    assert money(order) == {"escrow": Decimal("120")}
    order = accept(order, freelancer)
    assert the_case(order).freelancer_amount == 20
    assert sorted(row.state for row in the_case(order).offers.all()) == ["accepted", "lapsed", "replaced"]


@pytest.mark.parametrize("amount", ["120.01", "-1", "NaN", "10.001"])
def test_an_offer_that_is_no_part_is_refused(delivered: Order, buyer: User, amount: str):
    order = disputed(delivered, buyer)
    refused(order, Exception, settlements.offer_settlement, actor=buyer, freelancer_amount=Decimal(amount))


def test_nobody_accepts_their_own_offer_or_none(delivered: Order, buyer: User, freelancer: User, stranger: User):
    order = offer(disputed(delivered, buyer), buyer, "50")
    refused(order, DisputeRefused, settlements.accept_settlement, actor=buyer)
    refused(order, ActionNotAllowed, settlements.accept_settlement, actor=stranger)


def test_a_dispute_over_a_completed_order_settles_to_completed(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    wishes = {"reason": "fraud", "statement": STATEMENT}
    order = disputes.dispute_completed(actor=buyer, order_id=order.pk, seen=order.version, **wishes)
    order = accept(offer(order, freelancer, "0"), buyer)
    assert (order.status, order.payment_status, order.hold_until) == (Status.COMPLETED, PaymentStatus.REFUNDED, None)
    assert money(order) == {"refundable": Decimal("120")}


def test_what_was_settled_is_not_disputed_again(buyer: User, freelancer: User, moderator: User):
    order = order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer)
    order = accept(offer(disputed(order, buyer), buyer, "120"), freelancer)
    assert order.payment_status == PaymentStatus.RELEASED
    wishes = {"reason": "fraud", "statement": STATEMENT}
    refused(order, DisputeRefused, disputes.dispute_completed, actor=buyer, **wishes)
    order = disputes.dispute_completed(actor=moderator, order_id=order.pk, seen=order.version, **wishes)
    assert order.payment_status == PaymentStatus.DISPUTED


# --- Taking a case ------------------------------------------------------------------------------------------------------
def test_a_case_is_taken_handed_over_and_taken_over(delivered: Order, buyer: User, moderator: User, second: User):
    order = reviewed(disputed(delivered, buyer))
    order = taken(order, moderator)
    assert the_case(order).moderator == moderator
    refused(order, DisputeRefused, rulings.take_case, actor=second)
    refused(order, DisputeRefused, rulings.take_case, actor=moderator)
    order = rulings.take_case(actor=moderator, order_id=order.pk, seen=order.version, to=second, note="You know music.")
    assert the_case(order).moderator == second
    order = rulings.take_case(actor=moderator, order_id=order.pk, seen=order.version, note="They are ill.")
    assert the_case(order).moderator == moderator
    assert list(StaffNote.objects.values_list("text", flat=True)) == ["You know music.", "They are ill."]
    assert not any(order.events.filter(action="take_case").exclude(note=""))


def test_only_moderators_who_are_no_party_have_a_case(
    delivered: Order, buyer: User, freelancer: User, stranger: User, moderator: User
):
    order = reviewed(disputed(delivered, buyer))
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    for person in (buyer, freelancer, stranger):
        refused(order, ActionNotAllowed, rulings.take_case, actor=person)
        refused(order, DisputeRefused, rulings.take_case, actor=moderator, to=person)


# --- Ruling ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", PLATFORM_ENDS)
def test_a_ruling_divides_the_money_and_can_be_appealed(case: Order, moderator: User, amount: str):
    status, payment, accounts = PLATFORM_ENDS[amount]
    order = ruled(case, moderator, amount, str(Decimal("120") - Decimal(amount)))
    assert (order.status, order.payment_status) == (status, payment)
    assert money(order) == {name: Decimal(value) for name, value in accounts.items()}
    dispute = the_case(order)
    ruling = dispute.rulings.get()
    assert (dispute.state, dispute.freelancer_amount) == (State.RESOLVED, Decimal(amount))
    assert (ruling.number, ruling.moderator, ruling.reason) == (1, moderator, REASON)
    assert (ruling.freelancer_amount, ruling.client_amount) == (Decimal(amount), Decimal("120") - Decimal(amount))
    assert dispute.appeal_until == ruling.created_at + timedelta(hours=72)
    if "refundable" in accounts:
        refund = order.disbursements.get()
        assert (refund.reason, refund.not_before) == (Disbursement.Reason.RULED, dispute.appeal_until)
    if order.hold_until:
        assert order.hold_until >= dispute.appeal_until
    assert order.events.latest("number").note == REASON


@pytest.mark.parametrize("amount", DIRECT_ENDS)
def test_a_direct_order_is_ruled(moderator: User, buyer: User, freelancer: User, amount: str):
    status, payment, owed = DIRECT_ENDS[amount]
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT)
    order = ruled(order, moderator, amount, str(Decimal("120") - Decimal(amount)))
    assert (order.status, order.payment_status) == (status, payment)
    assert [row.amount for row in order.disbursements.all()] == ([Decimal(owed)] if owed else [])
    assert not order.transfers.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"freelancer": "60", "client": "59.99"},
        {"freelancer": "60", "client": "60.01"},
        {"freelancer": "0", "client": "0"},
        {"reason": "x" * 99},
        {"not_paid": True},
    ],
)
def test_a_ruling_that_does_not_add_up_or_gives_no_reason_is_refused(case: Order, moderator: User, wrong: dict[str, object]):
    wishes = {"freelancer": "60", "client": "60", "reason": REASON, **wrong}
    refused(
        case,
        (AmountMismatch, DisputeRefused),
        rulings.rule,
        actor=moderator,
        freelancer_amount=Decimal(wishes.pop("freelancer")),
        client_amount=Decimal(wishes.pop("client")),
        **wishes,
    )


def test_only_the_moderator_who_has_the_case_rules(
    case: Order, second: User, stranger: User, buyer: User, freelancer: User, moderator: User
):
    wishes = {"freelancer_amount": Decimal(120), "client_amount": Decimal(0), "reason": REASON}
    refused(case, DisputeRefused, rulings.rule, actor=second, **wishes)
    for person in (stranger, buyer, freelancer):
        refused(case, ActionNotAllowed, rulings.rule, actor=person, **wishes)


def test_a_party_with_the_permission_never_rules(case: Order, freelancer: User):
    freelancer.is_staff = freelancer.is_superuser = True
    freelancer.save()
    Dispute.objects.update(moderator=freelancer)
    wishes = {"freelancer_amount": Decimal(120), "client_amount": Decimal(0), "reason": REASON}
    refused(case, ActionNotAllowed, rulings.rule, actor=freelancer, **wishes)


def test_nobody_rules_while_the_parties_have_time(delivered: Order, buyer: User, freelancer: User, moderator: User):
    order = taken(answered(disputed(delivered, buyer), freelancer), moderator)
    wishes = {"freelancer_amount": Decimal(120), "client_amount": Decimal(0), "reason": REASON}
    refused(order, DisputeRefused, rulings.rule, actor=moderator, **wishes)


def test_a_ruling_over_a_completed_order(moderator: User, buyer: User, freelancer: User):
    order = case_for(moderator, buyer, freelancer, status=Status.COMPLETED)
    order = ruled(order, moderator, "0", "120")
    assert (order.status, order.payment_status) == (Status.COMPLETED, PaymentStatus.REFUNDED)
    assert money(order) == {"refundable": Decimal("120")}


def test_a_completed_order_is_counted_once(moderator: User, buyer: User, freelancer: User, second: User):
    order = case_for(moderator, buyer, freelancer, status=Status.COMPLETED)
    order = appealed(ruled(order, moderator, "60", "60"), buyer)
    order = ruled(taken(order, second), second, "120", "0")
    freelancer.stats.refresh_from_db()
    assert freelancer.stats.orders_completed == 1


def test_an_order_that_an_appeal_cancels_is_not_counted(case: Order, moderator: User, buyer: User, second: User):
    order = appealed(ruled(case, moderator, "120", "0"), buyer)
    order = ruled(taken(order, second), second, "0", "120")
    assert order.status == Status.CANCELLED
    for stats in (order.freelancer.stats, order.gig.stats):
        stats.refresh_from_db()
        assert stats.orders_completed == 0


# --- A direct payment that was never confirmed ---------------------------------------------------------------------------
def test_a_payment_that_never_came_cancels_the_order(moderator: User, buyer: User, freelancer: User):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT, status=Status.PAYMENT_SUBMITTED)
    order = ruled(order, moderator, "0", "0", not_paid=True)
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.AWAIT_DEPOSIT)
    assert not order.disbursements.exists()
    assert order.proofs.get().state == PaymentProof.State.REJECTED
    assert (has_lost(buyer, the_case(order)), has_lost(freelancer, the_case(order))) == (True, False)


def test_a_payment_that_was_made_is_owed_back(moderator: User, buyer: User, freelancer: User):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT, status=Status.PAYMENT_SUBMITTED)
    order = ruled(order, moderator, "0", "120")
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.REFUND_DUE)
    proof = order.proofs.get()
    assert (proof.state, proof.verified_amount, proof.decided_by) == (PaymentProof.State.VERIFIED, 120, moderator)
    assert (the_refund(order)[0], order.funded_amount) == (120, 120)


def test_an_appeal_can_turn_a_payment_round(moderator: User, second: User, buyer: User, freelancer: User):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT, status=Status.PAYMENT_SUBMITTED)
    order = appealed(ruled(order, moderator, "0", "0", not_paid=True), buyer)
    assert (order.status, order.payment_status) == (Status.DISPUTED, PaymentStatus.DISPUTED)
    order = ruled(taken(order, second), second, "0", "120")
    assert (order.status, order.payment_status, order.funded_amount) == (Status.CANCELLED, PaymentStatus.REFUND_DUE, 120)
    assert order.proofs.get().verified_amount == 120


def test_and_back(moderator: User, second: User, buyer: User, freelancer: User):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT, status=Status.PAYMENT_SUBMITTED)
    order = appealed(ruled(order, moderator, "0", "120"), freelancer)
    assert order.disbursements.get().state == DisbursementState.WITHDRAWN
    order = ruled(taken(order, second), second, "0", "0", not_paid=True)
    assert (order.status, order.payment_status, order.funded_amount) == (Status.CANCELLED, PaymentStatus.AWAIT_DEPOSIT, 0)


def test_nobody_is_settled_to_have_it_all_for_work_that_never_began(moderator: User, buyer: User, freelancer: User):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT, status=Status.PAYMENT_SUBMITTED)
    refused(order, DisputeRefused, settlements.offer_settlement, actor=freelancer, freelancer_amount=Decimal("120"))
    SettlementOffer.objects.create(
        dispute=the_case(order), offered_by=buyer, freelancer_amount=Decimal("120"), created_at=timezone.now()
    )
    refused(order, DisputeRefused, settlements.accept_settlement, actor=freelancer)
    order = accept(offer(order, buyer, "119.99"), freelancer)
    assert (order.status, order.payment_status, the_refund(order)[0]) == (
        Status.CANCELLED, PaymentStatus.REFUND_DUE, Decimal("0.01"),
    )  # fmt: skip


def test_nor_ruled_to(moderator: User, buyer: User, freelancer: User):
    order = case_for(moderator, buyer, freelancer, custody=Custody.DIRECT, status=Status.PAYMENT_SUBMITTED)
    wishes = {"freelancer_amount": Decimal("120"), "client_amount": Decimal(0), "reason": REASON}
    refused(order, DisputeRefused, rulings.rule, actor=moderator, **wishes)


# --- Appeals ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", ["0", "120", "60"])
def test_an_appeal_brings_the_whole_money_back_to_another_moderator(
    case: Order, moderator: User, second: User, buyer: User, freelancer: User, amount: str
):
    loser = buyer if amount == "120" else freelancer
    order = ruled(case, moderator, amount, str(120 - int(amount)))
    order = appealed(order, loser)
    dispute = the_case(order)
    assert (order.status, order.payment_status) == (Status.DISPUTED, PaymentStatus.DISPUTED)
    assert money(order) == {"escrow": Decimal("120")}
    assert not order.disbursements.exclude(state=DisbursementState.WITHDRAWN).exists()
    assert (dispute.state, dispute.moderator, dispute.appealed_by) == (State.UNDER_REVIEW, None, loser)
    assert order.dispute_by == dispute.rule_by == dispute.appealed_at + timedelta(days=14)
    refused(order, DisputeRefused, rulings.take_case, actor=moderator)
    order = ruled(taken(order, second), second, "30", "90")
    assert money(order) == {"balance": Decimal("27"), "fees": Decimal("3"), "refundable": Decimal("90")}
    dispute = the_case(order)
    assert (dispute.rulings.count(), dispute.appeal_until) == (2, None)
    assert order.hold_until <= timezone.now()
    assert order.disbursements.get(state=DisbursementState.REQUESTED).not_before is None
    assert not may_appeal(buyer, dispute, timezone.now()) and not may_appeal(freelancer, dispute, timezone.now())
    refused(order, DisputeRefused, rulings.appeal, actor=freelancer, reason="Again.")


def test_there_is_no_appeal_without_a_ruling(buyer: User, freelancer: User):
    order = order_in(Status.COMPLETED, client=buyer, freelancer=freelancer)
    refused(order, DisputeRefused, rulings.appeal, actor=buyer, reason="I have second thoughts.")
    wishes = {"reason": "fraud", "statement": STATEMENT}
    order = disputes.dispute_completed(actor=buyer, order_id=order.pk, seen=order.version, **wishes)
    order = disputes.withdraw_dispute(actor=buyer, order_id=order.pk, seen=order.version)
    refused(order, DisputeRefused, rulings.appeal, actor=buyer, reason="I have second thoughts.")


def test_who_won_does_not_appeal(case: Order, moderator: User, buyer: User, freelancer: User, stranger: User):
    order = ruled(case, moderator, "0", "120")
    refused(order, DisputeRefused, rulings.appeal, actor=buyer, reason="I want more.")
    refused(order, ActionNotAllowed, rulings.appeal, actor=stranger, reason="Me too.")
    refused(order, DisputeRefused, rulings.appeal, actor=freelancer, reason=" ")


def test_who_got_what_they_asked_for_does_not_appeal(delivered: Order, buyer: User, freelancer: User, moderator: User):
    order = answered(disputed(delivered, buyer, wanted_amount=Decimal(60)), freelancer, wanted_amount=Decimal(80))
    order = ruled(taken(reviewed(order), moderator), moderator, "60", "60")
    refused(order, DisputeRefused, rulings.appeal, actor=buyer, reason="Still.")
    assert appealed(order, freelancer).status == Status.DISPUTED


def test_after_three_days_a_ruling_stands(case: Order, moderator: User, freelancer: User):
    order = ruled(case, moderator)
    Dispute.objects.update(appeal_until=timezone.now())
    refused(order, DisputeRefused, rulings.appeal, actor=freelancer, reason="Late.")


def test_what_was_sent_does_not_come_back(case: Order, moderator: User, freelancer: User):
    order = ruled(case, moderator)
    order.disbursements.update(state="sent", sent_at=timezone.now(), reference="R1", payer=freelancer)
    refused(order, AlreadyPaidOut, rulings.appeal, actor=freelancer, reason="Wrong.")


def test_a_ruling_is_not_escaped_by_withdrawing_during_the_appeal(delivered: Order, freelancer: User, moderator: User):
    order = ruled(taken(reviewed(disputed(delivered, freelancer)), moderator), moderator)
    order = appealed(order, freelancer)
    refused(order, DisputeRefused, disputes.withdraw_dispute, actor=freelancer)


# --- The preview --------------------------------------------------------------------------------------------------------------
def test_the_preview_is_the_ruling_itself_taken_back(case: Order, moderator: User):
    wishes = {"freelancer_amount": Decimal("33.33"), "client_amount": Decimal("86.67"), "reason": REASON}
    before = money(case), case.events.count(), LedgerTransfer.objects.count(), Disbursement.objects.count()
    preview = rulings.preview_ruling(actor=moderator, order_id=case.pk, seen=case.version, **wishes)
    assert (money(case), case.events.count(), LedgerTransfer.objects.count(), Disbursement.objects.count()) == before
    assert the_case(case).is_open
    order = rulings.rule(actor=moderator, order_id=case.pk, seen=case.version, **wishes)
    posted = order.transfers.latest("id").entries.select_related("account")
    assert [line.amount * 100 for line in preview.lines] == [entry.amount for entry in posted.order_by("id")]
    assert (preview.status, preview.payment_status) == (order.status, order.payment_status)
    assert preview.refund.amount == order.disbursements.get().amount


def test_the_preview_refuses_what_the_ruling_refuses(case: Order, moderator: User):
    with pytest.raises(AmountMismatch):
        rulings.preview_ruling(
            actor=moderator,
            order_id=case.pk,
            seen=case.version,
            freelancer_amount=Decimal(1),
            client_amount=Decimal(1),
            reason=REASON,
        )


# --- Notes ------------------------------------------------------------------------------------------------------------------
def test_staff_notes_are_for_staff(case: Order, moderator: User, buyer: User, stranger: User):
    dispute = the_case(case)
    rulings.add_staff_note(actor=moderator, dispute_id=dispute.pk, text="Same client as last month.")
    rulings.add_staff_note(actor=moderator, dispute_id=dispute.pk, text="Same client as last month.")
    assert dispute.staff_notes.count() == 1
    for person in (buyer, stranger):
        with pytest.raises(ActionNotAllowed):
            rulings.add_staff_note(actor=person, dispute_id=dispute.pk, text="Hello.")
    assert dispute.staff_notes.count() == 1
