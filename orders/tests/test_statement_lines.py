"""Deciding about entries of a statement: each through the steps of its order, each with its money where it belongs."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from marketplace.exceptions import DomainError
from messaging.models import Notification
from orders import ledger
from orders.admin.statement_words import next_step, reasons_in_words
from orders.exceptions import ActionNotAllowed, LineRefused, OrderMoved, ReferenceUsed, SecondModeratorNeeded
from orders.models import Disbursement, LedgerTransfer, Order, PaymentMethod, StatementLine
from orders.services import escrow, lifecycle, payments, statement_green, statement_lines
from orders.states import DisbursementAction, DisbursementState, PaymentStatus, Status
from orders.tests.factories import hand_in_proof, order_in, place
from orders.tests.test_statements_import import imported, row, table

State, Light = StatementLine.State, StatementLine.Light


@pytest.fixture
def order(buyer: User, freelancer: User) -> Order:
    return order_in(client=buyer, freelancer=freelancer)


@pytest.fixture
def method(order: Order) -> PaymentMethod:
    return order.payment_method


@pytest.fixture
def second(db: None) -> User:
    return UserFactory(full_name="Second Moderator", is_staff=True, is_superuser=True)


def entry(method: PaymentMethod, text: str, amount: str = "120.00", **options: object) -> StatementLine:
    statement = imported(method, table(row(text, amount, **{"bank_id": f"B{StatementLine.objects.count()}", **options})))
    return statement.lines.get()


def fits(order: Order, amount: str = "120.00", **options: object) -> StatementLine:
    return entry(order.payment_method, order.payment_reference, amount, **options)


def fresh(row_: Order | StatementLine):
    row_.refresh_from_db()
    return row_


def held(order: Order) -> dict[str, Decimal]:
    """What stands where, in the order's currency."""
    places = {
        "outside": ledger.outside("EUR"),
        "escrow": ledger.escrow(order),
        "refundable": ledger.refundable(order.client_id, "EUR"),
        "suspense": ledger.suspense("EUR"),
    }
    return {name: amount for name, place in places.items() if (amount := ledger.amount_in(place))}


def facts(order: Order, line: StatementLine) -> object:
    """All that a decision could change."""
    line.refresh_from_db()
    return (
        Order.objects.filter(pk=order.pk).values().get(),
        list(order.events.values_list("number", "action")),
        list(order.proofs.values()),
        (line.state, line.order_id, line.decided_at, line.note),
        (LedgerTransfer.objects.count(), Disbursement.objects.count(), Notification.objects.count()),
    )


# --- Confirming -----------------------------------------------------------------------------------------------------
def test_a_green_entry_is_entered_and_confirmed_in_the_clients_place(order: Order, moderator: User):
    line = statement_lines.confirm_line(actor=moderator, line_id=fits(order).pk, seen=order.version)
    proof = fresh(order).proofs.get()
    assert (order.status, order.payment_status) == (Status.PAYMENT_CONFIRMED, PaymentStatus.FUNDS_HELD)
    assert [event.action for event in order.events.all()] == ["place_order", "record_payment", "confirm_payment"]
    assert (line.state, line.decided_by, line.order) == (State.CONFIRMED, moderator, order)
    assert (proof.statement_line, proof.entered_by, proof.verified_amount) == (line, moderator, Decimal(120))
    assert (proof.transaction_reference, proof.payer_name) == ("B0", "Amara Okafor")
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}
    assert order.transfers.get().statement_line == line


def test_a_proof_that_waits_is_confirmed_with_the_entry(order: Order, moderator: User):
    hand_in_proof(order, transaction_reference="FT1")
    line = statement_lines.confirm_line(actor=moderator, line_id=fits(order).pk)
    proof = fresh(order).proofs.get()
    assert (order.status, proof.state, proof.statement_line, proof.entered_by) == (
        Status.PAYMENT_CONFIRMED,
        "verified",
        line,
        None,
    )
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


