"""What one side asks and the other answers: cancelling with a division, more time, a pause; and what silence means."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from marketplace.exceptions import DomainError
from marketplace.money import AmountError
from messaging.models import Notification
from orders.exceptions import ActionNotAllowed, OrderMoved, ProposalRefused, TooEarly
from orders.models import LedgerTransfer, Order, OrderEvent, Proposal
from orders.selectors.proposals import list_steps_for, silence_accepts
from orders.services import lifecycle, proposals
from orders.states import Action, Custody, PaymentStatus, Status
from orders.tests.factories import REACHABLE, deliver, order_in
from orders.tests.proposing import asked_to_cancel
from orders.tests.test_escrow import holdings, refunds, seen, with_fee
from orders.tests.test_races import at_once, one_winner

FUNDED = [Status.PAYMENT_CONFIRMED, Status.IN_PROGRESS, Status.SUBMITTED, Status.REVISION_REQUESTED]
DAY = timedelta(days=1)
OrderAt = Callable[..., Order]


@pytest.fixture
def order_at(buyer: User, freelancer: User) -> OrderAt:
    def make(status: Status = Status.IN_PROGRESS, custody: Custody = Custody.PLATFORM) -> Order:
        return with_fee(order_in(status, client=buyer, freelancer=freelancer, custody=custody), "10")

    return make


def changed(order: Order, **columns: object) -> Order:
    Order.objects.filter(pk=order.pk).update(**columns)
    return Order.objects.get(pk=order.pk)


def cancellation(order: Order, by: User, share: str = "0") -> Order:
    return proposals.propose_cancellation(
        actor=by, **seen(order), freelancer_amount=Decimal(share), reason="We want different things."
    )


def extension(order: Order, by: User, days: int = 5) -> Order:
    return proposals.propose_extension(actor=by, **seen(order), days=days, reason="The printer is closed.")


def pause(order: Order, days: int = 4) -> Order:
    return proposals.ask_pause(actor=order.freelancer, **seen(order), days=days, question="Which colour?")


def paused(order: Order, days: int = 4) -> Order:
    asked = pause(order, days)
    return proposals.grant_pause(actor=order.client, **seen(asked), answer="Teal.")


def everything() -> tuple[object, ...]:
    return (
        list(Order.objects.values()),
        list(Proposal.objects.values()),
        OrderEvent.objects.count(),
        LedgerTransfer.objects.count(),
        Notification.objects.count(),
    )


def refused(error: type[DomainError], step: Callable[[], object]) -> str:
    """The words of the refusal; a refusal changes nothing."""
    before = everything()
    with pytest.raises(error) as refusal:
        step()
    assert everything() == before
    return refusal.value.message


def last(order: Order) -> Proposal:
    return order.proposals.latest("number")


# --- Cancelling together --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", FUNDED)
def test_a_division_both_agree_on_leaves_nothing_in_escrow(order_at: OrderAt, status: Status):
    order = order_at(status)
    order = cancellation(order, order.client, "40")
    asked = last(order)
    assert (order.status, order.payment_status, holdings(order)["escrow"]) == (status, PaymentStatus.FUNDS_HELD, Decimal(120))
    assert (asked.state, asked.freelancer_amount, asked.respond_by) == ("open", Decimal(40), asked.created_at + 2 * DAY)
    assert order.proposal_by == asked.respond_by

    order = proposals.accept_cancellation(actor=order.freelancer, **seen(order))
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.SPLIT)
    assert holdings(order) == {
        "outside": Decimal(-120),
        "balance": Decimal(36),
        "fees": Decimal(4),
        "refundable": Decimal(80),
    }
    assert refunds(order) == [("cancelled", Decimal(80))]
    asked.refresh_from_db()
    assert (asked.state, asked.answered_by, asked.answered_at) == ("accepted", order.freelancer, order.cancelled_at)
    clocks = (order.proposal_by, order.accept_by, order.due_at, order.auto_approve_at, order.paused_until)
    assert clocks == (None,) * 5
    assert order.next_clock_at == order.hold_until == order.cancelled_at + timedelta(days=order.hold_days)
    data = order.events.latest("number").data
    assert (data["freelancer_amount"], data["client_amount"], data["proposal"]) == ("40.00", "80.00", 1)


@pytest.mark.parametrize(
    ("share", "fee"), [("0.01", "0"), ("0.05", "0"), ("0.15", "0.02"), ("99.95", "10.00"), ("119.99", "12.00")]
)
def test_not_a_cent_is_lost_to_the_division(order_at: OrderAt, share: str, fee: str):
    order = order_at()
    order = proposals.accept_cancellation(actor=order.client, **seen(cancellation(order, order.freelancer, share)))
    held = holdings(order)
    assert held.get("fees", 0) == Decimal(fee)
    assert held["balance"] == Decimal(share) - Decimal(fee)
    assert held["refundable"] == Decimal(120) - Decimal(share)
    assert held["outside"] == Decimal(-120)


def test_nothing_for_the_freelancer_is_a_whole_refund(order_at: OrderAt):
    order = order_at()
    order = proposals.accept_cancellation(actor=order.client, **seen(cancellation(order, order.freelancer, "0")))
    assert order.payment_status == PaymentStatus.REFUNDED
    assert holdings(order) == {"outside": Decimal(-120), "refundable": Decimal(120)}


@pytest.mark.parametrize(("share", "owed"), [("0", "120"), ("40", "80")])
def test_of_a_direct_order_the_freelancer_owes_the_rest_and_no_ledger_moves(order_at: OrderAt, share: str, owed: str):
    order = order_at(custody=Custody.DIRECT)
    order = proposals.accept_cancellation(actor=order.freelancer, **seen(cancellation(order, order.client, share)))
    assert (order.status, order.payment_status) == (Status.CANCELLED, PaymentStatus.REFUND_DUE)
    refund = order.disbursements.get()
    assert (refund.amount, refund.payer, refund.person) == (Decimal(owed), order.freelancer, order.client)
    assert not LedgerTransfer.objects.exists()


@pytest.mark.parametrize(
    ("share", "error"),
    [
        ("120", ProposalRefused),
        ("120.01", ProposalRefused),
        ("-1", AmountError),
        ("0.001", AmountError),
        ("NaN", AmountError),
        ("Infinity", AmountError),
    ],
)
def test_what_is_no_part_of_the_money_is_refused(order_at: OrderAt, share: str, error: type[DomainError]):
    order = order_at()
    refused(error, lambda: cancellation(order, order.client, share))


# --- Who may, and when ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ask", [cancellation, extension], ids=["cancellation", "extension"])
@pytest.mark.parametrize("proposer", ["client", "freelancer"])
def test_only_the_other_side_answers_and_only_the_proposer_withdraws(
    order_at: OrderAt, stranger: User, moderator: User, ask: Callable[..., Order], proposer: str
):
    order = order_at()
    mine, theirs = (order.client, order.freelancer) if proposer == "client" else (order.freelancer, order.client)
    order = ask(order, mine)
    accept = proposals.accept_cancellation if ask is cancellation else proposals.accept_extension

    assert "yourself" in refused(ProposalRefused, lambda: accept(actor=mine, **seen(order)))
    refused(ProposalRefused, lambda: proposals.decline_proposal(actor=mine, **seen(order)))
    assert "Accept or decline" in refused(ProposalRefused, lambda: proposals.withdraw_proposal(actor=theirs, **seen(order)))
    for outsider in (stranger, moderator):
        refused(ActionNotAllowed, lambda: accept(actor=outsider, **seen(order)))  # noqa: B023
        refused(ActionNotAllowed, lambda: proposals.withdraw_proposal(actor=outsider, **seen(order)))  # noqa: B023
    assert accept(actor=theirs, **seen(order)).proposal_by is None


def test_declining_leaves_the_order_as_it_was(order_at: OrderAt):
    order = order_at()
    due = order.due_at
    order = proposals.decline_proposal(
        actor=order.freelancer, **seen(cancellation(order, order.client)), answer="It is nearly done."
    )
    assert (order.status, order.due_at, order.proposal_by) == (Status.IN_PROGRESS, due, None)
    assert holdings(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}
    proposal = last(order)
    assert (proposal.state, proposal.answer, proposal.answered_by) == ("declined", "It is nearly done.", order.freelancer)


def test_withdrawn_or_declined_another_one_can_be_made_and_all_stay(order_at: OrderAt):
    order = order_at()
    order = proposals.withdraw_proposal(actor=order.client, **seen(cancellation(order, order.client)))
    order = proposals.decline_proposal(actor=order.client, **seen(extension(order, order.freelancer)))
    order = pause(order)
    assert list(order.proposals.values_list("number", "kind", "state")) == [
        (1, "cancellation", "withdrawn"),
        (2, "extension", "declined"),
        (3, "pause", "open"),
    ]


@pytest.mark.parametrize("first", [cancellation, extension], ids=["cancellation", "extension"])
def test_one_request_at_a_time(order_at: OrderAt, first: Callable[..., Order]):
    order = order_at()
    order = first(order, order.client)
    refused(ProposalRefused, lambda: cancellation(order, order.freelancer))
    refused(ProposalRefused, lambda: extension(order, order.freelancer))
    refused(ProposalRefused, lambda: pause(order))


def test_an_answer_to_another_kind_of_request_is_refused(order_at: OrderAt):
    order = order_at()
    order = extension(order, order.freelancer)
    refused(ProposalRefused, lambda: proposals.accept_cancellation(actor=order.client, **seen(order)))
    refused(ProposalRefused, lambda: proposals.grant_pause(actor=order.client, **seen(order)))


def test_with_nothing_open_there_is_nothing_to_answer(order_at: OrderAt):
    order = order_at()
    for step in (proposals.accept_cancellation, proposals.accept_extension, proposals.grant_pause, proposals.decline_proposal):
        refused(ProposalRefused, lambda: step(actor=order.client, **seen(order)))  # noqa: B023
    refused(ProposalRefused, lambda: proposals.withdraw_proposal(actor=order.client, **seen(order)))
    refused(ProposalRefused, lambda: proposals.resume(actor=order.client, **seen(order)))


def test_a_request_says_why(order_at: OrderAt):
    order = order_at()
    refused(
        ProposalRefused,
        lambda: proposals.propose_extension(actor=order.client, **seen(order), days=3, reason=" \n "),
    )


@pytest.mark.parametrize("status", [status for status in REACHABLE if status not in FUNDED])
def test_where_no_money_is_held_nothing_can_be_asked(order_at: OrderAt, status: Status):
    order = order_at(status)
    for ask in (cancellation, extension):
        refused(ActionNotAllowed, lambda: ask(order, order.client))  # noqa: B023
    refused(ActionNotAllowed, lambda: pause(order))


@pytest.mark.parametrize("status", [Status.PAYMENT_CONFIRMED, Status.SUBMITTED])
def test_time_is_only_changed_while_it_runs(order_at: OrderAt, status: Status):
    order = order_at(status)
    refused(ActionNotAllowed, lambda: extension(order, order.client))
    refused(ActionNotAllowed, lambda: pause(order))


def test_a_double_click_asks_once(order_at: OrderAt):
    order = order_at()
    first, second = (cancellation(order, order.client, share) for share in ("40", "40.00"))
    assert (first.version, order.proposals.count()) == (second.version, 1)


def test_of_two_answers_the_second_is_told_that_the_order_has_moved(order_at: OrderAt):
    order = order_at()
    order = cancellation(order, order.client, "40")
    proposals.withdraw_proposal(actor=order.client, **seen(order))
    refused(OrderMoved, lambda: proposals.accept_cancellation(actor=order.freelancer, **seen(order)))
    assert holdings(order) == {"outside": Decimal(-120), "escrow": Decimal(120)}


def test_a_step_that_leads_on_overtakes_what_it_makes_moot(order_at: OrderAt):
    order = order_at()
    asked = extension(order, order.freelancer)
    order = deliver(asked)
    assert (last(order).state, order.proposal_by) == ("lapsed", None)
    order = lifecycle.approve(actor=order.client, **seen(cancellation(order, order.client)))
    assert (last(order).state, order.status) == ("lapsed", Status.COMPLETED)
    assert holdings(order) == {"outside": Decimal(-120), "balance": Decimal(108), "fees": Decimal(12)}


def test_a_delivery_leaves_a_cancellation_open_and_the_clock_does_not_approve_meanwhile(order_at: OrderAt):
    order = order_at()
    order = deliver(cancellation(order, order.client, "40"))
    assert last(order).state == "open"
    refused(TooEarly, lambda: lifecycle.auto_approve(**seen(order), now=order.auto_approve_at))


# --- What silence means ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("proposer", "share", "changes", "state"),
    [
        ("client", "0", {}, "declined"),
        ("client", "0", {"due_at": "over"}, "accepted"),
        ("client", "40", {"due_at": "over"}, "accepted"),
        ("freelancer", "0", {"due_at": "over"}, "accepted"),
        ("freelancer", "40", {"due_at": "over"}, "declined"),
        ("client", "0", {"due_at": "over", "ever_delivered": True}, "declined"),
        ("client", "0", {"due_at": "over", "paused_at": "over", "paused_until": "later"}, "declined"),
    ],
)
def test_silence_cancels_only_what_is_overdue_and_wrongs_nobody(order_at: OrderAt, proposer, share, changes, state):
    now = timezone.now()
    order = order_at()
    order = cancellation(order, getattr(order, proposer), share)
    order = changed(order, **{name: {"over": now, "later": now + 9 * DAY}.get(v, v) for name, v in changes.items()})
    assert silence_accepts(order, last(order)) == (state == "accepted")
    refused(TooEarly, lambda: proposals.answer_silence(**seen(order), now=last(order).respond_by - timedelta(seconds=1)))

    order = proposals.answer_silence(**seen(order), now=last(order).respond_by)
    assert (last(order).state, last(order).answered_by, order.proposal_by) == (state, None, None)
    assert order.status == (Status.CANCELLED if state == "accepted" else Status.IN_PROGRESS)
    back = Decimal(120) - Decimal(share)
    assert refunds(order) == ([("cancelled", back)] if state == "accepted" else [])
    assert order.events.latest("number").actor is None


@pytest.mark.parametrize("status", [Status.PAYMENT_CONFIRMED, Status.SUBMITTED, Status.REVISION_REQUESTED])
def test_before_the_start_and_after_a_delivery_silence_declines(order_at: OrderAt, status: Status):
    order = order_at(status)
    order = cancellation(order, order.client)
    order = proposals.answer_silence(**seen(order), now=order.proposal_by)
    assert (order.status, last(order).state) == (status, "declined")


def test_silence_never_gives_more_time_and_always_the_pause(order_at: OrderAt):
    order = order_at()
    due = order.due_at
    asked = extension(order, order.freelancer)
    order = proposals.answer_silence(**seen(asked), now=asked.proposal_by)
    assert (order.due_at, last(order).state) == (due, "declined")
    asked = pause(order, 4)
    order = proposals.answer_silence(**seen(asked), now=asked.proposal_by)
    assert (order.paused_at, order.paused_until) == (asked.proposal_by, asked.proposal_by + 4 * DAY)
    assert last(order).state == "accepted"


def test_the_clock_answers_once(order_at: OrderAt):
    asked = cancellation(order := order_at(), order.client)
    proposals.answer_silence(**seen(asked), now=asked.proposal_by)
    before = everything()
    proposals.answer_silence(**seen(asked), now=asked.proposal_by)
    assert everything() == before


# --- More time ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.REVISION_REQUESTED])
def test_more_time_counts_from_the_day_it_was_due(order_at: OrderAt, status: Status):
    order = order_at(status)
    due = order.due_at
    asked = extension(order, order.freelancer, 5)
    assert (asked.due_at, last(asked).new_due_at) == (due, due + 5 * DAY)
    order = proposals.accept_extension(actor=order.client, **seen(asked))
    assert (order.due_at, last(order).state) == (due + 5 * DAY, "accepted")


def test_overdue_it_counts_from_now(order_at: OrderAt):
    order = order_at()
    order = changed(order, due_at=timezone.now() - 9 * DAY)
    order = proposals.accept_extension(actor=order.freelancer, **seen(extension(order, order.client, 3)))
    assert order.due_at == last(order).created_at + 3 * DAY


@pytest.mark.parametrize("days", [0, -1, 61])
def test_more_time_is_one_to_sixty_days(order_at: OrderAt, days: int):
    order = order_at()
    refused(ProposalRefused, lambda: extension(order, order.freelancer, days))


def test_a_day_that_has_passed_is_not_agreed_on(order_at: OrderAt):
    order = order_at()
    asked = extension(order, order.freelancer, 1)
    Proposal.objects.update(new_due_at=timezone.now() - timedelta(hours=1))
    refused(ProposalRefused, lambda: proposals.accept_extension(actor=order.client, **seen(asked)))


# --- A pause --------------------------------------------------------------------------------------------------------
def test_a_pause_ends_early_and_the_delivery_day_moves_by_the_time_it_stood(order_at: OrderAt):
    order = paused(order_at(), 4)
    due, now = order.due_at, timezone.now()
    assert order.paused_until == order.paused_at + 4 * DAY == order.next_clock_at
    assert (last(order).answer, order.events.latest("number").note) == ("Teal.", "Teal.")
    order = changed(order, paused_at=now - timedelta(hours=30), paused_until=now + timedelta(hours=66))
    order = proposals.resume(actor=order.client, **seen(order), now=now)
    assert (order.due_at, order.paused_days) == (due + timedelta(hours=30), 2)
    assert (order.paused_at, order.paused_until) == (None, None)


def test_the_clock_ends_a_pause_when_its_time_is_over_however_late_it_looks(order_at: OrderAt):
    order = paused(order_at(), 4)
    due, until = order.due_at, order.paused_until
    refused(TooEarly, lambda: proposals.resume(actor=None, **seen(order), now=until - timedelta(seconds=1)))
    order = proposals.resume(actor=None, **seen(order), now=until + 7 * DAY)
    assert (order.due_at, order.paused_days, order.paused_until) == (due + 4 * DAY, 4, None)


def test_an_order_stands_for_fourteen_days_in_all(order_at: OrderAt):
    order = order_at()
    refused(ProposalRefused, lambda: pause(order, 15))
    order = paused(order, 10)
    order = proposals.resume(actor=None, **seen(order), now=order.paused_until)
    assert "4 are left" in refused(ProposalRefused, lambda: pause(order, 5))
    order = paused(order, 4)
    order = proposals.resume(actor=None, **seen(order), now=order.paused_until)
    assert order.paused_days == 14
    refused(ProposalRefused, lambda: pause(order, 1))
    assert Action.ASK_PAUSE not in list_steps_for(order.freelancer, order)


def test_while_the_clock_stands_neither_another_pause_nor_another_day(order_at: OrderAt):
    order = paused(order_at())
    refused(ProposalRefused, lambda: pause(order))
    refused(ProposalRefused, lambda: extension(order, order.client))
    assert cancellation(order, order.client).proposal_by


def test_only_the_freelancer_asks_for_a_pause_and_only_the_client_grants_it(order_at: OrderAt):
    order = order_at()
    refused(
        ActionNotAllowed, lambda: proposals.ask_pause(actor=order.client, **seen(order), days=2, question="When do you want it?")
    )
    asked = pause(order)
    refused(ActionNotAllowed, lambda: proposals.grant_pause(actor=order.freelancer, **seen(asked)))


# --- Buttons --------------------------------------------------------------------------------------------------------
ASKING = {Action.PROPOSE_CANCELLATION, Action.PROPOSE_EXTENSION, Action.ASK_PAUSE}
ANSWERS = {Action.ACCEPT_CANCELLATION, Action.ACCEPT_EXTENSION, Action.GRANT_PAUSE, Action.DECLINE_PROPOSAL}
ABOUT = ASKING | ANSWERS | {Action.WITHDRAW_PROPOSAL, Action.RESUME}


def buttons(order: Order) -> list[set[Action]]:
    order = Order.objects.get(pk=order.pk)
    return [set(list_steps_for(user, order)) & ABOUT for user in (order.client, order.freelancer)]


def test_each_side_has_the_buttons_that_are_theirs(order_at: OrderAt):
    order = order_at()
    assert buttons(order) == [ASKING - {Action.ASK_PAUSE}, ASKING]
    order = cancellation(order, order.client)
    assert buttons(order) == [{Action.WITHDRAW_PROPOSAL}, {Action.ACCEPT_CANCELLATION, Action.DECLINE_PROPOSAL}]
    order = proposals.withdraw_proposal(actor=order.client, **seen(order))
    order = extension(order, order.freelancer)
    assert buttons(order) == [{Action.ACCEPT_EXTENSION, Action.DECLINE_PROPOSAL}, {Action.WITHDRAW_PROPOSAL}]
    order = pause(proposals.decline_proposal(actor=order.client, **seen(order)))
    assert buttons(order) == [{Action.GRANT_PAUSE, Action.DECLINE_PROPOSAL}, {Action.WITHDRAW_PROPOSAL}]
    order = proposals.grant_pause(actor=order.client, **seen(order))
    assert buttons(order) == [{Action.RESUME, Action.PROPOSE_CANCELLATION}] * 2


# --- Two at once ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("other", ["withdraw", "silence", "deliver"])
def test_of_two_answers_at_once_one_wins_and_the_money_is_whole(other: str):
    order = order_in(Status.IN_PROGRESS, client=UserFactory(), freelancer=UserFactory())
    order = cancellation(order, order.freelancer, "40")
    rivals = {
        "withdraw": lambda: proposals.withdraw_proposal(actor=order.freelancer, **seen(order)),
        "silence": lambda: proposals.answer_silence(**seen(order), now=order.proposal_by),
        "deliver": lambda: deliver(order),
    }
    one_winner(at_once(lambda: proposals.accept_cancellation(actor=order.client, **seen(order)), rivals[other]), OrderMoved)
    order = Order.objects.get()
    held = holdings(order)
    assert held["outside"] == Decimal(-120)
    assert held.get("escrow", 0) == (Decimal(120) if order.payment_status == PaymentStatus.FUNDS_HELD else 0)


def test_who_was_declined_does_not_ask_on_and_on(buyer: User, freelancer: User):
    """Else a client could keep a request open for ever, and a delivery never approves itself."""
    order = asked_to_cancel(order_in(Status.SUBMITTED, client=buyer, freelancer=freelancer))
    asker = order.proposals.get().proposed_by
    other = freelancer if asker == buyer else buyer
    order = proposals.decline_proposal(actor=other, order_id=order.pk, seen=order.version)
    again = {"actor": asker, "order_id": order.pk, "freelancer_amount": Decimal(10), "reason": "Please."}
    with pytest.raises(ProposalRefused):
        proposals.propose_cancellation(**again, seen=order.version)
    Proposal.objects.update(answered_at=timezone.now() - timedelta(hours=73))
    assert proposals.propose_cancellation(**again, seen=order.version).proposal_by


def test_silence_pauses_no_order_that_was_overdue_already(buyer: User, freelancer: User):
    order = order_in(Status.IN_PROGRESS, client=buyer, freelancer=freelancer)
    Order.objects.update(due_at=timezone.now() - timedelta(hours=30))
    order = proposals.ask_pause(actor=freelancer, order_id=order.pk, seen=order.version, days=3, question="Which colour?")
    order = proposals.answer_silence(order_id=order.pk, seen=order.version, now=order.proposal_by)
    assert (order.paused_at, order.proposals.get().state) == (None, "declined")