def test_less_than_due_is_a_part_and_the_rest_completes_it(order: Order, moderator: User):
    statement_lines.confirm_line(actor=moderator, line_id=fits(order, "100.00").pk)
    assert (fresh(order).status, order.payment_status) == (Status.PENDING_PAYMENT, PaymentStatus.PARTIALLY_FUNDED)
    rest = fits(order, "20.00")
    assert rest.light == Light.GREEN
    statement_lines.confirm_line(actor=moderator, line_id=rest.pk)
    assert (fresh(order).status, order.funded_amount) == (Status.PAYMENT_CONFIRMED, Decimal(120))
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


def test_more_than_due_becomes_a_refund(order: Order, moderator: User):
    statement_lines.confirm_line(actor=moderator, line_id=fits(order, "150.00").pk)
    assert fresh(order).status == Status.PAYMENT_CONFIRMED
    assert held(order) == {"outside": Decimal(-150), "escrow": Decimal(120), "refundable": Decimal(30)}
    assert (order.disbursements.get().amount, order.disbursements.get().reason) == (Decimal(30), "surplus")


def test_late_money_opens_an_expired_order_again(order: Order, moderator: User):
    lifecycle.expire(order_id=order.pk, seen=order.version, now=order.pay_by + timedelta(days=2))
    line = fits(order)
    assert (line.light, line.reasons[0]) == (Light.RED, ["late", "EXPIRED"])
    statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    assert (fresh(order).status, order.payment_status) == (Status.PAYMENT_CONFIRMED, PaymentStatus.FUNDS_HELD)
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


def test_a_moderator_can_choose_another_order(order: Order, moderator: User, stranger: User):
    line = entry(order.payment_method, "no reference", "77.00", payer="Somebody Else")
    statement_lines.confirm_line(actor=moderator, line_id=line.pk, order_id=order.pk)
    assert (fresh(line).state, line.order, fresh(order).payment_status) == (State.CONFIRMED, order, "PARTIALLY_FUNDED")


def test_an_entry_without_an_id_of_the_bank_gets_a_reference_of_its_own(order: Order, moderator: User):
    line = fits(order, bank_id="")
    statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    assert fresh(order).txid.endswith(line.key[:16].upper())


def test_a_double_click_confirms_once(order: Order, moderator: User):
    line = fits(order)
    statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    before = facts(order, line)
    with pytest.raises(LineRefused):
        statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    assert facts(order, line) == before


def test_a_page_from_before_is_refused(order: Order, moderator: User):
    line = fits(order)
    hand_in_proof(order)
    before = facts(order, line)
    with pytest.raises(OrderMoved):
        statement_lines.confirm_line(actor=moderator, line_id=line.pk, seen=order.version)
    assert facts(order, line) == before


def test_a_paid_order_takes_no_second_payment(order: Order, moderator: User):
    statement_lines.confirm_line(actor=moderator, line_id=fits(order).pk)
    double = fits(order)
    assert (double.light, double.reasons[0]) == (Light.RED, ["double"])
    before = facts(order, double)
    with pytest.raises(LineRefused):
        statement_lines.confirm_line(actor=moderator, line_id=double.pk)
    assert facts(order, double) == before


def test_a_payment_that_anothers_proof_shows_is_not_confirmed_before_that_is_decided(
    order: Order, moderator: User, stranger: User
):
    other = place(stranger, order.gig, order.payment_method)
    hand_in_proof(other, transaction_reference="B 0")
    line = fits(order)
    assert (line.light, line.reasons[0]) == (Light.AMBER, ["claimed", other.payment_reference])
    before = facts(order, line)
    with pytest.raises(ReferenceUsed):
        statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    assert facts(order, line) == before


def test_two_entries_never_prove_one_payment(order: Order, moderator: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    first, other = fits(order), fits(order)
    statement_lines.confirm_line(actor=moderator, line_id=first.pk)
    before = facts(order, other)
    with pytest.raises(LineRefused):
        statement_lines.confirm_line(actor=moderator, line_id=other.pk)
    assert facts(order, other) == before


def test_an_entry_is_free_again_once_the_proof_made_of_it_is_rejected(order: Order, moderator: User, second: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    line = fits(order)
    statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    payments.reject_payment(actor=second, order_id=order.pk, seen=fresh(order).version, reason="not_found", note="Look again.")
    statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    statement_lines.confirm_line(actor=second, line_id=line.pk)
    assert (fresh(line).state, fresh(order).status) == (State.CONFIRMED, Status.PAYMENT_CONFIRMED)


def test_over_the_limit_two_moderators_confirm(order: Order, moderator: User, second: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    line = fits(order)
    assert statement_lines.confirm_line(actor=moderator, line_id=line.pk).state == State.OPEN
    assert (fresh(order).status, held(order)) == (Status.PAYMENT_SUBMITTED, {})
    before = facts(order, line)
    with pytest.raises(SecondModeratorNeeded):
        statement_lines.confirm_line(actor=moderator, line_id=line.pk)
    assert facts(order, line) == before
    assert statement_lines.confirm_line(actor=second, line_id=line.pk).state == State.CONFIRMED
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


@pytest.mark.parametrize("role", ["stranger", "buyer", "freelancer"])
def test_only_moderators_decide(role: str, order: Order, request: pytest.FixtureRequest):
    actor, line = request.getfixturevalue(role), fits(order)
    before = facts(order, line)
    for decide in (statement_lines.confirm_line, statement_lines.suspend_line, statement_lines.link_line):
        with pytest.raises(LineRefused):
            decide(actor=actor, line_id=line.pk)
    with pytest.raises(LineRefused):
        statement_lines.ignore_line(actor=actor, line_id=line.pk, note="Mine.")
    assert facts(order, line) == before


def test_a_party_to_the_order_decides_nothing_about_it(moderator: User, freelancer: User, second: User):
    own = order_in(client=moderator, freelancer=freelancer)
    line, unnamed = fits(own), entry(own.payment_method, "no reference", payer="Nobody")
    before = facts(own, line), facts(own, unnamed)
    for decide in (statement_lines.confirm_line, statement_lines.suspend_line):
        with pytest.raises(LineRefused):
            decide(actor=moderator, line_id=line.pk)
    with pytest.raises(LineRefused):
        statement_lines.confirm_line(actor=moderator, line_id=unnamed.pk, order_id=own.pk)
    assert (facts(own, line), facts(own, unnamed)) == before
    statement_lines.confirm_line(actor=second, line_id=line.pk)


def test_what_is_no_deposit_is_never_confirmed(order: Order, moderator: User):
    line = fits(order, "-120.00")
    assert (line.light, line.kind) == (Light.NONE, "debit")
    before = facts(order, line)
    for decide in (statement_lines.confirm_line, statement_lines.suspend_line):
        with pytest.raises(DomainError):
            decide(actor=moderator, line_id=line.pk)
    assert facts(order, line) == before


# --- Known payments -------------------------------------------------------------------------------------------------
def test_a_payment_confirmed_by_hand_is_linked_without_moving_money(order: Order, moderator: User):
    submitted = hand_in_proof(order)
    payments.confirm_payment(actor=moderator, order_id=order.pk, seen=submitted.version, received_amount=Decimal(120))
    line = fits(order)
    before, version = held(order), fresh(order).version
    statement_lines.link_line(actor=moderator, line_id=line.pk)
    assert (fresh(line).state, order.proofs.get().statement_line) == (State.CONFIRMED, line)
    assert (held(order), fresh(order).version) == (before, version)
    again = fits(order)
    assert again.reasons[0] == ["double"]
    with pytest.raises(LineRefused):
        statement_lines.link_line(actor=moderator, line_id=again.pk)


# --- Paid to the freelancer directly --------------------------------------------------------------------------------
@pytest.fixture
def astray(order: Order, buyer: User, freelancer: User) -> StatementLine:
    """The client of a DIRECT order has paid into the platform's account, with the order's reference."""
    direct = order_in(client=buyer, freelancer=freelancer, custody="DIRECT")
    return entry(order.payment_method, f"{direct.payment_reference} Logo", str(direct.expected_amount))


def test_the_reference_of_a_direct_order_is_recognised_and_its_money_goes_back(astray: StatementLine, moderator: User):
    assert (astray.light, astray.reasons[0], astray.order.custody) == (Light.RED, ["direct"], "DIRECT")
    assert next_step(astray) == "This order is paid to the freelancer directly; the client paid us by mistake. Send it back."
    row_ = statement_lines.return_line(actor=moderator, line_id=astray.pk, **TO)
    assert (fresh(astray).state, row_.amount, row_.statement_line) == (State.RETURNED, astray.amount, astray)
    assert held(astray.order)["suspense"] == astray.amount
    assert next_step(astray) == ""


def test_a_payment_of_a_direct_order_is_never_confirmed(astray: StatementLine, moderator: User):
    before = facts(astray.order, astray)
    for step in (statement_lines.confirm_line, statement_lines.link_line):
        with pytest.raises(LineRefused) as refusal:
            step(actor=moderator, line_id=astray.pk)
        assert "Send the payment back" in refusal.value.message
    assert statement_green.confirm_green(actor=moderator, line_ids=[astray.pk]).confirmed == []
    assert facts(astray.order, astray) == before


def test_a_direct_payment_the_freelancer_has_confirmed_is_no_twin_of_the_entry(
    order: Order, buyer: User, freelancer: User, moderator: User
):
    direct = order_in(client=buyer, freelancer=freelancer, custody="DIRECT")
    submitted = hand_in_proof(direct, amount=direct.expected_amount)
    payments.confirm_payment(actor=freelancer, order_id=direct.pk, seen=submitted.version, received_amount=direct.expected_amount)
    line = entry(order.payment_method, direct.payment_reference, str(direct.expected_amount))
    assert line.reasons[0] == ["direct"]
    suspended = statement_lines.suspend_line(actor=moderator, line_id=line.pk)
    assert suspended.state == State.SUSPENSE
    assert next_step(suspended).endswith("Send it back.")


def test_a_proof_that_claims_the_entry_counts_for_more_than_the_direct_order(order: Order, buyer: User, freelancer: User):
    hand_in_proof(order, transaction_reference="FT2308")
    direct = order_in(client=buyer, freelancer=freelancer, custody="DIRECT")
    line = entry(order.payment_method, direct.payment_reference, bank_id="FT2308")
    assert next_step(line).startswith("Find its order")


# --- All green ones -------------------------------------------------------------------------------------------------
def test_all_green_entries_are_confirmed_each_on_its_own(order: Order, moderator: User, stranger: User, freelancer: User):
    method = order.payment_method
    others = [place(stranger, order.gig, method) for _ in range(3)]
    own = place(moderator, order.gig, method)
    paid = (row(one.payment_reference, payer=one.client.full_name) for one in [order, *others, own])
    statement = imported(method, table(*paid))
    lines = list(statement.lines.filter(light=Light.GREEN))
    assert len(lines) == 5
    lifecycle.cancel(actor=stranger, order_id=others[1].pk, seen=others[1].version)
    done = statement_green.confirm_green(actor=moderator, line_ids=[line.pk for line in lines])
    assert [line.order for line in done.confirmed] == [order, others[0], others[2]]
    assert {refusal.line.order for refusal in done.refused} == {others[1], own}
    assert [fresh(one).status for one in (order, others[0], others[2])] == [Status.PAYMENT_CONFIRMED] * 3
    assert fresh(others[1]).status == Status.CANCELLED
    assert fresh(own).status == Status.PENDING_PAYMENT
    assert StatementLine.objects.get(order=others[1]).light == Light.RED
    assert ledger.amount_in(ledger.outside("EUR")) == -360


def test_green_ones_over_the_limit_are_signed(order: Order, moderator: User, second: User, settings):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    line = fits(order)
    assert statement_green.confirm_green(actor=moderator, line_ids=[line.pk]).signed == [line]
    assert statement_green.confirm_green(actor=second, line_ids=[line.pk]).confirmed == [line]


def test_only_moderators_confirm_green_ones(order: Order, stranger: User):
    line = fits(order)
    before = facts(order, line)
    done = statement_green.confirm_green(actor=stranger, line_ids=[line.pk])
    assert (done.confirmed, [refusal.line for refusal in done.refused]) == ([], [line])
    assert facts(order, line) == before


def test_entries_are_judged_again_after_orders_have_moved(order: Order, moderator: User):
    line = entry(order.payment_method, "no reference", "120.00", payer="Li Wei")
    assert line.light == Light.RED
    hand_in_proof(order, payer_name="Li Wei")
    assert statement_green.match_again(actor=moderator, statement_id=line.statement_id) == 1
    assert (fresh(line).light, line.order) == (Light.AMBER, order)


# --- Suspense -------------------------------------------------------------------------------------------------------
@pytest.fixture
def orphan(order: Order, moderator: User) -> StatementLine:
    line = entry(order.payment_method, "no reference", "120.00", payer="Somebody Else")
    return statement_lines.suspend_line(actor=moderator, line_id=line.pk, note="Nobody knows.")


def test_money_that_fits_no_order_waits_in_suspense(orphan: StatementLine, order: Order):
    assert (orphan.state, orphan.note) == (State.SUSPENSE, "Nobody knows.")
    assert held(order) == {"outside": Decimal(-120), "suspense": Decimal(120)}
    assert LedgerTransfer.objects.get().statement_line == orphan


def test_suspended_money_finds_its_order_without_coming_in_twice(orphan: StatementLine, order: Order, moderator: User):
    line = statement_lines.assign_suspense(actor=moderator, line_id=orphan.pk, order_id=order.pk, seen=order.version)
    assert (line.state, line.order, fresh(order).payment_status) == (State.ASSIGNED, order, PaymentStatus.FUNDS_HELD)
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}
    assert [transfer.kind for transfer in LedgerTransfer.objects.all()] == ["orphan", "assign"]
    before = facts(order, line)
    for decide in (statement_lines.suspend_line, statement_lines.confirm_line):
        with pytest.raises(LineRefused):
            decide(actor=moderator, line_id=line.pk)
    assert facts(order, line) == before


def test_suspended_money_over_what_is_due_is_refunded(moderator: User, order: Order):
    line = entry(order.payment_method, "no reference", "150.00", payer="Nobody")
    statement_lines.suspend_line(actor=moderator, line_id=line.pk)
    statement_lines.assign_suspense(actor=moderator, line_id=line.pk, order_id=order.pk)
    assert held(order) == {"outside": Decimal(-150), "escrow": Decimal(120), "refundable": Decimal(30)}


def test_suspended_money_over_the_limit_is_assigned_by_two(
    orphan: StatementLine, order: Order, moderator: User, second: User, settings
):
    settings.FOUR_EYES_OVER = {"EUR": "100"}
    signed = statement_lines.assign_suspense(actor=moderator, line_id=orphan.pk, order_id=order.pk)
    assert (signed.state, held(order)) == (State.SUSPENSE, {"outside": Decimal(-120), "suspense": Decimal(120)})
    assert statement_lines.assign_suspense(actor=second, line_id=orphan.pk, order_id=order.pk).state == State.ASSIGNED
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


TO = {"kind": "bank", "holder": "Somebody Else", "account": "DE02500105170137075030"}


def test_suspended_money_is_sent_back_by_a_disbursement(orphan: StatementLine, order: Order, moderator: User):
    back = statement_lines.return_line(actor=moderator, line_id=orphan.pk, **TO, note="Wrong account.")
    assert (back.kind, back.amount, back.currency, back.state) == ("return", Decimal(120), "EUR", DisbursementState.REQUESTED)
    assert (back.account.account, back.account.owner, back.statement_line) == (TO["account"], None, orphan)
    assert TO["account"] not in back.account.masked
    assert (fresh(orphan).state, back.events.get().actor) == (State.RETURNED, moderator)
    assert held(order) == {"outside": Decimal(-120), "suspense": Decimal(120)}
    with pytest.raises(LineRefused):
        statement_lines.return_line(actor=moderator, line_id=orphan.pk, **TO)
    with pytest.raises(LineRefused):
        statement_lines.assign_suspense(actor=moderator, line_id=orphan.pk, order_id=order.pk)
    assert Disbursement.objects.count() == 1


def test_a_return_that_was_withdrawn_leaves_the_money_in_suspense(orphan: StatementLine, order: Order, moderator: User):
    back = statement_lines.return_line(actor=moderator, line_id=orphan.pk, **TO)
    back.state = DisbursementState.WITHDRAWN
    escrow.note_disbursement(back, DisbursementAction.WITHDRAW, moderator, timezone.now())
    assert statement_lines.assign_suspense(actor=moderator, line_id=orphan.pk, order_id=order.pk).state == State.ASSIGNED
    assert held(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


def test_an_entry_in_suspense_is_not_assigned_to_an_order_that_is_over(
    orphan: StatementLine, buyer: User, freelancer: User, moderator: User
):
    over = order_in(Status.CANCELLED, client=buyer, freelancer=freelancer)
    before = facts(over, orphan)
    with pytest.raises((LineRefused, ActionNotAllowed)):
        statement_lines.assign_suspense(actor=moderator, line_id=orphan.pk, order_id=over.pk)
    assert facts(over, orphan) == before


# --- No payment of a client, and what could not be read -------------------------------------------------------------
def test_what_is_no_payment_of_a_client_is_put_aside_with_a_note(order: Order, moderator: User):
    line = entry(order.payment_method, "Interest", "3.00", payer="Bank")
    before = facts(order, line)
    with pytest.raises(LineRefused):
        statement_lines.ignore_line(actor=moderator, line_id=line.pk, note=" ")
    assert facts(order, line) == before
    statement_lines.ignore_line(actor=moderator, line_id=line.pk, note="Interest.")
    assert (fresh(line).state, line.note, line.decided_by) == (State.IGNORED, "Interest.", moderator)
    assert held(order) == {}


def test_an_unreadable_line_is_resolved_once_and_with_words(order: Order, moderator: User, stranger: User, second: User):
    unreadable = imported(order.payment_method, table(row("Odd", "?"), row("Gift"))).unreadable.get()
    for actor, note in ((stranger, "Mine."), (moderator, "  ")):
        with pytest.raises(LineRefused):
            statement_lines.resolve_unreadable(actor=actor, row_id=unreadable.pk, note=note)
    statement_lines.resolve_unreadable(actor=moderator, row_id=unreadable.pk, note="A footer.")
    with pytest.raises(LineRefused):
        statement_lines.resolve_unreadable(actor=second, row_id=unreadable.pk, note="Something else.")
    assert (fresh(unreadable).note, unreadable.resolved_by) == ("A footer.", moderator)


# --- In words -------------------------------------------------------------------------------------------------------
def test_reasons_and_the_next_step_are_said_in_words(order: Order, moderator: User):
    assert next_step(fits(order, payer="Li Wei", bank_id="C1")) == "Compare it with the order, then confirm it."
    under = fits(order, "100.00", payer="Li Wei")
    assert [said.label for said in reasons_in_words(under)] == [
        "20.00\u00a0EUR less than due",
        "The order's reference is in the text",
        "Another name paid",
    ]
    assert next_step(under) == "Confirm it as a part. The client is asked for the rest."
    assert next_step(fits(order, "-5.00")) == ""
    assert next_step(statement_lines.suspend_line(actor=moderator, line_id=under.pk)).startswith("The money waits in suspense")
